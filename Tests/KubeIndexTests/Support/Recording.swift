import Foundation

@testable import KubeIndex

/// A recorded answer of a real API server, read from `Tests/Fixtures/kube`.
struct Recording {
  var status: Int
  var headers: [(name: String, value: String)]
  /// Without chunk framing.
  var body: [UInt8]

  static let directory = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/kube")

  /// `name` as in `list/list-pods-json`.
  init(_ name: String) throws {
    let bytes = [UInt8](try Data(contentsOf: Self.directory.appendingPathComponent("\(name).http")))
    var lines: [String] = []
    var at = 0
    while let end = bytes[at...].firstIndex(of: 0x0A) {
      let line = String(decoding: bytes[at..<end], as: UTF8.self).trimmingCharacters(in: ["\r"])
      at = end + 1
      if line.isEmpty { break }
      lines.append(line)
    }
    status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: [" "]) }
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
    let isChunked = headers.contains { $0.name == "Transfer-Encoding" }
    body = isChunked ? Self.unchunked(bytes[at...]) : Array(bytes[at...])
  }

  private static func unchunked(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var body: [UInt8] = []
    var at = bytes.startIndex
    while let end = bytes[at...].firstIndex(of: 0x0A),
      let size = Int(
        String(decoding: bytes[at..<end], as: UTF8.self).trimmingCharacters(in: ["\r"]), radix: 16),
      size > 0, end + 1 + size <= bytes.endIndex
    {
      body += bytes[(end + 1)..<(end + 1 + size)]
      at = end + 1 + size + 2
    }
    return body
  }

  /// The lines of a watch.
  var lines: [[UInt8]] { body.split(separator: 0x0A).map { Array($0) } }

  var head: HTTPHead { HTTPHead(status: status, headers: headers) }

  /// `manifest.json`, by name.
  static func manifest() throws -> [String: [String: Any]] {
    let data = try Data(contentsOf: directory.appendingPathComponent("manifest.json"))
    return try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]] ?? [:]
  }
}

/// Calls `body` with the bytes, which have the padding behind them that the parser needs.
func withPadded<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
  let padded = bytes + [UInt8](repeating: 0, count: JSONParser.paddingByteCount)
  return try padded.withUnsafeBytes {
    try body(UnsafeRawBufferPointer(rebasing: $0[..<bytes.count]))
  }
}

/// Parses JSON text and calls `body` with the root.
func withJSON<R>(_ text: String, _ body: (JSONValue) throws -> R) throws -> R {
  let parser = JSONParser()
  return try withPadded(Array(text.utf8)) { try body(parser.parse($0)) }
}

/// A repeatable source of random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
