import ArgumentParser
import Glibc

@main
struct Fleet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet",
    abstract: "A simulated Kubernetes cluster for demos, load runs and tests.",
    subcommands: [Run.self, SinkCommand.self, Bodies.self],
    defaultSubcommand: Run.self)
}

/// `fleet sink`: what `fleet run` is measured against.
struct SinkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sink",
    abstract: "Read POSTs on 127.0.0.1, throw them away and answer 200, until interrupted.")

  @Option(help: "Port; 0 takes a free one, printed.")
  var port: UInt16 = 0

  func run() throws {
    Interrupt.install()
    let sink = try Sink(port: port)
    Console.print("http://127.0.0.1:\(sink.port)/metrics\n")
    while !Interrupt.isRequested { sink.poll(milliseconds: 100) }
    Console.print("{\"requests\": \(sink.requests), \"bytes\": \(sink.bytes)}\n")
  }
}

/// `fleet bodies`: reports as lines, for tests and benchmarks that want them without a network.
struct Bodies: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print reports, one on a line, instead of posting them.")

  @OptionGroup(title: "Cluster") var cluster: ClusterOptions
  @OptionGroup(title: "Time") var time: TimeOptions

  func run() throws {
    Interrupt.install()
    let seed = cluster.seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
    Console.note("fleet: seed \(seed)\n")
    let now = CalendarTime.nowMicros()
    let range = time.range(nowMicros: now)
    let simulated = Cluster(
      nodeCount: cluster.nodes, podCount: cluster.pods, seed: seed, history: cluster.history,
      startMicros: range?.start ?? now)
    var collector = Collector(cluster: simulated, seed: seed)
    var rounds = Rounds(
      clock: range.map { .simulated(startMicros: $0.start, endMicros: $0.end) } ?? .wall,
      intervalMicros: Int64(time.interval * 1e6), nodeCount: cluster.nodes, seed: seed)
    var writer = ByteWriter(capacity: 64 * 1024)
    let most = time.reports ?? (range == nil ? cluster.nodes : Int.max)
    var written = 0
    while written < most, !Interrupt.isRequested {
      if rounds.isAtRoundStart && written > 0 {
        let seconds = rounds.roundStartMicros / CalendarTime.microsPerSecond
        simulated.churn(count: cluster.churnCount ?? 0, nowSeconds: seconds)
      }
      guard let (node, timestamp) = rounds.next() else { break }
      if writer.count > 1 << 16 {
        guard writer.write(to: STDOUT_FILENO) else { return }
        writer.clear()
      }
      _ = collector.appendReport(node: node, timestampMicros: timestamp, to: &writer)
      writer.append("\n")
      written += 1
    }
    writer.write(to: STDOUT_FILENO)
  }
}
