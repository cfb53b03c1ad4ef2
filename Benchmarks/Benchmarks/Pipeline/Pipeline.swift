import Benchmark
import Columnar
import Ingest
import KubeIndex

// The stages of a row, each on the same generated cluster: 1,000 nodes, 30,000 pods, 20 reports of
// each in a row group. Throughput is in rows: one iteration handles 600,000 of them.

private let nodeCount = 1_000
private let podsPerNode = 30
private let intervals = 20

/// What every benchmark starts from, made once.
private struct Fixture {
  var bodies = ReportBodies()
  let index = ClusterIndex(counters: KubeCounters())
  let decoder = ReportDecoder(writerSeed: 1)
  let batch = ReportBatch(rowCapacity: IngestLimits.batchRowCapacity)
  let joiner = RowGroupJoiner()
  let sink = MemorySink()

  init() {
    var generator = ReportGenerator(nodeCount: nodeCount, podsPerNode: podsPerNode, seed: 1)
    var metadata = MetadataGenerator(seed: 1)
    metadata.fill(index, from: generator.nodes)
    for _ in 0..<intervals { generator.appendInterval(to: &bodies) }
  }

  mutating func decode() throws {
    batch.reset()
    try bodies.forEach { _ = try decoder.decode($0, into: batch) }
  }

  func resolve() -> ResolvedBatch {
    var resolver = BatchResolver()
    while !resolver.step(batch, index: index, isOver: { false }) {}
    return resolver.resolved(batch, clusterName: "bench")
  }

  func encode(_ resolved: ResolvedBatch) throws {
    sink.reset()
    let file = try ParquetFileWriter(
      schema: UsageSchema.schema, sink: sink, createdBy: UsageSchema.createdBy)
    try joiner.append(resolved) { _ in file }
    try file.finish(metadata: [])
  }
}

/// Takes a file's bytes in memory.
final class MemorySink: ByteSink {
  private var bytes: [UInt8] = []

  func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }

  func reset() { bytes.removeAll(keepingCapacity: true) }
}

let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.cpuUser, .cpuTotal, .wallClock, .peakMemoryResident], warmupIterations: 1,
    maxDuration: .seconds(20), maxIterations: 10)

  Benchmark("decode: every rule, no rows") { benchmark in
    var fixture = Fixture()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      try fixture.bodies.forEach { _ = try fixture.decoder.check($0) }
    }
    benchmark.stopMeasurement()
  }

  Benchmark("decode and probe") { benchmark in
    var fixture = Fixture()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { try fixture.decode() }
    benchmark.stopMeasurement()
  }

  Benchmark("resolve") { benchmark in
    var fixture = Fixture()
    try fixture.decode()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { blackHole(fixture.resolve()) }
    benchmark.stopMeasurement()
  }

  Benchmark("row group: sort, join, encode") { benchmark in
    var fixture = Fixture()
    try fixture.decode()
    let resolved = fixture.resolve()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { try fixture.encode(resolved) }
    benchmark.stopMeasurement()
  }

  for (title, write) in EncodingColumns.kinds {
    Benchmark("encoding: \(title)") { benchmark in
      let columns = EncodingColumns(rowCount: nodeCount * podsPerNode * intervals)
      benchmark.startMeasurement()
      for _ in benchmark.scaledIterations { try write(columns) }
      benchmark.stopMeasurement()
    }
  }

  Benchmark("log append, a sync for 16 reports") { benchmark in
    var fixture = Fixture()
    let log = try LogBench(&fixture.bodies)
    defer { log.remove() }
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations { try log.append() }
    benchmark.stopMeasurement()
  }

  Benchmark("report bytes to Parquet bytes") { benchmark in
    var fixture = Fixture()
    benchmark.startMeasurement()
    for _ in benchmark.scaledIterations {
      try fixture.decode()
      try fixture.encode(fixture.resolve())
    }
    benchmark.stopMeasurement()
  }
}
