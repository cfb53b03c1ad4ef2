import CShims
import Testing

@testable import Ingest

/// Protects: the fast walk, on every instruction set, calls bad exactly what the byte-by-byte
/// scanner calls bad, whatever was done to the bytes.
struct ReportScanTests {
  private static let pieces: [[UInt8]] =
    [
      "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "0", "1.", "-", "e5", "null", "true",
      "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\u{e9}", "\u{1}",
    ].map { Array($0.utf8) } + [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0]]

  private static let base = DecodeSupport.report(
    pods: DecodeSupport.pod(
      #", "cpu_usage_cores": 0.123456789, "memory_usage_bytes": 1234567890, "x": [1, {"y": "z\n"}]"#
    ),
    extra: #""unknown":{"a":[true,false,null,-1.5e3,"\u00e9\\"]},"#)

  private static func mutated(_ random: inout SeededGenerator) -> [UInt8] {
    var body = base
    for _ in 0..<Int.random(in: 1...3, using: &random) where !body.isEmpty {
      let place = Int.random(in: body.indices, using: &random)
      let piece = pieces[Int.random(in: pieces.indices, using: &random)]
      switch Int.random(in: 0..<6, using: &random) {
      case 0: body[place] = .random(in: 0 ... .max, using: &random)
      case 1: body.insert(contentsOf: piece, at: place)
      case 2: body.replaceSubrange(place...place, with: piece)
      case 3: body.remove(at: place)
      case 4: body.removeSubrange(place..<min(body.count, place + 9))
      default: body.insert(contentsOf: body[place..<min(body.count, place + 20)], at: place)
      }
    }
    return body
  }

  @Test(arguments: ReportDecoder.implementations)
  func walkAndScannerAgree(implementation: String) throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("ReportScanTests seed \(seed)")
    var random = SeededGenerator(state: seed)
    let decoder = try #require(ReportDecoder(writerSeed: 0, implementation: implementation))
    var badCount = 0
    for _ in 0..<20_000 {
      let body = Self.mutated(&random)
      var offset = 0
      let isBad = cshims_report_scan(body, body.count, &offset) != CSHIMS_REPORT_OK
      let isBadToWalk: Bool
      switch DecodeSupport.check(body, decoder) {
      case .success: isBadToWalk = false
      case .failure(let error):
        isBadToWalk = error.isBadJSON
        // The walk gave up on what the scanner finds good: only a root of another type may do that.
        if error.path.isEmpty, !error.isBadJSON {
          #expect(
            body.first { $0 > 0x20 } != UInt8(ascii: "{"),
            "\(String(decoding: body, as: UTF8.self))")
        }
      }
      #expect(isBad == isBadToWalk, "\(String(decoding: body, as: UTF8.self))")
      badCount += isBad ? 1 : 0
    }
    #expect(badCount > 5_000 && badCount < 20_000)
  }
}
