import SimulationModels
import Testing

@testable import Columnar

/// Whole files, read back by a slow reader of our own: every value, and every figure that the
/// footer and the page index give of it.
@Suite struct ParquetFileTests {
  static let kinds: [ColumnKind] = [
    .string, .int32, .int64, .double, .timestampMicros, .stringList,
  ]
  static let schema = ParquetSchema(
    kinds.enumerated().map { ColumnSchema("c\($0.offset)", $0.element) })

  private func write(
    _ schema: ParquetSchema, _ groups: [[SampleColumn]], byRow: Bool, sorting: [Int] = []
  ) throws -> FileReader {
    let sink = ArraySink()
    let file = try ParquetFileWriter(
      schema: schema, sink: sink, createdBy: "t version 1.2.3 (build x)")
    let scratch = EncodingScratch()
    for columns in groups {
      try file.appendRowGroup(rowCount: columns[0].cells.count, scratch: scratch) { group in
        for column in columns { try column.append(to: group, byRow: byRow) }
        return sorting
      }
    }
    try file.finish(metadata: [("key", "wert ü")])
    #expect(file.rowCount == groups.reduce(0) { $0 + $1[0].cells.count })
    return try FileReader(sink.bytes)
  }

  private func check(_ reader: FileReader, _ groups: [[SampleColumn]], _ comment: Comment) throws {
    #expect(reader.rowGroups.count == groups.count)
    for (g, columns) in groups.enumerated() {
      let rowCount = columns[0].cells.count
      let group = reader.rowGroups[g]
      #expect(group[3]?.integer == rowCount, comment)
      #expect(group[7]?.integer == g)
      let first = reader.chunk(g, 0)[3]
      #expect(group[5]?.integer == first?[11]?.integer ?? first?[9]?.integer)
      var compressed = 0
      var uncompressed = 0
      for (c, column) in columns.enumerated() {
        let chunk = reader.chunk(g, c)
        let pages = try reader.pages(g, c, kind: column.kind)
        #expect(Array(pages.map(\.cells).joined()) == column.cells, comment)
        try ChunkChecks(reader: reader, chunk: chunk, kind: column.kind, pages: pages).run(comment)
        compressed += chunk[3]?[7]?.integer ?? 0
        uncompressed += chunk[3]?[6]?.integer ?? 0
      }
      #expect(group[2]?.integer == uncompressed && group[6]?.integer == compressed)
    }
  }

  @Test(arguments: [1, 2, 7, 8, 9, 63, 64, 65, 255, 256, 504, 505])
  func randomColumnsOfEveryLength(_ rowCount: Int) throws {
    for seed: UInt64 in 0..<8 {
      var random = SeededRandom(seed: seed)
      let longestRun = [1, 3, 20, 600][Int(seed) % 4]
      let columns = Self.kinds.map {
        SampleColumn(
          $0, rowCount: rowCount, distinctCount: [1, 5, 3000][Int(seed) % 3],
          longestRun: longestRun, nullShare: [0, 0.3][Int(seed) % 2], random: &random)
      }
      for byRow in [false, true] {
        let reader = try write(Self.schema, [columns], byRow: byRow)
        try check(reader, [columns], "seed \(seed), by row \(byRow)")
      }
    }
  }

  @Test func severalPagesAndRowGroups() throws {
    var random = SeededRandom(seed: 42)
    let groups = [70_000, 32_768, 1].map { rowCount in
      Self.kinds.map {
        SampleColumn(
          $0, rowCount: rowCount, distinctCount: 40, longestRun: 50, nullShare: 0.1,
          random: &random)
      }
    }
    let reader = try write(Self.schema, groups, byRow: false)
    try check(reader, groups, "seed 42")
    #expect(try reader.pages(0, 1, kind: .int32).map(\.cells.count) == [32_768, 32_768, 4_464])
  }

  @Test func allNullColumnsHaveNeitherDictionaryNorBounds() throws {
    let columns = Self.kinds.map { kind in
      var random = SeededRandom(seed: 1)
      return SampleColumn(
        kind, rowCount: 100, distinctCount: 1, longestRun: 9, nullShare: 1, random: &random)
    }
    for byRow in [false, true] {
      let reader = try write(Self.schema, [columns], byRow: byRow)
      try check(reader, [columns], "all null")
      for column in columns.indices {
        let meta = reader.chunk(0, column)[3]
        #expect(meta?[11] == nil && meta?[12]?[5] == nil && meta?[12]?[6] == nil)
        #expect(meta?[12]?[3]?.integer == 100)
      }
    }
  }

