import Testing

/// Requests whose end two readers might find at different places, each as the bytes of one
/// connection, with what must come back (RFC 9112, sections 2 to 7 and 11).
///
/// Behind each one the tests put a canary, a whole report: where the request is refused for its
/// framing, nobody may take the canary for a request, and where it is not, it must be the next.
struct FramingCase: Sendable, CustomTestStringConvertible {
  enum Fate: Sendable {
    /// The framing is known: the connection goes on, and the next request is read.
    case goesOn
    /// The framing is in doubt, or the client asked for it: nothing more is read.
    case closes
  }

  var name: String
  var request: String
  /// Of each answer, in order.
  var expected: [Int]
  var fate: Fate
  /// Part of the answers: what was wrong.
  var says: String
  /// Bodies that reach the writer.
  var bodies: [String]

  init(
    _ name: String, _ request: String, _ expected: [Int], _ fate: Fate, says: String = "",
    bodies: [String] = []
  ) {
    self.name = name
    self.request = request
    self.expected = expected
    self.fate = fate
    self.says = says
    self.bodies = bodies
  }

  var testDescription: String { name }
}

extension FramingCase {
  private static let post = "POST /metrics HTTP/1.1\r\nHost: a\r\n"
  private static let chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
  private static let end = "0\r\n\r\n"

  /// A POST with one more field and two bytes of body, refused with 400 and the end.
  private static func bad(_ name: String, field: String, says: String) -> FramingCase {
    FramingCase(name, post + field + "\r\n\r\n{}", [400], .closes, says: says)
  }

  private static func badChunks(_ name: String, _ body: String, says: String) -> FramingCase {
    FramingCase(name, chunked + body, [400], .closes, says: says)
  }

  static let lengths: [FramingCase] = [
    FramingCase(
      "one length", post + "Content-Length: 2\r\n\r\n{}", [200], .goesOn, bodies: ["{}"]),
    FramingCase(
      "zeros before", post + "Content-Length: 0002\r\n\r\n{}", [200], .goesOn, bodies: ["{}"]),
    FramingCase(
      "white space around", post + "Content-Length: \t 2 \t\r\n\r\n{}", [200], .goesOn,
      bodies: ["{}"]),
    bad(
      "lengths that differ", field: "Content-Length: 2\r\nContent-Length: 40",
      says: "two Content-Length"),
    bad(
      "the same length twice", field: "Content-Length: 2\r\ncontent-length: 2",
      says: "two Content-Length"),
    bad("a list of lengths", field: "Content-Length: 2, 2", says: "Content-Length"),
    bad("minus", field: "Content-Length: -2", says: "Content-Length"),
    bad("plus", field: "Content-Length: +2", says: "Content-Length"),
    bad("hexadecimal", field: "Content-Length: 0x2", says: "Content-Length"),
    bad("fraction", field: "Content-Length: 2.0", says: "Content-Length"),
    bad("no digits", field: "Content-Length:", says: "Content-Length"),
    bad("space within", field: "Content-Length: 0 2", says: "Content-Length"),
    bad("other digits", field: "Content-Length: \u{FF12}", says: "Content-Length"),
    bad("quotes", field: "Content-Length: \"2\"", says: "Content-Length"),
    FramingCase(
      "beyond 64 bits", post + "Content-Length: 18446744073709551618\r\n\r\n{}", [413], .closes,
      says: "larger than"),
    FramingCase(
      "a GET with a body", "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
      [200], .goesOn),
    FramingCase(
      "a HEAD with a body", "HEAD /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
      [200], .goesOn),
    FramingCase(
      "a GET with a body in chunks",
      "GET /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [200],
      .closes),
  ]

