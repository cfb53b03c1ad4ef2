import KubeIndex
import SimulationModels
import Synchronization

@testable import Ingest

/// One process on a model disk, all on the calling thread.
final class Harness {
  let disk: ModelDisk
  let time: ManualTime
  let delivery: StoringDelivery
  let counters = IngestCounters()
  let sink = RecordingSink()
  let core: AggregationCore
  let steps: AggregationCore.Steps
  let log = EventLog()
  private static let attempts = Atomic<UInt64>(1)

  init(
    disk: ModelDisk, time: ManualTime, delivery: StoringDelivery,
    settings: IngestSettings = Harness.settings()
  ) throws {
    self.disk = disk
    self.time = time
    self.delivery = delivery
    let log = log
    (core, steps) = try AggregationCore.make(
      settings: settings, disk: disk, delivery: delivery, counters: counters,
      kubeCounters: KubeCounters(), time: time,
      random: { Harness.attempts.wrappingAdd(1, ordering: .relaxed).newValue },
      events: { log.add($0) })
    delivery.attach(core.inbox)
    core.announceRecovered()
  }

  static func settings(rows: Int = 4_096, spool: Int = 1 << 30) -> IngestSettings {
    IngestSettings(
      prefix: "usage/", clusterName: "blue", spoolMaximumByteCount: spool,
      flushInterval: .seconds(300), batchRowCapacity: rows)
  }

  /// Lists of all kinds, empty.
  static var indexReady: [IndexChange] {
    ObjectKind.allCases.flatMap { [.relistBegan($0), .relistEnded($0)] }
  }

  func makeIndexReady() {
    core.inbox.send(Harness.indexReady)
    run()
  }

  func submit(_ report: TestReport, token: UInt64) {
    _ = core.inbox.trySubmit(report.body, token: token, sink: sink)
  }

  /// Until nothing happens any more, without time passing.
  func run(maximumSteps: Int = 10_000) {
    for _ in 0..<maximumSteps {
      if disk.isDown || !steps.runOnce() { return }
    }
  }

  /// Everything that can be is sealed, stored and removed.
  func flush() {
    core.status.flush()
    for _ in 0..<20 {
      run()
      if disk.isDown { return }
      time.advance(.seconds(2))
    }
  }

  func submitAndRun(_ report: TestReport, token: UInt64) -> ReportOutcome? {
    submit(report, token: token)
    run()
    return sink.outcome(token)
  }
}

final class EventLog: Sendable {
  private let events = Mutex<[IngestEvent]>([])

  func add(_ event: IngestEvent) { events.withLock { $0.append(event) } }
  var all: [IngestEvent] { events.withLock { $0 } }
  var fatal: String? {
    all.lazy.compactMap { if case .fatal(let text) = $0 { text } else { nil } }.first
  }
}

/// A report with a number of pods.
struct TestReport {
  var node: String
  var timestamp: String
  var podCount: Int

  init(node: String = "node-1", timestamp: String = "2026-11-24T10:00:00Z", podCount: Int = 1) {
    self.node = node
    self.timestamp = timestamp
    self.podCount = podCount
  }

  var text: String {
    let pods = (0..<podCount).map {
      #"{"pod_id":"\#(node)-\#($0)","namespace":"team","name":"web-\#($0)","cpu_usage_cores":0.5}"#
    }
    return #"{"timestamp":"\#(timestamp)","node_name":"\#(node)","hostname":"h","pods":["#
      + pods.joined(separator: ",") + "]}"
  }

  var body: ReportBody {
    let bytes = Array(text.utf8)
    let body = ReportBody(capacity: bytes.count)
    _ = bytes.withUnsafeBytes { body.tryAppend($0) }
    return body
  }
}
