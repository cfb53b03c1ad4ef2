import CShims
import SimulationModels
import Testing

@testable import Columnar

/// Protects DELTA_BINARY_PACKED, BYTE_STREAM_SPLIT and the choice among them, by slow decoders that
/// share nothing with the encoders.
@Suite struct NumberEncodingTests {
  private static func delta(_ values: [Int64]) throws -> [Int64] {
    let output = GrowingBytes(capacity: 1)
    values.withUnsafeBufferPointer { DeltaBinaryPacked.append($0, to: output) }
    return try DeltaDecoder.decode(Array(output.bytes), count: values.count)
  }

  /// Numbers of one shape: how they follow each other decides widths and wrap-around.
  private static let shapes: [String] = ["constant", "growing", "narrow", "wide", "extremes"]

  private static func numbers(
    _ shape: String, _ count: Int, _ random: inout SeededRandom
  ) -> [Int64] {
    var value = Int64.random(in: .min ... .max, using: &random)
    return (0..<count).map { index in
      switch shape {
      case "growing": value &+= Int64.random(in: 0...1 << 22, using: &random)
      case "narrow": value = Int64.random(in: -40...40, using: &random)
      case "wide": value = Int64.random(in: .min ... .max, using: &random)
      case "extremes": value = [.min, .max, 0, -1, 1].randomElement(using: &random) ?? 0
      default: break
      }
      return value
    }
  }

