import Glibc
import Synchronization
import Testing

@testable import KubeIndex

/// The transport against a scripted server: what is sent, what is delivered, and how each fault is
/// named. Everything above it (API client, object store) trusts these reasons.
@Suite(.timeLimit(.minutes(1)))
struct HTTPMultiTests {
  @Test func deliversHeadAndBody() throws {
    let server = LoopbackServer { _ in
      .send("HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhello")
    }
    defer { server.stop() }
    let multi = try HTTPMulti()
    for _ in 0..<2 {
      let response = try multi.perform(
        HTTPRequest(url: server.url + "/a%2Fb/../c?x=%20", headers: [("X-Mine", "1")]),
        maximumBodyByteCount: 5)
      #expect(response.status == 200)
      #expect(response.head["etag"] == "\"a\"")
      #expect(response.head["x-empty"] == "")
      #expect(response.body == Array("hello".utf8))
    }
    // The URL arrives byte for byte.
    #expect(server.requests.allSatisfy { $0.hasPrefix("GET /a%2Fb/../c?x=%20 HTTP/1.1\r\n") })
    #expect(server.requests.allSatisfy { $0.contains("X-Mine: 1\r\n") })
  }

  @Test func sendsBytesFilesAndEmptyBodies() throws {
    let server = LoopbackServer { _ in .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
    defer { server.stop() }
    let path = "/tmp/http-multi-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let file = fopen(path, "w")
    fputs("0123456789", file)
    fclose(file)
    defer { unlink(path) }
    let multi = try HTTPMulti()
    let bodies: [(String, HTTPRequest.Body, String)] = [
      ("PUT", .bytes(Array("abc".utf8)), "abc"), ("POST", .none, ""),
      ("PUT", .file(path: path, offset: 2, count: 5), "23456"),
      (
        "POST", .bytes([UInt8](repeating: 0x61, count: 2_000_000)),
        String(repeating: "a", count: 2_000_000)
      ),
    ]
    for (method, body, wanted) in bodies {
      let response = try multi.perform(
        HTTPRequest(method: method, url: server.url + "/", body: body), maximumBodyByteCount: 0)
      #expect(response.status == 200)
      let request = try #require(server.requests.last)
      #expect(request.hasPrefix("\(method) / "))
      #expect(request.contains("Content-Length: \(wanted.utf8.count)\r\n"))
      #expect(request.hasSuffix("\r\n\r\n" + wanted))
      #expect(request.contains("100-continue") == (wanted.utf8.count > 1_048_576))
    }
  }

  /// A kept connection that the server closed: the request is sent again, its file from the start.
  @Test func sendsFileAgainOnNewConnection() throws {
    let count = Atomic<Int>(0)
    let server = LoopbackServer { _ in
      if count.add(1, ordering: .relaxed).newValue == 2 { return .reset }
      return .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    defer { server.stop() }
    let path = "/tmp/http-multi-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    let file = fopen(path, "w")
    fputs("0123456789", file)
    fclose(file)
    defer { unlink(path) }
    let multi = try HTTPMulti()
    for _ in 0..<2 {
      let response = try? multi.perform(
        HTTPRequest(
          method: "PUT", url: server.url + "/", body: .file(path: path, offset: 0, count: 10)),
        maximumBodyByteCount: 0)
      if let response { #expect(response.status == 200) }
    }
    #expect(server.requests.allSatisfy { $0.hasSuffix("\r\n\r\n0123456789") })
  }

  /// A lost answer must be seen as lost: the request may have taken effect.
  @Test func sendsOnceWhatIsToBeSentOnce() throws {
    let count = Atomic<Int>(0)
    let server = LoopbackServer { _ in
      if count.add(1, ordering: .relaxed).newValue == 2 { return .reset }
      return .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    defer { server.stop() }
    let multi = try HTTPMulti()
    var request = HTTPRequest(method: "POST", url: server.url + "/")
    request.isSentOnce = true
    #expect(try multi.perform(request, maximumBodyByteCount: 0).status == 200)
    let error = #expect(throws: TransportError.self) {
      try multi.perform(request, maximumBodyByteCount: 0)
    }
    #expect(error?.reason == .reset)
    #expect(server.requests.count == 2)
  }

  @Test func namesEachFault() throws {
    let server = LoopbackServer { request in
      if request.hasPrefix("GET /hang") { return .sendAndHang("HTTP/1.1 200 OK\r\n\r\npart") }
      if request.hasPrefix("GET /short") {
        return .sendAndClose("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
      }
      if request.hasPrefix("GET /big") {
        return .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")
      }
      if request.hasPrefix("GET /head") {
        return .sendAndClose(
          "HTTP/1.1 200 OK\r\nA: " + String(repeating: "x", count: 90_000) + "\r\n\r\n")
      }
      return .reset
    }
    defer { server.stop() }
    let multi = try HTTPMulti()
    let cases: [(HTTPRequest, TransportError.Reason)] = [
      (HTTPRequest(url: server.url + "/hang", totalTimeout: .milliseconds(200)), .timedOut),
      (HTTPRequest(url: server.url + "/short"), .reset),
      (HTTPRequest(url: server.url + "/big"), .bodyTooLarge),
      (HTTPRequest(url: server.url + "/head"), .protocolViolation),
      (HTTPRequest(url: server.url + "/reset"), .reset),
      (HTTPRequest(url: "http://127.0.0.1:1/"), .connect),
      (HTTPRequest(url: "ftp://127.0.0.1/"), .protocolViolation),
      (HTTPRequest(url: "http://name.invalid/"), .resolve),
      (HTTPRequest(url: server.url, headers: [("A", "b\r\nC: d")]), .protocolViolation),
      (
        HTTPRequest(
          method: "PUT", url: server.url, body: .file(path: "/none", offset: 0, count: 1)), .file
      ),
    ]
    for (request, reason) in cases {
      let error = #expect(throws: TransportError.self) {
        try multi.perform(request, maximumBodyByteCount: 8)
      }
      #expect(error?.reason == reason, "\(request.url): \(error?.message ?? "")")
    }
    #expect(multi.transferCount == 0)
  }

  /// Redirects are the caller's decision: credentials go nowhere by themselves.
  @Test func followsNoRedirect() throws {
    let server = LoopbackServer { _ in
      .send("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    }
    defer { server.stop() }
    let response = try HTTPMulti().perform(HTTPRequest(url: server.url), maximumBodyByteCount: 0)
    #expect(response.status == 307)
    #expect(server.requests.count == 1)
  }

  @Test func wakeupCancels() throws {
    let server = LoopbackServer { _ in .sendAndHang("HTTP/1.1 200 OK\r\n\r\n") }
    defer { server.stop() }
    let multi = try HTTPMulti()
    let isCancelled = Atomic<Bool>(false)
    let thread = startThread {
      usleep(100_000)
      isCancelled.store(true, ordering: .releasing)
      multi.wakeup()
    }
    let error = #expect(throws: TransportError.self) {
      try multi.perform(HTTPRequest(url: server.url), maximumBodyByteCount: 1) {
        isCancelled.load(ordering: .acquiring)
      }
    }
    pthread_join(thread, nil)
    #expect(error?.reason == .cancelled)
  }

  /// A delegate may end its own transfer and start another from inside its callbacks.
  @Test func delegateMayCancelAndStart() throws {
    let server = LoopbackServer { request in
      request.hasPrefix("GET /first")
        ? .sendAndHang("HTTP/1.1 200 OK\r\n\r\nevent")
        : .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    }
    defer { server.stop() }
    let multi = try HTTPMulti()
    final class Second: HTTPTransferDelegate {
      var text = ""
      var ended = false
      func transferDidReceiveHead(_ head: HTTPHead) {}
      func transferDidReceive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        text += String(decoding: bytes, as: UTF8.self)
        return true
      }
      func transferDidEnd(_ error: TransportError?) { ended = error == nil }
    }
    final class First: HTTPTransferDelegate {
      let multi: HTTPMulti
      let url: String
      let second = Second()
      var id: HTTPMulti.TransferID?
      var reason: TransportError.Reason?
      init(_ multi: HTTPMulti, _ url: String) {
        self.multi = multi
        self.url = url
      }
      func transferDidReceiveHead(_ head: HTTPHead) {}
      func transferDidReceive(_ bytes: UnsafeRawBufferPointer) -> Bool {
        _ = multi.start(HTTPRequest(url: url + "/second"), delegate: second)
        if let id { multi.cancel(id) }
        return true
      }
      func transferDidEnd(_ error: TransportError?) { reason = error?.reason }
    }
    let first = First(multi, server.url)
    first.id = multi.start(HTTPRequest(url: server.url + "/first"), delegate: first)
    while multi.transferCount > 0 { multi.poll(timeout: .seconds(5)) }
    #expect(first.reason == .cancelled)
    #expect(first.second.ended)
    #expect(first.second.text == "ok")
  }

  @Test(
    arguments: [
      ("http://a", false, "a", nil), ("https://A.b:8443/x?y:9", true, "A.b", 8443),
      ("http://[::1]:80", false, "[::1]", 80),
      ("https://[fd00:ec2::23]/v1", true, "[fd00:ec2::23]", nil),
    ] as [(String, Bool, String, Int?)])
  func splitsURL(url: String, isSecure: Bool, host: String, port: Int?) throws {
    let authority = try #require(URLAuthority(of: url))
    #expect(authority.isSecure == isSecure)
    #expect(authority.host == host)
    #expect(authority.port == port)
  }

  @Test(arguments: [
    "", "a", "ftp://a", "http://", "http://u@a/", "http://a:b", "http://a:70000", "http://[::1",
    "http://a b",
  ])
  func refusesURL(url: String) {
    #expect(URLAuthority(of: url) == nil)
  }
}
