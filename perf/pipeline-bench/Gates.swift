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
    let log = try LogBench(&bodies)
    defer { log.remove() }
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
      try stage("LogAppend") { try gateLogAppend(log) }
      try stage("Numbers") { try gateNumbers(columns) }
      try stage("DeltaNumbers") { try gateDeltaNumbers(columns) }
      try stage("SplitNumbers") { try gateSplitNumbers(columns) }
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

/// A frame a report, written and synced in groups.
@inline(never)
private func gateLogAppend(_ log: LogBench) throws { try log.append() }

@inline(never)
private func gateNumbers(_ columns: EncodingColumns) throws { try columns.writeNumbers() }

/// The same integers in DELTA_BINARY_PACKED.
@inline(never)
private func gateDeltaNumbers(_ columns: EncodingColumns) throws {
  try columns.writeNumbers(.modern)
}

/// Fractions in BYTE_STREAM_SPLIT.
@inline(never)
private func gateSplitNumbers(_ columns: EncodingColumns) throws { try columns.writeDoubles() }

@inline(never)
private func gateEntries(_ columns: EncodingColumns) throws { try columns.writeEntries() }

@inline(never)
private func gateRuns(_ columns: EncodingColumns) throws { try columns.writeRuns() }

@inline(never)
private func gateLists(_ columns: EncodingColumns) throws { try columns.writeLists() }
