import Ingest
import KubeIndex
import Service
import SimulationModels

/// One process of the service: its threads as steps, which the world takes in any order.
final class ModelProcess {
  enum Actor: Int, CaseIterable {
    case writer, log, encoder, replay, delivery
  }

  static let deliveryThreads = 4

  let core: AggregationCore
  let delivery: DeliveryStepper
  private let time: ManualTime
  private let steps: AggregationCore.Steps
  /// Jobs of the delivery that have begun, and those whose answer is on its way.
  private var begun: [DeliveryStepper.Job] = []
  private var answered: [DeliveryStepper.Job] = []
  /// Jobs that are being carried out, further down the stack.
  private var runningCount = 0
  /// The watchers have listed everything, and the writer has taken it.
  private(set) var isIndexReady = false
  var isJoining = false

  init(
    settings: IngestSettings, disk: ModelDisk, time: ManualTime, delivery: DeliveryStepper,
    random: @escaping @Sendable () -> UInt64, events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(Aggregation.StartError) {
    self.delivery = delivery
    self.time = time
    (core, steps) = try AggregationCore.make(
      settings: settings, disk: disk, delivery: delivery, counters: IngestCounters(),
      kubeCounters: KubeCounters(), time: time, random: random, events: events)
    core.announceRecovered()
  }

  /// The watchers have listed everything; some nodes name their cluster.
  func makeIndexReady(nodes: [NodeRecord]) {
    isIndexReady = true
    var changes: [IndexChange] = []
    for kind in ObjectKind.allCases {
      changes.append(.relistBegan(kind))
      if kind == .nodes { changes += nodes.map { .applied(.node($0)) } }
      changes.append(.relistEnded(kind))
    }
    core.inbox.send(changes)
  }

  /// Does a piece of the actor's work. zero: there may be more; else how long it would sleep.
  func step(_ actor: Actor, _ random: (Int) -> Int) -> Duration {
    switch actor {
    case .writer: return steps.writer.step()
    case .log: return steps.log.step()
    case .encoder: return steps.encoder.step() ? .zero : .seconds(1)
    case .replay: return steps.replay.step() ? .zero : .seconds(1)
    case .delivery: return deliver(random)
    }
  }

  private func deliver(_ random: (Int) -> Int) -> Duration {
    for segment in delivery.takeDelivered() { core.inbox.segmentDelivered(segment) }
    if !answered.isEmpty, random(2) == 0 {
      delivery.finish(answered.remove(at: random(answered.count)))
      return .zero
    }
    if !begun.isEmpty, random(2) == 0 {
      var job = begun.remove(at: random(begun.count))
      runningCount += 1
      delivery.run(&job)
      runningCount -= 1
      answered.append(job)
      return .zero
    }
    if begun.count + answered.count + runningCount < Self.deliveryThreads {
      switch delivery.next() {
      case .job(let job):
        begun.append(job)
        return .zero
      case .wait(let until):
        guard begun.isEmpty, answered.isEmpty else { return .zero }
        return until.map { max(.milliseconds(1), $0 - time.uptime) } ?? .seconds(60)
      }
    }
    return begun.isEmpty && answered.isEmpty ? .seconds(1) : .zero
  }

  /// Everything that was taken is stored, and nothing is under way.
  var isDrained: Bool {
    isJoining && core.isFlushed && delivery.isDrained && begun.isEmpty && answered.isEmpty
  }
}
