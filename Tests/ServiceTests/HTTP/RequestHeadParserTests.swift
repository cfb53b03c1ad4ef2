import Testing

@testable import Service

/// Protects the parser against any bytes: no trap, and one reading however the bytes arrive.
@Suite struct RequestHeadParserTests {
  static func parse(_ bytes: [UInt8]) -> RequestHeadParser.Result {
    var parser = RequestHeadParser()
    return bytes.withUnsafeBytes { parser.parse($0) }
  }

  @Test("Fields are told apart by name, whatever their case")
  func fields() {
    let text =
      "POST /metrics HTTP/1.1\r\nhOST: a\r\nCONTENT-length: 12\r\ncontent-ENCODING: GZIP\r\n"
      + "expect: 100-CONTINUE\r\nconnection: close\r\nX-Host: b\r\n\r\nrest"
    var head = RequestHead(method: .post, route: .metrics, isVersion11: true, keepAlive: false)
    head.framing = .length(12)
    head.contentEncoding = .gzip
    head.expectation = .continue100
    #expect(Self.parse(Array(text.utf8)) == .head(head, byteCount: text.utf8.count - 4))
  }

  @Test("Mutated heads never trap, and byte by byte they read the same as at once")
  func mutations() {
    let seed = UInt64.random(in: .min ... .max)
    var random = SeededRandom(seed: seed)
    let base = Array(
      "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        .utf8)
    let spice: [UInt8] = [0, 9, 10, 13, 32, 34, 44, 58, 59, 127, 128, 255]
    for _ in 0..<5000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes.remove(at: index)
        case 1: bytes.insert(spice.randomElement(using: &random) ?? 0, at: index)
        default: bytes[index] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let whole = Self.parse(bytes)
      var parser = RequestHeadParser()
      var stepwise = RequestHeadParser.Result.incomplete
      for count in 0...bytes.count {
        stepwise = bytes.withUnsafeBytes {
          parser.parse(UnsafeRawBufferPointer(rebasing: $0[0..<count]))
        }
        if stepwise != .incomplete { break }
      }
      #expect(whole == stepwise, "seed \(seed), \(bytes)")
    }
  }
}

/// SplitMix64: a random sequence that its seed reproduces.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
