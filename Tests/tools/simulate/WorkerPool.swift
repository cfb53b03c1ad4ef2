import Foundation
import Synchronization

/// Runs ranges of seeds in processes of this program, so that one that traps is a seed that failed.
final class WorkerPool: Sendable {
  private static let seedsPerProcess: UInt64 = 25
  /// A seed takes some 50 ms; one that does not end is one that failed.
  private static let secondsPerSeed = 20.0

  private struct State {
    var waiting: [Range<UInt64>] = []
    var report = WorkerReport()
    var seedCount = 0
  }

  private let jobs: Int
  private let state = Mutex(State())

  init(jobs: Int) { self.jobs = jobs }

  func run(_ ranges: [Range<UInt64>]) -> WorkerReport {
    state.withLock { state in
      state.waiting = ranges.reversed()
      state.seedCount = ranges.reduce(0) { $0 + $1.count }
    }
    let threads = DispatchGroup()
    for _ in 0..<jobs {
      DispatchQueue.global().async(group: threads) { self.work() }
    }
    let start = Date()
    while threads.wait(timeout: .now() + 1) == .timedOut { printProgress(since: start) }
    return state.withLock { state in
      state.report.failures.sort { $0.seed < $1.seed }
      return state.report
    }
  }

  private func printProgress(since start: Date) {
    guard isatty(STDERR_FILENO) == 1 else { return }
    let (done, failed, all) = state.withLock {
      ($0.report.seedCount, $0.report.failures.count, $0.seedCount)
    }
    let rate = Double(done) / Date().timeIntervalSince(start)
    let line = "\r\(done) of \(all) seeds, \(failed) failed, \(Int(rate)) a second "
    FileHandle.standardError.write(Data(line.utf8))
    if done == all { FileHandle.standardError.write(Data("\n".utf8)) }
  }

  private func work() {
    while let range = take() {
      let answer = Self.ask(range)
      state.withLock { state in
        if let report = answer.report {
          state.report.merge(report)
        } else if range.count > 1 {
          // One of them ended the process: which one is found by running each alone.
          state.waiting += range.map { $0..<$0 + 1 }
        } else {
          state.report.seedCount += 1
          state.report.failures.append(
            WorkerReport.Failure(seed: range.lowerBound, texts: [answer.text]))
        }
      }
    }
  }

  private func take() -> Range<UInt64>? {
    state.withLock { state in
      guard let range = state.waiting.popLast() else { return nil }
      guard range.count > Int(Self.seedsPerProcess) else { return range }
      let middle = range.lowerBound + Self.seedsPerProcess
      state.waiting.append(middle..<range.upperBound)
      return range.lowerBound..<middle
    }
  }

  private static func ask(_ range: Range<UInt64>) -> (report: WorkerReport?, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "--worker", "--first", "\(range.lowerBound)", "--seeds", "\(range.count)",
    ]
    let output = Pipe()
    process.standardOutput = output
    do { try process.run() } catch { return (nil, "cannot start: \(error)") }
    let limit = DispatchWorkItem { process.terminate() }
    DispatchQueue.global().asyncAfter(
      deadline: .now() + secondsPerSeed * Double(range.count), execute: limit)
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    limit.cancel()
    let status = process.terminationStatus
    return (
      try? JSONDecoder().decode(WorkerReport.self, from: bytes),
      "the process ended with \(status), trapped or took more than \(Int(secondsPerSeed)) s"
    )
  }
}
