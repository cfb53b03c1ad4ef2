import Testing

@testable import KubeIndex

/// Lines come out whole however the bytes arrive, and no line is longer than allowed.
@Suite struct LineSplitterTests {
  static func lines(_ chunks: [[UInt8]], maximum: Int = 100) -> ([String], LineSplitter.Result) {
    var splitter = LineSplitter(maximumLineByteCount: maximum)
    var lines: [String] = []
    for chunk in chunks {
      let result = chunk.withUnsafeBytes { bytes in
        splitter.take(bytes) { line in
          lines.append(String(decoding: line, as: UTF8.self))
          return true
        }
      }
      if result != .taken { return (lines, result) }
    }
    return (lines, .taken)
  }

  @Test func anySplitGivesTheSameLines() {
    let text = Array("one\ntwo\n\nthree and more\nrest".utf8)
    for size in 1...text.count {
      let chunks = stride(from: 0, to: text.count, by: size).map {
        Array(text[$0..<min($0 + size, text.count)])
      }
      #expect(Self.lines(chunks).0 == ["one", "two", "three and more"])
    }
  }

  @Test(arguments: [99, 100, 101])
  func limit(length: Int) {
    let line = [UInt8](repeating: 0x61, count: length)
    let (lines, result) = Self.lines([line, [0x0A]])
    #expect(lines.count == (length <= 100 ? 1 : 0))
    #expect(result == (length <= 100 ? .taken : .tooLong))
    #expect(Self.lines([line + [0x0A]]).1 == (length <= 100 ? .taken : .tooLong))
  }

  @Test func growsBeyondItsFirstBuffer() {
    let line = [UInt8](repeating: 0x61, count: 300_000)
    let (lines, _) = Self.lines([line, [0x0A], line, [0x0A]], maximum: 1 << 20)
    #expect(lines.map(\.utf8.count) == [300_000, 300_000])
  }

  @Test func stops() {
    var splitter = LineSplitter()
    let result = Array("a\nb\n".utf8).withUnsafeBytes { splitter.take($0) { _ in false } }
    #expect(result == .stopped)
  }
}
