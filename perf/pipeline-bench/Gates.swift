import Columnar
import Ingest
import KubeIndex

/// Runs each stage by itself on a small workload that never changes, twice, the second time warm.
/// `perf/gates.py` counts the instructions of each function `gate…` below, and its allocations.
///
/// Each is one symbol that is never inlined; its name in `Benchmarks/gates.json` is what follows
/// `gate`.
enum Gates {
  static func run(_ options: BenchOptions) throws {
    var options = options
    (options.nodes, options.podsPerNode, options.intervals) = (100, 30, 10)
    let pipeline = try Pipeline(options)
    var generator = options.generator()
    var metadata = MetadataGenerator(seed: options.seed)
    metadata.fill(pipeline.index, from: generator.nodes)
    var bodies = ReportBodies()
    for _ in 0..<options.intervals { generator.appendInterval(to: &bodies) }
    let columns = EncodingColumns(rowCount: options.podCount * options.intervals)
    for name in ["first", "warm"] {
      func stage(_ title: String, _ body: () throws -> Void) rethrows {
        let before = AllocationCounter.now
        try body()
        print("\(title) \(name) \(AllocationCounter.now - before)")
      }
      try stage("Check") { try gateCheck(pipeline, &bodies) }
      pipeline.batch.reset()
      try stage("DecodeAndProbe") { try gateDecodeAndProbe(pipeline, &bodies) }
      var resolved: ResolvedBatch?
      stage("Resolve") { resolved = gateResolve(pipeline) }
      if let resolved {
        try stage("SortJoinEncode") { try gateSortJoinEncode(pipeline, resolved) }
      }
      try stage("Numbers") { try gateNumbers(columns) }
      try stage("Entries") { try gateEntries(columns) }
      try stage("Runs") { try gateRuns(columns) }
      try stage("Lists") { try gateLists(columns) }
      pipeline.batch.reset()
      try stage("WholePipeline") { try gateWholePipeline(pipeline, &bodies) }
    }
    print("rows - \(options.podCount * options.intervals)")
    print("reports - \(bodies.count)")
  }
}

// MARK: Stages

/// Every rule of every byte, no rows.
@inline(never)
private func gateCheck(_ pipeline: Pipeline, _ bodies: inout ReportBodies) throws {
  try bodies.forEach { _ = try pipeline.decoder.check($0) }
}

/// The same into columns, with the probe for each pod.
@inline(never)
private func gateDecodeAndProbe(_ pipeline: Pipeline, _ bodies: inout ReportBodies) throws {
  _ = try pipeline.decode(&bodies)
}

/// Each pod of the batch, its claims and volumes looked up in the index.
@inline(never)
private func gateResolve(_ pipeline: Pipeline) -> ResolvedBatch { pipeline.resolve() }

/// The row group and the file.
@inline(never)
private func gateSortJoinEncode(_ pipeline: Pipeline, _ resolved: ResolvedBatch) throws {
  try pipeline.encode(resolved)
}

@inline(never)
private func gateWholePipeline(_ pipeline: Pipeline, _ bodies: inout ReportBodies) throws {
  _ = try pipeline.decode(&bodies)
  try pipeline.encode(pipeline.resolve())
}

/// PLAIN numbers.
@inline(never)
private func gateNumbers(_ columns: EncodingColumns) throws {
  try columns.write(.int64) { group in
    try columns.numbers.withUnsafeBufferPointer { numbers in
      try columns.presence.withUnsafeBufferPointer {
        try group.append(numbers: numbers, presence: $0, mask: 1)
      }
    }
  }
}

/// Dictionary indexes that change from row to row.
@inline(never)
private func gateEntries(_ columns: EncodingColumns) throws {
  try columns.write(.string) { group in
    try columns.entries.withUnsafeBufferPointer {
      try group.append(entries: $0, dictionary: columns.dictionary)
    }
  }
}

/// Dictionary indexes in runs.
@inline(never)
private func gateRuns(_ columns: EncodingColumns) throws {
  try columns.write(.string) {
    try $0.append(runs: columns.runs, dictionary: columns.dictionary)
  }
}

/// Lists in runs.
@inline(never)
private func gateLists(_ columns: EncodingColumns) throws {
  try columns.write(.stringList) {
    try $0.append(
      listRuns: columns.runs, lists: columns.lists, dictionary: columns.dictionary)
  }
}

/// One made-up column a kind of encoding, in the shapes that the join hands on.
private final class EncodingColumns {
  private static let entryCount = 1_000
  private static let listLength = 8

  let rowCount: Int
  private(set) var numbers: [Int64] = []
  let presence: [UInt8]
  let dictionary = TextDictionary()
  /// Ten rows an entry.
  private(set) var runs: [EntryRun] = []
  /// An entry a row, no neighbours alike.
  private(set) var entries: [UInt32] = []
  private(set) var lists = ListTable()
  private let scratch = EncodingScratch()
  private let sink = MemorySink()

  init(rowCount: Int) {
    self.rowCount = rowCount
    presence = [UInt8](repeating: 1, count: rowCount)
    var random = SplitMix64(state: 1)
    var value: Int64 = 0
    for row in 0..<rowCount {
      value += Int64.random(in: 0...4 << 20, using: &random)
      numbers.append(value)
      entries.append(UInt32(row % Self.entryCount))
      if row % 10 == 0 {
        runs.append(EntryRun(entry: UInt32(row / 10 % Self.entryCount), rowCount: 10))
      }
    }
    for entry in 0..<Self.entryCount {
      _ = dictionary.intern("example.com/key-\(entry % 20)=value-\(entry)")
      for element in 0..<Self.listLength {
        lists.append(UInt32((entry + element * 61) % Self.entryCount))
      }
      _ = lists.endList()
    }
  }

  /// Writes a file of one column.
  func write(_ kind: ColumnKind, _ column: (RowGroupWriter) throws -> Void) throws {
    sink.reset()
    let file = try ParquetFileWriter(
      schema: ParquetSchema([ColumnSchema("column", kind)]), sink: sink,
      createdBy: UsageSchema.createdBy)
    try file.appendRowGroup(rowCount: rowCount, scratch: scratch) {
      try column($0)
      return []
    }
    try file.finish(metadata: [])
  }
}