  static let codings: [FramingCase] = [
    bad(
      "length, then chunked", field: "Content-Length: 2\r\nTransfer-Encoding: chunked",
      says: "exclude each other"),
    bad(
      "chunked, then length", field: "Transfer-Encoding: chunked\r\nContent-Length: 2",
      says: "exclude each other"),
    bad(
      "length, then an unknown coding", field: "Content-Length: 2\r\nTransfer-Encoding: x",
      says: "exclude each other"),
    bad(
      "length, then identity", field: "Content-Length: 2\r\nTransfer-Encoding: identity",
      says: "exclude each other"),
    FramingCase(
      "identity", post + "Transfer-Encoding: identity\r\n\r\n{}", [501], .closes, says: "chunked"),
    FramingCase(
      "chunked is not the last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n" + end, [501],
      .closes, says: "chunked"),
    FramingCase(
      "with a vertical tab", post + "Transfer-Encoding: \u{B}chunked\r\n\r\n" + end, [400], .closes,
      says: "control character"),
    FramingCase(
      "with a parameter", post + "Transfer-Encoding: chunked;x=1\r\n\r\n" + end, [501], .closes,
      says: "chunked"),
    FramingCase(
      "quoted", post + "Transfer-Encoding: \"chunked\"\r\n\r\n" + end, [501], .closes,
      says: "chunked"),
    bad(
      "in two fields", field: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
      says: "chunked twice"),
    FramingCase(
      "two fields, one unknown",
      post + "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n" + end, [501], .closes,
      says: "chunked"),
    bad("no coding", field: "Transfer-Encoding:", says: "Transfer-Encoding is empty"),
    bad("only commas", field: "Transfer-Encoding: , ,", says: "Transfer-Encoding is empty"),
    bad("space before the colon", field: "Transfer-Encoding : chunked", says: "colon"),
    bad("underscore", field: "X: 1\r\nTransfer-Encoding\u{B}: chunked", says: "colon"),
    FramingCase(
      "a name that looks like it",
      post + "Transfer_Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
      [200], .goesOn, bodies: ["{}"]),
    FramingCase(
      "any case", post + "tRANSFER-eNCODING: cHUNKED\r\n\r\n2\r\n{}\r\n" + end, [200], .goesOn,
      bodies: ["{}"]),
    FramingCase(
      "chunked in 1.0", "POST /metrics HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + end,
      [400], .closes, says: "HTTP/1.0 has no Transfer-Encoding"),
    FramingCase("neither", post + "\r\n", [411], .goesOn, says: "send Content-Length"),
  ]

  static let chunks: [FramingCase] = [
    FramingCase(
      "upper and lower case", chunked + "A\r\n0123456789\r\na\r\n0123456789\r\n" + end, [200],
      .goesOn, bodies: ["01234567890123456789"]),
    FramingCase(
      "extensions", chunked + "2;a;b=c;d=\"e;f\"\r\n{}\r\n0;x\r\n\r\n", [200], .goesOn,
      bodies: ["{}"]),
    FramingCase(
      "trailers do not count", chunked + "2\r\n{}\r\n0\r\nContent-Length: 50\r\nHost: b\r\n\r\n",
      [200], .goesOn, bodies: ["{}"]),
    FramingCase(
      "sixteen zeros", chunked + "0000000000000000\r\n\r\n", [200], .goesOn, bodies: [""]),
    badChunks("no size", "\r\n", says: "not hexadecimal"),
    badChunks("not a digit", "g\r\n{}\r\n" + end, says: "not hexadecimal"),
    badChunks("0x", "0x2\r\n{}\r\n" + end, says: "not followed by CR LF"),
    badChunks("minus", "-2\r\n{}\r\n" + end, says: "not hexadecimal"),
    badChunks("plus", "+2\r\n{}\r\n" + end, says: "not hexadecimal"),
    badChunks("space before", " 2\r\n{}\r\n" + end, says: "not hexadecimal"),
    badChunks("underscore", "1_0\r\n0123456789abcdef\r\n" + end, says: "not followed by CR LF"),
    badChunks("seventeen digits", "00000000000000002\r\n{}\r\n" + end, says: "too many digits"),
    badChunks("size ends with LF", "2\n{}\r\n" + end, says: "control character"),
    badChunks("size ends with CR", "2\r{}\r\n" + end, says: "CR LF"),
    badChunks("extension with LF", "2;a\n{}\r\n" + end, says: "control character"),
    badChunks("extension with NUL", "2;\0\r\n{}\r\n" + end, says: "control character"),
    badChunks("data ends with LF", "2\r\n{}\n0\r\n\r\n", says: "longer than its size"),
    badChunks("data longer than its size", "1\r\n{}\r\n" + end, says: "longer than its size"),
    badChunks("data shorter than its size", "4\r\n{}\r\n" + end, says: "longer than its size"),
    badChunks("trailer without colon", "2\r\n{}\r\n0\r\nx\r\n\r\n", says: "colon"),
    badChunks("folded trailer", "2\r\n{}\r\n0\r\nx: 1\r\n y\r\n\r\n", says: "folded"),
    badChunks("trailer with NUL", "2\r\n{}\r\n0\r\nx: \0\r\n\r\n", says: "control character"),
    FramingCase(
      "largest size", chunked + "7fffffffffffffff\r\n{}", [413], .closes, says: "larger than"),
    FramingCase(
      "size beyond 64 bits", chunked + "ffffffffffffffff\r\n{}", [413], .closes,
      says: "larger than"),
  ]

