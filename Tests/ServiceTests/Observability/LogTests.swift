import Glibc
import Logging
import Testing

@testable import Service

/// Protects the log against what others write: one event is one line, whatever is in it.
@Suite struct LogTests {
  @Test func textLine() {
    let line = LineLogHandler.textLine(
      "2026-01-02T03:04:05.006Z", .warning, "a b", [("key", "v"), ("other", "a \"b\"\n")])
    #expect(
      String(decoding: line, as: UTF8.self)
        == "2026-01-02T03:04:05.006Z warning a b key=v other=\"a \\\"b\\\"\\n\"\n")
  }

  @Test func jsonLine() {
    let line = LineLogHandler.jsonLine("t", .info, "a\"b\\", [("k", "\u{1}\u{2028}é")])
    #expect(
      String(decoding: line, as: UTF8.self)
        == #"{"time":"t","level":"info","message":"a\"b\\","k":"\u0001\u2028é"}"# + "\n")
  }

  @Test("Random strings stay on one line and leave no control byte")
  func fuzz() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededRandom(seed: seed)
    let scalars: [Unicode.Scalar] = [
      "\n", "\r", "\u{0}", "\u{1B}", "\u{7F}", "\u{85}", "\u{9B}", "\u{2028}", "\u{2029}", "\"",
      "\\", "a", " ", "=", "é", "😀",
    ]
    for _ in 0..<3000 {
      var text = ""
      for _ in 0..<Int.random(in: 0..<40, using: &random) {
        text.unicodeScalars.append(scalars.randomElement(using: &random) ?? "a")
      }
      for line in [
        LineLogHandler.textLine("t", .info, text, [(text, text)]),
        LineLogHandler.jsonLine("t", .info, text, [(text, text)]),
      ] {
        let string = String(decoding: line, as: UTF8.self)
        #expect(string.last == "\n", "seed \(seed)")
        let hasControl = string.dropLast().unicodeScalars.contains(where: \.isControlOrLineEnd)
        #expect(!hasControl, "seed \(seed)")
      }
    }
  }

  @Test("Strings from outside are cut at 256 bytes, between characters")
  func cut() {
    #expect(LogText.cut(String(repeating: "a", count: 256)).utf8.count == 256)
    #expect(
      LogText.cut(String(repeating: "a", count: 257)) == String(repeating: "a", count: 256) + "…")
    let cut = LogText.cut(String(repeating: "é", count: 200))
    #expect(cut == String(repeating: "é", count: 128) + "…")
    #expect(LogText.cut("a" + String(repeating: "😀", count: 100)).utf8.count <= 256 + 3)
  }

  @Test("A logger's metadata is merged, sorted and cut")
  func handler() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    let output = LogOutput(descriptor: ends[1])
    var logger = Logger(label: "test") { _ in
      LineLogHandler(level: .info, format: .text, output: output, clock: { (0, 0) })
    }
    logger[metadataKey: "b"] = "1"
    logger.debug("hidden")
    logger.info("shown", metadata: ["a": "\(String(repeating: "x", count: 300))"])
    close(ends[1])
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(ends[0], &buffer, buffer.count)
    let expected =
      "1970-01-01T00:00:00.000Z info shown a=\(String(repeating: "x", count: 256))… b=1\n"
    #expect(String(decoding: buffer[0..<max(0, count)], as: UTF8.self) == expected)
  }

  @Test func dates() {
    #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(
      LogTime.text(seconds: 951_782_399, nanoseconds: 7_999_999) == "2000-02-28T23:59:59.007Z")
  }
}
