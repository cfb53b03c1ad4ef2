import Columnar
import Glibc
import Ingest
import KubeIndex

/// Times report bytes to finished Parquet bytes in memory on one thread, by the product's own path:
/// decode with every check, the probe for the pod, the look-ups at sealing, sort, join, all
/// columns, statistics, both page indexes and the footer.
///
///     pipeline-bench [--rows N] [--nodes N] [--pods N] [--intervals N] [--seed N]
///                    [--implementation NAME] [--output FILE]
///
/// `--pods` is per node, `--intervals` the reports of a pod in one file; `--output` keeps the last
/// file.
///
/// Bodies are made between the timed stretches. CPU seconds are the thread's own.
@main
struct PipelineBench {
  var rows = 6_000_000
  var nodes = 1_000
  var podsPerNode = 30
  var intervals = 20
  var seed: UInt64 = 1
  var implementation: String?
  var output: String?

  static func main() {
    do {
      var bench = PipelineBench()
      try bench.parse(Array(CommandLine.arguments.dropFirst()))
      try bench.run()
    } catch {
      print("pipeline-bench: \(error)")
      exit(1)
    }
  }

  struct UsageError: Error, CustomStringConvertible {
    var description: String
  }

  private mutating func parse(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { throw UsageError(description: "\(name): no value") }
      func number() throws -> Int {
        guard let number = Int(value), number > 0 else {
          throw UsageError(description: "\(name): a number above 0, not \(value)")
        }
        return number
      }
      switch name {
      case "--rows": rows = try number()
      case "--nodes": nodes = try number()
      case "--pods": podsPerNode = try number()
      case "--intervals": intervals = try number()
      case "--output": output = value
      case "--seed": seed = UInt64(try number())
      case "--implementation": implementation = value
      default: throw UsageError(description: "unknown argument \(name)")
      }
    }
  }

  private func run() throws {
    let decoder: ReportDecoder
    if let implementation {
      guard let pinned = ReportDecoder(writerSeed: 1, implementation: implementation) else {
        throw UsageError(
          description: "--implementation: one of \(ReportDecoder.implementations)")
      }
      decoder = pinned
    } else {
      decoder = ReportDecoder(writerSeed: 1)
    }
    try decoder.measure(self)
  }

  fileprivate func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w"), fwrite(bytes, 1, bytes.count, file) == bytes.count,
      fclose(file) == 0
    else { throw UsageError(description: "\(path): errno \(errno)") }
  }
}

/// Takes the file's bytes and keeps their number: the file is finished in memory.
private final class MemorySink: ByteSink {
  private(set) var bytes: [UInt8] = []

  func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }

  func reset() { bytes.removeAll(keepingCapacity: true) }
}

extension ReportDecoder {
  /// Decodes generated reports round by round; each full round becomes a finished file.
  fileprivate func measure(_ bench: PipelineBench) throws {
    let batch = ReportBatch(rowCapacity: IngestLimits.batchRowCapacity)
    var generator = ReportGenerator(
      nodeCount: bench.nodes, podsPerNode: bench.podsPerNode, seed: bench.seed)
    let index = ClusterIndex(counters: KubeCounters())
    var metadata = MetadataGenerator(seed: bench.seed)
    metadata.fill(index, from: generator.nodes)
    let joiner = RowGroupJoiner()
    let sink = MemorySink()
    var bodies = ReportBodies()
    var (decode, resolve, encode) = (Stopwatch(), Stopwatch(), Stopwatch())
    var (rowCount, bodyBytes, fileBytes) = (0, 0, 0)
    while rowCount < bench.rows {
      batch.reset()
      for _ in 0..<bench.intervals where batch.hasRoom(forRows: bench.nodes * bench.podsPerNode) {
        bodies.removeAll()
        generator.appendInterval(to: &bodies)
        bodyBytes += bodies.byteCount
        decode.start()
        try bodies.forEach { rowCount += try self.decode($0, into: batch).rowCount }
        decode.stop()
      }
      resolve.start()
      var resolver = BatchResolver()
      while !resolver.step(batch, index: index, isOver: { false }) {}
      let resolved = resolver.resolved(batch, clusterName: "bench")
      resolve.stop()
      sink.reset()
      encode.start()
      var file: ParquetFileWriter?
      try joiner.append(resolved) { _ in
        if let file { return file }
        let made = try ParquetFileWriter(
          schema: UsageSchema.schema, sink: sink, createdBy: UsageSchema.createdBy)
        file = made
        return made
      }
      try file?.finish(metadata: [])
      encode.stop()
      fileBytes += sink.bytes.count
    }
    print(
      "\(rowCount) rows, \(bench.nodes * bench.podsPerNode) pods, \(bench.intervals) reports a pod",
      "and row group, \(bodyBytes / rowCount) bytes a row in JSON")
    print(decode.report("decode and probe", rows: rowCount))
    print(resolve.report("resolve", rows: rowCount))
    print(encode.report("sort, join, encode", rows: rowCount))
    let total = Stopwatch(sumOf: [decode, resolve, encode])
    print(total.report("report bytes to finished Parquet bytes", rows: rowCount))
    print("  \(Double(fileBytes * 100 / rowCount) / 100) bytes a row")
    if let output = bench.output { try bench.write(sink.bytes, to: output) }
  }
}
