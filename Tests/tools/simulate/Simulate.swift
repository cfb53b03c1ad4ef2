import ArgumentParser
import Foundation
import Simulation

/// Runs seeds of the simulation and tells what they showed.
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "The service on a simulated disk, store and clock, with faults, seed by seed.")

  @Option(help: "Seeds to run.")
  var seeds = 1

  @Option(help: "The first seed.")
  var first: UInt64 = 1

  @Flag(help: "Print what happened in each seed.")
  var trace = false

  func run() throws {
    Repeatable.ensure()
    var tally = Tally()
    var failed = 0
    let start = Date()
    for seed in first..<first + UInt64(seeds) {
      let result = World.run(seed: seed, isTraced: trace)
      tally.merge(result.tally)
      for line in result.trace { print(line) }
      guard !result.failures.isEmpty else { continue }
      failed += 1
      print("seed \(seed) failed; again: make simulate SEED=\(seed)")
      for failure in result.failures { print("  \(failure)") }
    }
    print("\(seeds) seeds, \(failed) failed, \(Date().timeIntervalSince(start)) s")
    for (name, count) in tally.counts.sorted(by: { $0.key < $1.key }) { print("\(count)\t\(name)") }
    if failed > 0 { throw ExitCode(1) }
  }
}
