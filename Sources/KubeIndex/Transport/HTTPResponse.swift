/// A whole answer.
package struct HTTPResponse: Sendable {
  package var head: HTTPHead
  package var body: [UInt8]

  package init(head: HTTPHead, body: [UInt8]) {
    self.head = head
    self.body = body
  }

  package var status: Int { head.status }
}

/// Gathers one answer, up to a bound.
final class ResponseCollector: HTTPTransferDelegate {
  private(set) var hasEnded = false

  private let maximumBodyByteCount: Int
  private var head: HTTPHead?
  private var body: [UInt8] = []
  private var isTooLarge = false
  private var error: TransportError?

  init(maximumBodyByteCount: Int) {
    self.maximumBodyByteCount = maximumBodyByteCount
  }

  func transferDidReceiveHead(_ head: HTTPHead) { self.head = head }

  func transferDidReceive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= maximumBodyByteCount - body.count else {
      isTooLarge = true
      return false
    }
    body.append(contentsOf: bytes)
    return true
  }

  func transferDidEnd(_ error: TransportError?) {
    self.error = error
    hasEnded = true
  }

  func response() throws(TransportError) -> HTTPResponse {
    if isTooLarge {
      throw TransportError(
        reason: .bodyTooLarge, message: "the answer exceeds \(maximumBodyByteCount) bytes")
    }
    if let error { throw error }
    guard let head else {
      throw TransportError(reason: .protocolViolation, message: "the answer has no head")
    }
    return HTTPResponse(head: head, body: body)
  }
}