  static let lines: [FramingCase] = [
    bad("folded with a space", field: "X: a\r\n b\r\nContent-Length: 2", says: "folded"),
    bad("folded with a tab", field: "X: a\r\n\tb\r\nContent-Length: 2", says: "folded"),
    FramingCase(
      "first field folded", "POST /metrics HTTP/1.1\r\n Host: a\r\n\r\n", [400], .closes,
      says: "folded"),
    FramingCase(
      "LF alone", "GET /livez HTTP/1.1\nHost: a\n\n", [400], .closes, says: "CR LF"),
    bad("LF in a field", field: "X: a\nContent-Length: 2", says: "CR LF"),
    bad("CR in a field", field: "X: a\rContent-Length: 2", says: "control character"),
    bad("CR at the end of a value", field: "Content-Length: 2\r", says: "control character"),
    bad("NUL in a value", field: "X: a\0b\r\nContent-Length: 2", says: "control character"),
    bad("NUL in a name", field: "X\0: a\r\nContent-Length: 2", says: "name and a colon"),
    bad("DEL in a value", field: "X: \u{7F}\r\nContent-Length: 2", says: "control character"),
    bad("no name", field: ": a\r\nContent-Length: 2", says: "name and a colon"),
    bad("bytes beyond ASCII in a name", field: "\u{E9}: a", says: "name and a colon"),
    FramingCase(
      "bytes beyond ASCII in a value", post + "X: \u{E9}\r\nContent-Length: 2\r\n\r\n{}", [200],
      .goesOn, bodies: ["{}"]),
    FramingCase(
      "CR LF before a request", "\r\n\r\n" + post + "Content-Length: 2\r\n\r\n{}", [200], .goesOn,
      bodies: ["{}"]),
    FramingCase("LF before a request", "\n" + post + "\r\n", [400], .closes, says: "CR LF"),
    FramingCase(
      "the head ends with LF", post + "Content-Length: 2\r\n\n{}", [400], .closes, says: "CR LF"),
  ]

  static let sizes: [FramingCase] = [
    FramingCase(
      "many fields", post + String(repeating: "a: b\r\n", count: 1000) + "\r\n", [431], .closes,
      says: "64 header fields"),
    FramingCase(
      "a huge field", post + "X: " + String(repeating: "x", count: 60_000) + "\r\n\r\n", [431],
      .closes, says: "16384 bytes"),
    FramingCase(
      "an endless name", post + String(repeating: "x", count: 60_000), [431], .closes,
      says: "16384 bytes"),
    FramingCase(
      "a long method", String(repeating: "G", count: 33) + " /livez HTTP/1.1\r\nHost: a\r\n\r\n",
      [400], .closes, says: "method"),
  ]

