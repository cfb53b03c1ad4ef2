import ArgumentParser
import Foundation
import Glibc
import SimulationModels

/// Feeds damaged and hostile bytes to the parsers of what comes from outside.
///
/// Each case is a recorded or made input, changed by random numbers that its seed and number
/// decide, so one command gives any case again. The cases run in a child process: a trap, a case
/// that takes too long, too much memory, and a broken invariant are told with that command.
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Feeds damaged and hostile bytes to the parsers of what comes from outside.")

  @Option(help: "Seed of all cases; a new one is drawn and printed without it.")
  var seed: UInt64?
  @Option(help: "Time for all targets together.")
  var seconds = 60.0
  @Option(help: "One target alone: \(FuzzTargets.names.joined(separator: ", ")).")
  var target: String?
  @Option(help: "Number of the first case.")
  var first = 0
  @Option(help: "Cases of each target; the time then does not count.")
  var cases: Int?
  @Option(help: "Folder of the recorded API objects.")
  var fixtures = "Tests/Fixtures/kube"
  @Option(help: .hidden)
  var progress: String?

  /// Longest that one case may take: most take microseconds.
  static let caseSeconds: UInt32 = 10
  /// Resident memory of a child, its inputs and a batch included.
  static let maximumResidentByteCount = 1 << 30

  func run() throws {
    if let progress, let target { return try work(target, progress) }
    let seed = seed ?? .random(in: 0 ... .max)
    Self.say("seed \(seed)")
    let names = target.map { [$0] } ?? FuzzTargets.names
    var failed = false
    for name in names {
      let share = seconds / Double(names.count)
      if let failure = try supervise(name, seed: seed, seconds: share) {
        failed = true
        Self.say("\(name): \(failure)")
      }
    }
    if failed { throw ExitCode(1) }
  }

  /// At once, so that the lines of parent and children keep their order in a file too.
  private static func say(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  // MARK: - Parent

  /// Runs a target in a child; what went wrong, and how to see it again.
  private func supervise(_ name: String, seed: UInt64, seconds: Double) throws -> String? {
    let folder = FileManager.default.temporaryDirectory
    let place = folder.appending(path: "fuzz-\(getpid())-\(name)").path
    defer { unlink(place) }
    let child = Process()
    child.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    child.arguments = [
      "--seed", String(seed), "--seconds", String(seconds), "--target", name, "--first",
      String(first), "--fixtures", fixtures, "--progress", place,
    ]
    if let cases { child.arguments? += ["--cases", String(cases)] }
    try child.run()
    child.waitUntilExit()
    let status = child.terminationStatus
    if child.terminationReason == .exit, status == 0 { return nil }
    let reached = (try? String(contentsOfFile: place, encoding: .utf8)) ?? String(first)
    let number = reached.prefix { $0.isNumber }
    let cause =
      child.terminationReason == .exit
      ? "ended with \(status)"
      : status == SIGALRM ? "took over \(Self.caseSeconds) s" : "ended by signal \(status)"
    return "case \(number) \(cause); again:\n  .build/release/fuzz --seed \(seed) --target \(name) "
      + "--first \(number) --cases 1"
  }

  // MARK: - Child

  private func work(_ name: String, _ progress: String) throws {
    guard var target = try FuzzTargets.make(name, fixtures: fixtures) else {
      throw ValidationError("the targets are \(FuzzTargets.names.joined(separator: ", "))")
    }
    let file = open(progress, O_CREAT | O_TRUNC | O_RDWR, 0o600)
    guard file >= 0 else { throw Broken("\(progress): \(String(cString: strerror(errno)))") }
    let seed = seed ?? 0
    let mutator = Mutator(words: target.words, others: target.inputs)
    let inputs = target.inputs
    guard !inputs.isEmpty else { throw Broken("no inputs") }
    let start = ContinuousClock.now
    var slowest = Duration.zero
    var number = first
    while cases.map({ number - first < $0 }) ?? (ContinuousClock.now - start < .seconds(seconds)) {
      var random = SeededRandom(seed: seed ^ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
      note(number, file)
      alarm(Self.caseSeconds)
      let input = inputs[Int.random(in: 0..<inputs.count, using: &random)]
      let bytes = mutator.mutate(input, using: &random)
      let begin = ContinuousClock.now
      do { try target.run(bytes) } catch {
        Self.say("\(name): case \(number) of \(bytes.count) bytes: \(error)")
        throw ExitCode(2)
      }
      slowest = max(slowest, ContinuousClock.now - begin)
      number += 1
      if number % 256 == 0, Self.residentByteCount() > Self.maximumResidentByteCount {
        Self.say("\(name): \(Self.residentByteCount() >> 20) MiB of memory after \(number) cases")
        throw ExitCode(3)
      }
    }
    alarm(0)
    let milliseconds = slowest / .milliseconds(1)
    Self.say(
      "\(name): \(number - first) cases, the slowest \(String(format: "%.1f", milliseconds)) ms, "
        + "\(Self.residentByteCount() >> 20) MiB")
  }

  /// Keeps the number where the parent finds it after a trap.
  private func note(_ number: Int, _ file: Int32) {
    var text = Array("\(number)\n                    ".utf8)
    pwrite(file, &text, text.count, 0)
  }

  private static func residentByteCount() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