  @Test func deltasAreAsTheFormatsTextShows() {
    // 1, 2, 3, 4, 5: four differences of 1, so width 0 and no bytes; 128 is 0x80 0x01.
    let output = GrowingBytes()
    [Int64(1), 2, 3, 4, 5].withUnsafeBufferPointer { DeltaBinaryPacked.append($0, to: output) }
    #expect(Array(output.bytes) == [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0])
    // 7, 5, 3, 1, 2, 3, 4, 5: differences -2 and 1, above the least 0 and 3: 2 bits, 32 of them.
    output.reset()
    [Int64(7), 5, 3, 1, 2, 3, 4, 5].withUnsafeBufferPointer {
      DeltaBinaryPacked.append($0, to: output)
    }
    #expect(
      Array(output.bytes) == [
        0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b11_1111, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test(arguments: [0, 1, 2, 3, 31, 32, 33, 34, 64, 65, 97, 127, 128, 129, 130, 257, 1000])
  func deltasOfEveryShapeAndLength(_ count: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    for shape in Self.shapes {
      for _ in 0..<5 {
        let values = Self.numbers(shape, count, &random)
        #expect(try Self.delta(values) == values, "seed \(seed), \(shape)")
      }
    }
  }

  @Test func deltasOfEveryWidth() throws {
    for width in 0...64 {
      let top = width == 0 ? 0 : UInt64.max >> UInt64(64 - width)
      // The sums of the differences 0 and `top`, wrapping around.
      var value: Int64 = 5
      let values = (0..<129).map { index -> Int64 in
        value = value &+ (index % 3 == 0 ? Int64(bitPattern: top) : 0)
        return value
      }
      #expect(try Self.delta(values) == values, "\(width) bits")
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 15, 16, 17, 128, 1001])
  func streams(_ count: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    let numbers = (0..<count).map { _ in UInt64.random(in: 0 ... .max, using: &random) }
    let output = GrowingBytes(capacity: 1)
    output.append(0xAA)
    numbers.withUnsafeBufferPointer { ByteStreamSplit.append($0, to: output) }
    let joined = try DeltaDecoder.joined(Array(output.bytes.dropFirst()), count: count)
    #expect(joined == numbers.withUnsafeBytes { Array($0) }, "seed \(seed)")
  }

  @Test(arguments: [0, 1, 2, 63, 64, 4096, 70_000])
  func compressedStreamsAreOneSnappyStream(_ count: Int) {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    // Noise below, repeats above: every other stream is worth the library's time.
    let numbers = (0..<max(count, 64)).map { index in
      UInt64.random(in: 0 ... .max, using: &random) & 0x00FF_00FF_00FF_00FF | UInt64(index / 90)
        << 8
    }
    let page = GrowingBytes()
    let scratch = GrowingBytes()
    numbers.withUnsafeBufferPointer { ByteStreamSplit.append($0, to: page) }
    let streams = SplitStreams(sample: page.bytes, numberCount: numbers.count, scratch: scratch)
    #expect(streams.compressible & 0b0101_0101 == 0, "seed \(seed)")
    #expect(count < 4096 || streams.compressible == 0b1010_1010, "seed \(seed)")
    page.reset()
    page.append([UInt8](repeating: 7, count: 11))
    Array(numbers.prefix(count)).withUnsafeBufferPointer { ByteStreamSplit.append($0, to: page) }
    let compressed = GrowingBytes(capacity: 1)
    streams.compress(page.bytes, valuesOffset: 11, scratch: scratch, to: compressed)
    var restored = [UInt8](repeating: 0, count: page.count)
    var restoredCount = restored.count
    #expect(
      cshims_snappy_uncompress(
        compressed.bytes.baseAddress, compressed.count, &restored, &restoredCount))
    #expect(restoredCount == page.count && restored == Array(page.bytes), "seed \(seed)")
  }

  // MARK: Chunks

  /// Writes one column in the modern way and reads it back; gives the encodings of its pages.
  private func roundTrip(
    _ kind: ColumnKind, _ cells: [CellValue], _ comment: Comment
  ) throws -> [Int] {
    let sink = ArraySink()
    let file = try ParquetFileWriter(
      schema: ParquetSchema([ColumnSchema("c", kind)]), sink: sink,
      createdBy: "t version 1.2.3 (build x)", encodings: .modern)
    let presence = cells.map { UInt8($0 == .null ? 0b01 : 0b11) }
    try file.appendRowGroup(rowCount: cells.count, scratch: EncodingScratch()) { group in
      try presence.withUnsafeBufferPointer { presence in
        if kind == .double {
          let numbers = cells.map { cell in
            if case .double(let bits) = cell { Double(bitPattern: bits) } else { 0.0 }
          }
          try numbers.withUnsafeBufferPointer {
            try group.append(numbers: $0, presence: presence, mask: 0b10)
          }
        } else {
          let numbers = cells.map { cell in
            if case .integer(let value) = cell { value } else { Int64(0) }
          }
          try numbers.withUnsafeBufferPointer {
            try group.append(numbers: $0, presence: presence, mask: 0b10)
          }
        }
      }
      return []
    }
    try file.finish(metadata: [])
    let reader = try FileReader(sink.bytes)
    let pages = try reader.pages(0, 0, kind: kind)
    #expect(Array(pages.map(\.cells).joined()) == cells, comment)
    try ChunkChecks(reader: reader, chunk: reader.chunk(0, 0), kind: kind, pages: pages)
      .run(comment)
    return pages.map(\.encoding)
  }

  private static func withNulls(
    _ cells: [CellValue], share: Double, _ random: inout SeededRandom
  ) -> [CellValue] {
    cells.map { Double.random(in: 0..<1, using: &random) < share ? .null : $0 }
  }

  @Test(arguments: [1, 2, 129, 5000, 70_000])
  func chunksOfEveryShape(_ count: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var random = SeededRandom(seed: seed)
    for shape in Self.shapes {
      for share in [0, 0.3] {
        let numbers = Self.numbers(shape, count, &random)
        let comment: Comment = "seed \(seed), \(shape), \(share) null"
        let integers = Self.withNulls(numbers.map { .integer($0) }, share: share, &random)
        _ = try roundTrip(.int64, integers, comment)
        let doubles = numbers.map { CellValue.double((Double($0) / 3).bitPattern) }
        _ = try roundTrip(.double, Self.withNulls(doubles, share: share, &random), comment)
      }
    }
  }

  @Test func theSmallestEncodingIsTaken() throws {
    var random = SeededRandom(seed: 3)
    let growing = Self.numbers("growing", 5000, &random).map { CellValue.integer($0) }
    #expect(try roundTrip(.int64, growing, "growing") == [5])
    // Runs of near numbers that are far from the next run's: differences are wide, bytes repeat.
    let jumping = (0..<5000).map { index in
      CellValue.integer(
        Int64(index / 20 * 7919 % 1009) << 40 | Int64.random(in: 0..<1 << 24, using: &random))
    }
    #expect(try roundTrip(.int64, jumping, "jumping") == [9])
    let fractions = (0..<5000).map { _ in
      CellValue.double(Double.random(in: 0.25..<0.5, using: &random).bitPattern)
    }
    #expect(try roundTrip(.double, fractions, "fractions") == [9])
    // What repeats as a whole, Snappy alone makes small; what is noise, nothing does.
    let noise = Self.numbers("wide", 5000, &random)
    #expect(try roundTrip(.int64, noise.map { .integer($0) }, "noise") == [0])
    let pattern = (0..<5000).map { CellValue.integer(noise[$0 % 40]) }
    #expect(try roundTrip(.int64, pattern, "pattern") == [0])
  }

  @Test func pagesWithoutValuesKeepTheEncoding() throws {
    var random = SeededRandom(seed: 4)
    let values = Self.numbers("growing", 5000, &random)
    let empty = [CellValue](repeating: .null, count: 40_000)
    let integers = empty + values.map { .integer($0) } + empty
    #expect(try roundTrip(.int64, integers, "integers") == [5, 5, 5])
    let doubles = values.map { CellValue.double((Double($0 & 0xFFFF_FFFF) / 7).bitPattern) }
    #expect(try roundTrip(.double, empty + doubles + empty, "doubles") == [9, 9, 9])
    #expect(try roundTrip(.int64, empty, "nulls alone") == [0, 0])
  }
}