  static let requestLines: [FramingCase] = [
    FramingCase(
      "absolute form", "GET http://b:8888/livez HTTP/1.1\r\nHost: a\r\n\r\n", [200], .goesOn),
    FramingCase(
      "absolute form, a report",
      "POST http://a/metrics HTTP/1.1\r\nHost: a\r\n"
        + "Content-Length: 2\r\n\r\n{}", [200], .goesOn, bodies: ["{}"]),
    FramingCase(
      "absolute form, other scheme", "GET ftp://a/livez HTTP/1.1\r\nHost: a\r\n\r\n", [400],
      .closes, says: "neither a path nor an http URL"),
    FramingCase(
      "absolute form without a path", "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", [404], .goesOn,
      says: "no such path"),
    FramingCase(
      "authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", [404], .goesOn,
      says: "no such path"),
    FramingCase(
      "lower-case method", "post /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
      [405], .goesOn, says: "Allow: GET, HEAD, POST"),
    FramingCase(
      "dots in the path", "GET /x/../livez HTTP/1.1\r\nHost: a\r\n\r\n", [404], .goesOn),
    FramingCase(
      "an encoded path", "GET /%6civez HTTP/1.1\r\nHost: a\r\n\r\n", [404], .goesOn),
    FramingCase("version 0.9", "GET /livez\r\n", [400], .closes),
    FramingCase(
      "version 1.2", "GET /livez HTTP/1.2\r\nHost: a\r\n\r\n", [200], .goesOn),
    FramingCase(
      "version 2", "GET /livez HTTP/2.0\r\nHost: a\r\n\r\n", [505], .closes, says: "HTTP/1.1"),
    FramingCase(
      "version 1.10", "GET /livez HTTP/1.10\r\nHost: a\r\n\r\n", [400], .closes, says: "version"),
    FramingCase("1.0", "GET /livez HTTP/1.0\r\n\r\n", [200], .closes),
    FramingCase(
      "1.0, kept open in vain", "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200],
      .closes, says: "Connection: close"),
    FramingCase(
      "1.0, a report", "POST /metrics HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", [200], .closes,
      bodies: ["{}"]),
    FramingCase(
      "1.0, expectation",
      "POST /metrics HTTP/1.0\r\nContent-Length: 2\r\n"
        + "Expect: 100-continue\r\n\r\n{}", [200], .closes, bodies: ["{}"]),
    FramingCase(
      "two hosts", "GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400], .closes,
      says: "two Host"),
    FramingCase(
      "a host of two lines", "GET /livez HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", [400], .closes,
      says: "folded"),
    FramingCase(
      "a host with user", "GET /livez HTTP/1.1\r\nHost: u@a\r\n\r\n", [400], .closes,
      says: "Host"),
    FramingCase("no host", "GET /livez HTTP/1.1\r\n\r\n", [400], .closes, says: "Host"),
  ]

  static let expectations: [FramingCase] = [
    FramingCase(
      "continue", post + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", [100, 200],
      .goesOn, bodies: ["{}"]),
    FramingCase(
      "continue without a body", post + "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n",
      [100, 200], .goesOn, bodies: [""]),
    FramingCase(
      "continue for a path that is not",
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
        + "Expect: 100-continue\r\n\r\n{}", [404], .closes, says: "no such path"),
    FramingCase(
      "another expectation", post + "Content-Length: 2\r\nExpect: 200-ok\r\n\r\n{}", [417],
      .closes, says: "100-continue"),
    FramingCase(
      "upgrade to HTTP/2",
      "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings"
        + "\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", [200], .goesOn),
    FramingCase(
      "upgrade to a socket",
      "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
        + "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", [200],
      .goesOn),
    FramingCase(
      "close in a list", post + "Connection: x, CLOSE\r\nContent-Length: 2\r\n\r\n{}", [200],
      .closes, bodies: ["{}"]),
    FramingCase(
      "a connection option that drops the length",
      post + "Connection: Content-Length\r\nContent-Length: 2\r\n\r\n{}", [200], .goesOn,
      bodies: ["{}"]),
    FramingCase(
      "pipelined",
      post + "Content-Length: 2\r\n\r\n{}" + "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
        + chunked + "1\r\nx\r\n" + end, [200, 200, 200], .goesOn, bodies: ["{}", "x"]),
    FramingCase(
      "pipelined behind a refused report",
      post + "Content-Length: 3\r\n\r\nbad"
        + post + "Content-Length: 2\r\n\r\n{}", [400, 200], .goesOn, says: "/pods/3/name",
      bodies: ["bad", "{}"]),
  ]

  static let all =
    lengths + codings + chunks + lines + sizes + requestLines + expectations
}
