import Glibc

/// As much of an HTTP/1.1 answer as a collector needs: status, length, whether the connection
/// stays.
struct Answer {
  var status: Int
  /// Bytes of head and body together.
  var byteCount: Int
  var bodyStart: Int
  var closes: Bool
  var retryAfterSeconds: Int64?

  enum Outcome {
    case incomplete
    case complete(Answer)
    case malformed
  }

  /// Looks for one whole answer at the start of `bytes`. A body without Content-Length must be
  /// chunked.
  static func parse(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    guard bytes.count >= 16, let base = bytes.baseAddress else { return .incomplete }
    guard let headEnd = bytes.firstOffset(of: "\r\n\r\n") else { return .incomplete }
    let headCount = headEnd + 4
    guard memcmp(base, "HTTP/1.", 7) == 0, let status = decimal(bytes, 9..<12) else {
      return .malformed
    }
    var answer = Answer(status: status, byteCount: 0, bodyStart: headCount, closes: false)
    var length: Int?
    var isChunked = false
    var lineStart = 0
    while lineStart < headCount {
      guard let newline = memchr(base + lineStart, 10, headCount - lineStart) else { break }
      let lineEnd = UnsafeRawPointer(newline) - base
      let line = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<lineEnd])
      if let value = value(of: "content-length:", in: line) {
        length = decimal(value, 0..<value.count)
      } else if let value = value(of: "connection:", in: line) {
        answer.closes = equals(value, "close")
      } else if let value = value(of: "retry-after:", in: line) {
        answer.retryAfterSeconds = decimal(value, 0..<value.count).map(Int64.init)
      } else if let value = value(of: "transfer-encoding:", in: line) {
        isChunked = equals(value, "chunked")
      }
      lineStart = lineEnd + 1
    }
    if let length {
      answer.byteCount = headCount + length
      return bytes.count >= answer.byteCount ? .complete(answer) : .incomplete
    }
    if status == 204 || status == 304 {
      answer.byteCount = headCount
      return .complete(answer)
    }
    guard isChunked else { return .malformed }
    guard let last = bytes.firstOffset(of: "\r\n0\r\n\r\n", from: headCount - 2) else {
      return .incomplete
    }
    answer.byteCount = last + 7
    return .complete(answer)
  }

  private static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    guard !range.isEmpty, range.count <= 9, range.upperBound <= bytes.count else { return nil }
    var number = 0
    for index in range {
      let digit = Int(bytes[index]) - 48
      guard (0...9).contains(digit) else { return nil }
      number = number * 10 + digit
    }
    return number
  }

  /// The value of a header line, without the blanks around it, if the line begins with `name`,
  /// which is in lower case.
  private static func value(
    of name: StaticString, in line: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer? {
    let count = name.utf8CodeUnitCount
    guard line.count >= count, line.first.map({ $0 | 0x20 }) == name.utf8Start.pointee else {
      return nil
    }
    for index in 0..<count {
      let letter = line[index]
      let lower = letter >= 65 && letter <= 90 ? letter | 0x20 : letter
      if lower != name.utf8Start[index] { return nil }
    }
    var range = count..<line.count
    while let first = range.first, line[first] == 32 || line[first] == 9 {
      range = (first + 1)..<range.upperBound
    }
    while let last = range.last, line[last] == 32 || line[last] == 13 {
      range = range.lowerBound..<last
    }
    return UnsafeRawBufferPointer(rebasing: line[range])
  }

  private static func equals(_ value: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    guard value.count == word.utf8CodeUnitCount else { return false }
    for index in 0..<value.count where value[index] | 0x20 != word.utf8Start[index] {
      return false
    }
    return true
  }
}
