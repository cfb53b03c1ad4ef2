import Glibc
import Ingest

/// Times report bytes to finished Parquet bytes on one thread, by the product's own path: decode
/// with every check, the probe for the pod, the look-ups at sealing, sort, join, all columns,
/// statistics, both page indexes and the footer.
///
///     pipeline-bench [--rows N] [--nodes N] [--pods N] [--intervals N] [--seed N]
///                    [--implementation NAME] [--columns 35|21] [--encodings default|modern]
///                    [--output FILE]
///     pipeline-bench --export DIR …      writes the workload of one file for others to read
///     pipeline-bench --bodies FILE …     measures on the bodies of such a workload, as JSON
///     pipeline-bench --gates …           runs each stage by itself, for counting
///
/// `--pods` is per node, `--intervals` the reports of a pod in one file, `--columns 21` leaves out
/// those beyond the described ones; `--output` keeps the last file. `--bodies` takes the other
/// numbers as they were at the export, and `--passes` says how often it measures.
///
/// Bodies are made, or read, between the timed stretches. CPU seconds are the thread's own.
@main
struct PipelineBench {
  static func main() {
    do {
      let options = try BenchOptions(Array(CommandLine.arguments.dropFirst()))
      if let directory = options.exportDirectory {
        try Workload.export(options, to: directory)
      } else if let bodies = options.bodies {
        try FileMeasurement.run(options, bodies: bodies)
      } else if options.isGates {
        try Gates.run(options)
      } else {
        try measure(options)
      }
    } catch {
      print("pipeline-bench: \(error)")
      exit(1)
    }
  }

  /// Generates and measures round by round; each round becomes a finished file in memory.
  private static func measure(_ options: BenchOptions) throws {
    let pipeline = try Pipeline(options)
    var generator = options.generator()
    var metadata = MetadataGenerator(seed: options.seed)
    metadata.fill(pipeline.index, from: generator.nodes)
    var bodies = ReportBodies()
    var (decode, resolve, encode) = (Stopwatch(), Stopwatch(), Stopwatch())
    var (rowCount, bodyBytes, fileBytes) = (0, 0, 0)
    while rowCount < options.rows {
      pipeline.batch.reset()
      for _ in 0..<options.intervals where pipeline.batch.hasRoom(forRows: options.podCount) {
        bodies.removeAll()
        generator.appendInterval(to: &bodies)
        bodyBytes += bodies.byteCount
        decode.start()
        rowCount += try pipeline.decode(&bodies)
        decode.stop()
      }
      resolve.start()
      let resolved = pipeline.resolve()
      resolve.stop()
      encode.start()
      try pipeline.encode(resolved)
      encode.stop()
      fileBytes += pipeline.sink.bytes.count
    }
    print(
      "\(rowCount) rows, \(options.podCount) pods, \(options.intervals) reports a pod",
      "and row group, \(bodyBytes / rowCount) bytes a row in JSON")
    print(decode.report("decode and probe", rows: rowCount))
    print(resolve.report("resolve", rows: rowCount))
    print(encode.report("sort, join, encode", rows: rowCount))
    let total = Stopwatch(sumOf: [decode, resolve, encode])
    print(total.report("report bytes to finished Parquet bytes", rows: rowCount))
    print("  \(Double(fileBytes * 100 / rowCount) / 100) bytes a row")
    if let output = options.output { try pipeline.sink.bytes.write(to: output) }
  }
}
