import Testing

@testable import fleet

/// Protects the counting of outcomes: an answer is one only when all of it is there.
@Suite struct AnswerTests {
  static func parse(_ text: String) -> Answer.Outcome {
    Array(text.utf8).withUnsafeBytes { Answer.parse($0) }
  }

  static let answers: [(text: String, status: Int, closes: Bool, retryAfter: Int64?)] = [
    ("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}", 200, false, nil),
    ("HTTP/1.1 200 OK\r\ncontent-length:2\r\nConnection: close\r\n\r\nok", 200, true, nil),
    (
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 503, false,
      7
    ),
    ("HTTP/1.1 204 No Content\r\n\r\n", 204, false, nil),
    (
      "HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400,
      false, nil
    ),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, false, nil),
  ]

  @Test(arguments: answers.indices)
  func everyPrefixIsIncomplete(index: Int) throws {
    let expected = Self.answers[index]
    for count in 0..<expected.text.utf8.count {
      guard
        case .incomplete = Self.parse(
          String(decoding: expected.text.utf8.prefix(count), as: UTF8.self))
      else {
        Issue.record("\(count) bytes of \(expected.text) are taken for an answer")
        continue
      }
    }
    guard case .complete(let answer) = Self.parse(expected.text) else {
      Issue.record("not read: \(expected.text)")
      return
    }
    #expect(answer.status == expected.status)
    #expect(answer.closes == expected.closes)
    #expect(answer.retryAfterSeconds == expected.retryAfter)
    #expect(answer.byteCount == expected.text.utf8.count)
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
  ])
  func whatIsNotAnAnswerIsMalformed(text: String) {
    guard case .malformed = Self.parse(text) else {
      Issue.record("taken for an answer: \(text)")
      return
    }
  }
}