  @Test func distinctShortTextsGoPlainAndLongOnesNever() throws {
    let schema = ParquetSchema([ColumnSchema("short", .string), ColumnSchema("long", .string)])
    var random = SeededRandom(seed: 1)
    var short = SampleColumn(
      .string, rowCount: 500, distinctCount: 1, longestRun: 1, nullShare: 0, random: &random)
    var long = short
    short.cells = (0..<500).map { .text(Array("pod-\($0)".utf8)) }
    long.cells = (0..<500).map {
      .text(Array(String(repeating: "x", count: 80).utf8) + Array("\($0)".utf8))
    }
    let reader = try write(schema, [[short, long]], byRow: false)
    try check(reader, [[short, long]], "plain")
    #expect(reader.chunk(0, 0)[3]?[11] == nil)
    #expect(reader.chunk(0, 1)[3]?[11] != nil)
    #expect(try reader.pages(0, 0, kind: .string).map(\.encoding) == [0])
    #expect(try reader.pages(0, 1, kind: .string).map(\.encoding) == [8])
  }

  @Test func aTextWithoutUpperBoundLeavesTheChunkWithoutBounds() throws {
    let schema = ParquetSchema([ColumnSchema("c", .string)])
    var random = SeededRandom(seed: 1)
    var column = SampleColumn(
      .string, rowCount: 3, distinctCount: 1, longestRun: 1, nullShare: 0, random: &random)
    column.cells[1] = .text(Array(String(repeating: "\u{10FFFF}", count: 17).utf8))
    let reader = try write(schema, [[column]], byRow: false)
    #expect(reader.chunk(0, 0)[3]?[12]?[5] == nil && reader.chunk(0, 0)[3]?[12]?[6] == nil)
    #expect(reader.chunk(0, 0)[6] == nil && reader.chunk(0, 0)[4] != nil)
  }

  @Test func theFooterSaysWhatTheFileIs() throws {
    let schema = ParquetSchema([ColumnSchema("a", .string), ColumnSchema("b", .stringList)])
    var random = SeededRandom(seed: 1)
    let columns = [ColumnKind.string, .stringList].map {
      SampleColumn($0, rowCount: 9, distinctCount: 3, longestRun: 2, nullShare: 0, random: &random)
    }
    let footer = try write(schema, [columns], byRow: false, sorting: [0]).footer
    #expect(footer[1]?.integer == 2 && footer[3]?.integer == 9)
    #expect(footer[6]?.string == "t version 1.2.3 (build x)")
    #expect(footer[5]?.list.first?[1]?.string == "key")
    #expect(footer[5]?.list.first?[2]?.string == "wert ü")
    #expect(
      footer[7]?.list == [.structure([1: .structure([:])]), .structure([1: .structure([:])])])
    #expect(footer[2]?.list.map { $0[4]?.string } == ["schema", "a", "b", "list", "element"])
    #expect(footer[2]?.list.map { $0[3]?.integer } == [nil, 1, 1, 2, 1])
    #expect(footer[2]?.list.map { $0[6]?.integer } == [nil, 0, 3, nil, 0])
    #expect(
      footer[4]?.list[0][4]?.list == [
        .structure([1: .integer(0), 2: .bool(false), 3: .bool(false)])
      ])
  }

  @Test func aSortingColumnWithNullsIsOurFault() async {
    await #expect(processExitsWith: .failure) {
      var random = SeededRandom(seed: 1)
      let column = SampleColumn(
        .int64, rowCount: 9, distinctCount: 3, longestRun: 2, nullShare: 1, random: &random)
      let file = try ParquetFileWriter(
        schema: ParquetSchema([ColumnSchema("a", .int64)]), sink: ArraySink(), createdBy: "t")
      try file.appendRowGroup(rowCount: 9, scratch: EncodingScratch()) { group in
        try column.append(to: group, byRow: false)
        return [0]
      }
    }
  }
}
