import ArgumentParser
import Foundation
import Simulation

/// Runs seeds of the simulation and tells what they showed.
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "The service on a simulated disk, store and clock, with faults, seed by seed.",
    discussion: """
      Ends with 1 when a seed fails or, from \(Summary.seedsForCoverage) seeds on, when a fault or \
      a step of the commit was never hit.
      """)

  @Option(help: "Seeds to run.")
  var seeds = 1

  @Option(help: "The first seed; by default another one each time.")
  var first: UInt64?

  @Option(help: "Processes to run them in.")
  var jobs = ProcessInfo.processInfo.activeProcessorCount

  @Option(help: "Where the figures are written as JSON.")
  var json: String?

  @Flag(help: "Print what happened in the first seed, and run no other.")
  var trace = false

  @Flag(help: "The seeds that failed once, before the others.")
  var past = false

  @Flag(help: "Instead: each bit of a log of 64 KiB turned over.")
  var bits = false

  @Flag(help: "Instead: each disk call of a course of events with each fault.")
  var sweep = false

  @Flag(help: .hidden)
  var worker = false

  func validate() throws {
    guard seeds > 0, seeds <= 100_000_000, jobs > 0 else {
      throw ValidationError("--seeds and --jobs are positive, and seeds at most 100,000,000")
    }
  }

  func run() throws {
    Repeatable.ensure()
    // Short enough to be typed again, and far from where a run of consecutive seeds would overflow.
    let base = first ?? UInt64.random(in: 1..<1 << 40)
    if bits || sweep {
      let areBitsGood = bits ? try Sweeps.runBits() : true
      let areCallsGood = sweep ? Sweeps.runCalls() : true
      if !areBitsGood || !areCallsGood { throw ExitCode(1) }
    } else if worker {
      try WorkerReport.make(first: base, count: seeds).write()
    } else if trace {
      let result = World.run(seed: base, isTraced: true)
      for line in result.trace { print(line) }
      for failure in result.failures { print("FAILED: \(failure)") }
      if !result.failures.isEmpty { throw ExitCode(1) }
    } else {
      try runAll(base)
    }
  }

  private func runAll(_ base: UInt64) throws {
    print("\(seeds) seeds from \(base)" + (past ? ", and those that failed once" : ""))
    let start = Date()
    let pool = WorkerPool(jobs: jobs)
    var ranges = past ? PastSeeds.all.map { $0..<$0 + 1 } : []
    ranges.append(base..<base + UInt64(seeds))
    let report = pool.run(ranges)
    let summary = Summary(
      report: report, seconds: Date().timeIntervalSince(start), first: base, jobs: jobs)
    summary.printTable()
    if let json { try summary.json.write(to: URL(fileURLWithPath: json)) }
    if !summary.isGood { throw ExitCode(1) }
  }
}
