import Synchronization
import Testing

@testable import Service

/// Protects the line between two requests: no bytes of one may pass as another, whatever a client
/// or a proxy with another reading of HTTP sends, and each refusal says what was wrong.
@Suite struct FramingTests {
  static let canaryBody = "canary"
  /// Behind a request that ends where it should, it is taken; the connection then ends with it.
  static let canary =
    "POST /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n"
    + canaryBody

  @Test(arguments: FramingCase.all)
  func noByteOfOneRequestIsAnother(_ framing: FramingCase) throws {
    let server = try TestServer()
    // At once, and in packets that end within names, sizes and line ends.
    for packet in [Int.max, 7] {
      server.intake.state.withLock { $0.bodies = [] }
      let client = try server.connect()
      client.setTimeout(milliseconds: 5000)
      let bytes = Array((framing.request + Self.canary).utf8)
      var offset = 0
      while offset < bytes.count {
        let end = offset + min(packet, bytes.count - offset)
        client.send(Array(bytes[offset..<end]))
        offset = end
      }
      let text = client.readAll()
      let goesOn = framing.fate == .goesOn
      #expect(client.isAtEnd)
      #expect(statuses(text) == framing.expected + (goesOn ? [200] : []), "\(text)")
      #expect(framing.says.isEmpty || text.contains(framing.says), "\(text)")
      let bodies = server.intake.bodies.map { String(decoding: $0, as: UTF8.self) }
      #expect(bodies == framing.bodies + (goesOn ? [Self.canaryBody] : []))
      #expect(text.contains("Connection: close\r\n"))
    }
  }

  @Test("A client that ends early, anywhere in a report, leaves nothing behind")
  func endsEarly() throws {
    let server = try TestServer()
    let chunked = "POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for request in [Self.canary, chunked + "6;x=y\r\ncanary\r\n0\r\nT: u\r\n\r\n"] {
      for count in 0..<request.utf8.count {
        let client = try server.connect()
        client.send(Array(request.utf8.prefix(count)))
        client.endOutput()
        client.setTimeout(milliseconds: 5000)
        #expect(client.readAll().isEmpty, "\(count) bytes")
        #expect(client.isAtEnd, "\(count) bytes")
      }
    }
    #expect(server.intake.bodies.isEmpty)
    #expect(server.shared.budget.byteCount == 0)
  }
}
