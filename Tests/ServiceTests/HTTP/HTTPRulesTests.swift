import Testing

@testable import Service

/// One request as it goes over the wire, and what must come back.
struct OddRequest: Sendable, CustomTestStringConvertible {
  var name: String
  var request: String
  /// Of each answer, in order.
  var expected: [Int]
  /// The server ends the connection.
  var closes: Bool
  var contains = ""

  init(
    _ name: String, _ request: String, _ expected: [Int], closes: Bool = false,
    contains: String = ""
  ) {
    self.name = name
    self.request = request
    self.expected = expected
    self.closes = closes
    self.contains = contains
  }

  var testDescription: String { name }
}

/// Protects the answer to each odd request: the status, and whether the connection goes on. Framing
/// that could be read in two ways must never lead to a second request.
@Suite struct HTTPRulesTests {
  static let post = "POST /metrics HTTP/1.1\r\nHost: a\r\n"
  static let ok = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"

  static func filler(_ count: Int, _ name: String = "x") -> String {
    (0..<count).map { "\(name)\($0): 1\r\n" }.joined()
  }

  static let plain: [OddRequest] = [
    OddRequest("get", ok, [200]),
    OddRequest("query is ignored", "GET /livez?a=b HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    OddRequest("absolute form", "GET http://a:1/livez HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    OddRequest("empty lines before", "\r\n\r\n" + ok, [200]),
    OddRequest("http 1.0", "GET /livez HTTP/1.0\r\n\r\n", [200], closes: true),
    OddRequest(
      "connection close", "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
      [200], closes: true),
    OddRequest(
      "health", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n", [200],
      contains: #""watchers_initialized":{"nodes":true,"pods":true,"pvcs":true,"pvs":true}"#),
    OddRequest(
      "metrics", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", [200],
      contains: "text/plain; version=0.0.4\r\n"),
    OddRequest("schema", "GET /schema HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    OddRequest("ready", "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    OddRequest("unknown path", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" + ok, [404, 200]),
    OddRequest(
      "options", "OPTIONS /metrics HTTP/1.1\r\nHost: a\r\n\r\n", [405],
      contains: "Allow: GET, HEAD, POST\r\n"),
    OddRequest("options of all", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [404]),
    OddRequest(
      "trace", "TRACE /livez HTTP/1.1\r\nHost: a\r\nX: secret\r\n\r\n", [405],
      contains: "Allow: GET, HEAD\r\n"),
    OddRequest("connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", [404]),
    OddRequest("unknown method", "BREW /metrics HTTP/1.1\r\nHost: a\r\n\r\n", [405]),
    OddRequest(
      "post elsewhere",
      "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
        + ok, [405, 200]),
    OddRequest(
      "get with a body",
      "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
        + ok, [200, 200]),
    OddRequest(
      "pipelined", ok + ok + post + "Content-Length: 2\r\n\r\n{}" + ok,
      [200, 200, 200, 200]),
  ]

  static let heads: [OddRequest] = [
    OddRequest("no host", "GET /livez HTTP/1.1\r\n\r\n" + ok, [400], closes: true),
    OddRequest(
      "two hosts", "GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + ok, [400],
      closes: true),
    OddRequest("host with a path", "GET /livez HTTP/1.1\r\nHost: a/b\r\n\r\n", [400], closes: true),
    OddRequest("bare lf", "GET /livez HTTP/1.1\nHost: a\n\n", [400], closes: true),
    OddRequest(
      "bare lf in fields", "GET /livez HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", [400],
      closes: true),
    OddRequest(
      "bare cr", "GET /livez HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n", [400],
      closes: true),
    OddRequest(
      "folded field", "GET /livez HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", [400],
      closes: true),
    OddRequest(
      "space before colon", "GET /livez HTTP/1.1\r\nHost : a\r\n\r\n", [400],
      closes: true),
    OddRequest("no colon", "GET /livez HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", [400], closes: true),
    OddRequest(
      "nul in a field", "GET /livez HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", [400],
      closes: true),
    OddRequest("two spaces", "GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest(
      "tab in the request line", "GET\t/livez HTTP/1.1\r\nHost: a\r\n\r\n", [400],
      closes: true),
    OddRequest("space at the end", "GET /livez HTTP/1.1 \r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest("no version", "GET /livez\r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest("http 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], closes: true),
    OddRequest("http 0.9 version", "GET /livez HTTP/0.9\r\n\r\n", [505], closes: true),
    OddRequest(
      "lower-case protocol", "GET /livez http/1.1\r\nHost: a\r\n\r\n", [400],
      closes: true),
    OddRequest("fragment", "GET /livez#x HTTP/1.1\r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest("relative target", "GET livez HTTP/1.1\r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest("target bytes", "GET /\u{E9} HTTP/1.1\r\nHost: a\r\n\r\n", [400], closes: true),
    OddRequest("tls", "\u{16}\u{3}\u{1}\u{2}\n", [400], closes: true),
    OddRequest("64 fields", "GET /livez HTTP/1.1\r\nHost: a\r\n\(filler(63))\r\n", [200]),
    OddRequest(
      "65 fields", "GET /livez HTTP/1.1\r\nHost: a\r\n\(filler(64))\r\n", [431],
      closes: true),
    OddRequest(
      "large head",
      "GET /livez HTTP/1.1\r\nHost: a\r\nX: "
        + String(repeating: "x", count: 16_400), [431], closes: true),
    OddRequest(
      "many fields", "GET /livez HTTP/1.1\r\nHost: a\r\n\(filler(5000))\r\n", [431],
      closes: true),
    OddRequest(
      "target of 8 KiB",
      "GET /livez?" + String(repeating: "x", count: 8185)
        + " HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    OddRequest(
      "target over 8 KiB",
      "GET /livez?" + String(repeating: "x", count: 8186)
        + " HTTP/1.1\r\nHost: a\r\n\r\n", [414], closes: true),
    OddRequest(
      "endless target", "GET /" + String(repeating: "x", count: 9000), [414],
      closes: true),
    OddRequest(
      "target of 64 KiB",
      "GET /" + String(repeating: "x", count: 65536)
        + " HTTP/1.1\r\nHost: a\r\n\r\n", [414], closes: true),
  ]

  static let bodies: [OddRequest] = [
    OddRequest(
      "length", post + "Content-Length: 2\r\n\r\n{}", [200],
      contains: #"{"status":"ok"}"#),
    OddRequest("empty body", post + "Content-Length: 0\r\n\r\n" + ok, [200, 200]),
    OddRequest("no length", post + "\r\n" + ok, [411, 200]),
    OddRequest(
      "two lengths", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + ok,
      [400], closes: true),
    OddRequest(
      "list of lengths", post + "Content-Length: 2, 2\r\n\r\n{}" + ok, [400],
      closes: true),
    OddRequest("signed length", post + "Content-Length: +2\r\n\r\n{}" + ok, [400], closes: true),
    OddRequest(
      "length and coding",
      post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok, [400],
      closes: true),
    OddRequest(
      "coding and length",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + ok, [400],
      closes: true),
    OddRequest(
      "other coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n" + ok, [501],
      closes: true),
    OddRequest(
      "nearly chunked", post + "Transfer-Encoding: xchunked\r\n\r\n" + ok, [501],
      closes: true),
    OddRequest(
      "chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n" + ok, [400],
      closes: true),
    OddRequest(
      "two codings",
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + ok, [400],
      closes: true),
    OddRequest(
      "chunked in 1.0",
      "POST /metrics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400],
      closes: true),
    OddRequest("too large", post + "Content-Length: 100001\r\n\r\n", [413], closes: true),
    OddRequest(
      "huge length", post + "Content-Length: 99999999999999999999999\r\n\r\n", [413],
      closes: true),
    OddRequest(
      "too large comes first",
      post + "Content-Length: 100001\r\nContent-Type: text/plain\r\n\r\n", [413], closes: true),
    OddRequest(
      "wrong type", post + "Content-Length: 2\r\nContent-Type: text/plain\r\n\r\n{}" + ok,
      [415, 200], contains: "application/json"),
    OddRequest(
      "json type",
      post
        + "Content-Length: 2\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n{}", [200]),
    OddRequest(
      "json suffix",
      post
        + "Content-Length: 2\r\nContent-Type: application/x+json\r\n\r\n{}", [200]),
    OddRequest(
      "not quite json",
      post
        + "Content-Length: 2\r\nContent-Type: application/jsonx\r\n\r\n{}", [415]),
    OddRequest(
      "other encoding", post + "Content-Length: 2\r\nContent-Encoding: br\r\n\r\n{}",
      [415]),
    OddRequest(
      "gzip twice", post + "Content-Length: 2\r\nContent-Encoding: gzip, gzip\r\n\r\n{}",
      [415]),
    OddRequest(
      "identity", post + "Content-Length: 2\r\nContent-Encoding: identity\r\n\r\n{}",
      [200]),
    OddRequest(
      "not gzip", post + "Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}" + ok,
      [400, 200]),
    OddRequest(
      "refused report", post + "Content-Length: 3\r\n\r\nbad" + ok, [400, 200],
      contains: #""error":"must not be \"empty\"","path":"/pods/3/name"}"#),
    OddRequest(
      "not durable", post + "Content-Length: 4\r\n\r\nbusy" + ok, [503, 200],
      contains: "Retry-After: "),
    OddRequest(
      "unknown expectation", post + "Content-Length: 2\r\nExpect: tea\r\n\r\n{}", [417],
      closes: true),
    OddRequest(
      "continue", post + "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n{}",
      [100, 200]),
    OddRequest(
      "no continue for a bad head",
      post + "Content-Length: 2\r\nContent-Type: a/b\r\nExpect: 100-continue\r\n\r\n", [415],
      closes: true),
    OddRequest(
      "no continue when too large",
      post + "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n", [413], closes: true),
  ]

  static func chunked(_ body: String) -> String {
    post + "Transfer-Encoding: Chunked\r\n\r\n" + body
  }

  static let chunks: [OddRequest] = [
    OddRequest("chunks", chunked("1\r\n{\r\n1\r\n}\r\n0\r\n\r\n") + ok, [200, 200]),
    OddRequest(
      "extension and trailer", chunked("2;a=\"b\"\r\n{}\r\n00\r\nX: 1\r\n\r\n") + ok,
      [200, 200]),
    OddRequest("no chunk", chunked("0\r\n\r\n"), [200]),
    OddRequest("bad size", chunked("x\r\n"), [400], closes: true),
    OddRequest("negative size", chunked("-1\r\n"), [400], closes: true),
    OddRequest("size with 0x", chunked("0x2\r\n{}\r\n0\r\n\r\n"), [400], closes: true),
    OddRequest("empty size", chunked("\r\n"), [400], closes: true),
    OddRequest("huge size", chunked("ffffffffffffffff\r\n{}"), [413], closes: true),
    OddRequest(
      "too many digits", chunked("00000000000000002\r\n{}\r\n0\r\n\r\n"), [400],
      closes: true),
    OddRequest("bare lf after the size", chunked("2\n{}\r\n0\r\n\r\n"), [400], closes: true),
    OddRequest("bare lf after the data", chunked("2\r\n{}\n0\r\n\r\n"), [400], closes: true),
    OddRequest("longer than its size", chunked("1\r\n{}\r\n0\r\n\r\n"), [400], closes: true),
    OddRequest("bad trailer", chunked("0\r\nX\r\n\r\n"), [400], closes: true),
    OddRequest("many trailers", chunked("0\r\n\(filler(65))\r\n"), [431], closes: true),
    OddRequest(
      "long extensions",
      chunked("1;" + String(repeating: "x", count: 17_000) + "\r\n"), [400], closes: true),
    OddRequest(
      "over the limit in chunks",
      chunked(
        String(repeating: "2710\r\n" + String(repeating: " ", count: 10000) + "\r\n", count: 11)),
      [413], closes: true),
  ]

  @Test(arguments: plain + heads + bodies + chunks)
  func answers(_ odd: OddRequest) throws {
    let server = try TestServer()
    let client = try server.connect()
    client.send(odd.request)
    let text = client.readAll()
    #expect(statuses(text) == odd.expected, "\(text)")
    #expect(client.isAtEnd == odd.closes)
    #expect(odd.contains.isEmpty || text.contains(odd.contains), "\(text)")
    if odd.closes && odd.expected.first != 100 {
      #expect(text.contains("Connection: close\r\n"))
    }
  }

  @Test("The answer does not depend on how the request is cut into packets")
  func anyCut() throws {
    let server = try TestServer()
    let body = String(repeating: "x", count: 300)
    let request =
      Self.post + "Content-Length: 300\r\n\r\n\(body)"
      + Self.chunked(
        "a;x\r\n0123456789\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n")
    let bytes = Array(request.utf8)
    for size in [1, 2, 3, 7, 64, 150] {
      let client = try server.connect()
      var offset = 0
      while offset < bytes.count {
        client.send(Array(bytes[offset..<min(bytes.count, offset + size)]))
        offset += size
      }
      #expect(statuses(client.readAll(until: "ok\"}HTTP/1.1 200")) == [200, 200], "\(size)")
    }
    #expect(server.intake.bodies.count == 12)
    #expect(
      server.intake.bodies.allSatisfy { $0.count == 300 || $0 == Array("0123456789abc".utf8) })
  }

  @Test("HEAD answers as GET, without the body")
  func head() throws {
    let server = try TestServer()
    for path in ["/metrics", "/health", "/livez", "/readyz", "/schema"] {
      let get = try server.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = try server.exchange("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(head.hasSuffix("\r\n\r\n"))
      func length(_ text: String) -> String? {
        text.components(separatedBy: "\r\n").first { $0.hasPrefix("Content-Length") }.map(
          String.init)
      }
      #expect(length(get) == length(head) && length(get) != "Content-Length: 0")
    }
  }

  @Test("A client that ends its side first still gets its answers")
  func halfClosed() throws {
    let server = try TestServer()
    let text = try server.exchange(
      Self.post + "Content-Length: 2\r\n\r\n{}" + Self.post + "Content-Length: 3\r\n\r\nbad",
      thenEnd: true)
    #expect(statuses(text) == [200, 400])
  }

  @Test("A request that is cut short leaves nothing")
  func cutShort() throws {
    let server = try TestServer()
    for request in ["GET /liv", Self.post + "Content-Length: 5\r\n\r\n{}", Self.chunked("5\r\n{}")]
    {
      try #expect(server.exchange(request, thenEnd: true).isEmpty)
    }
    #expect(server.intake.bodies.isEmpty)
    #expect(server.shared.budget.byteCount == 0)
  }
}
