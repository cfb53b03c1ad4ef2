import Columnar
import Glibc
import Ingest

/// Times report bytes to rows on one thread: decode, every check, and the probe for the pod.
///
///     pipeline-bench [--rows N] [--nodes N] [--pods N] [--seed N] [--implementation NAME]
///
/// Bodies are made between the timed stretches. CPU seconds are the thread's own.
@main
struct PipelineBench {
  var rows = 6_000_000
  var nodes = 1_000
  var podsPerNode = 30
  var seed: UInt64 = 1
  var implementation: String?

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
    let batch = ReportBatch(rowCapacity: IngestLimits.batchRowCapacity)
    var generator = ReportGenerator(nodeCount: nodes, podsPerNode: podsPerNode, seed: seed)
    var bodies = ReportBodies()
    var (rowCount, byteCount, reportCount, podCount) = (0, 0, 0, 0)
    var cpu = 0.0
    var wall = 0.0
    while rowCount < rows {
      bodies.removeAll()
      generator.appendInterval(to: &bodies)
      byteCount += bodies.byteCount
      reportCount += bodies.count
      let cpuStart = Self.seconds(CLOCK_THREAD_CPUTIME_ID)
      let wallStart = Self.seconds(CLOCK_MONOTONIC)
      try bodies.forEach { body in
        if !batch.hasRoom(forRows: podsPerNode) {
          podCount = batch.podCount
          batch.reset()
        }
        rowCount += try decoder.decode(body, into: batch).rowCount
      }
      cpu += Self.seconds(CLOCK_THREAD_CPUTIME_ID) - cpuStart
      wall += Self.seconds(CLOCK_MONOTONIC) - wallStart
    }
    podCount = max(podCount, batch.podCount)
    let millions = Double(rowCount) / 1e6
    print(
      "decode+probe: \(rowCount) rows of \(reportCount) reports, \(podCount) pods,",
      "\(byteCount / rowCount) bytes a row, implementation",
      implementation ?? ReportDecoder.implementations.last ?? "none")
    print("  \(Self.rounded(cpu / millions)) CPU seconds per million rows")
    print("  \(Int(Double(rowCount) / wall)) rows/s, \(Int(Double(byteCount) / wall / 1e6)) MB/s")
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}
