import Foundation
import Ingest
import Synchronization

/// Brings the objects of DATA_DIR to the store on a few threads of its own.
///
/// Inputs come from the encoder thread and only note what is there; the threads ask `DeliveryCore`
/// for the next job and run it. The observer is told, from one of them, when a segment is through.
// Unchecked: everything mutable is guarded by `condition`.
final class Delivery: ObjectDelivery, @unchecked Sendable {
  let counters: DeliveryCounters

  private let runner: DeliveryRunner
  private let clock: any StoreClock
  private let events: StoreEventSink
  private let condition = MonotonicCondition()
  private var core: DeliveryCore
  private var observer: (any DeliveryObserver)?
  private var runningThreads = 0
  private var isStopping = false
  private var isHurried = false

  /// `maximumFileByteCount`: FLUSH_MAX_BYTES, which fixes the size of parts.
  init(
    runner: DeliveryRunner, maximumFileByteCount: Int, clock: any StoreClock,
    events: @escaping StoreEventSink, counters: DeliveryCounters
  ) {
    self.runner = runner
    self.clock = clock
    self.events = events
    self.counters = counters
    core = DeliveryCore(
      settings: Self.settings(
        maximumFileByteCount: maximumFileByteCount, takesParts: runner.store.takesParts),
      store: runner.store.description, random: { Double.random(in: 0..<1) })
  }

  static func settings(
    maximumFileByteCount: Int, takesParts: Bool
  ) -> MultipartMachine.Settings {
    // A file may exceed FLUSH_MAX_BYTES by a row group, hence twice.
    let doubled = maximumFileByteCount.multipliedReportingOverflow(by: 2)
    let needed = (doubled.overflow ? Int.max : doubled.partialValue) / ServiceLimits.maximumParts
    return MultipartMachine.Settings(
      partByteCount: max(ServiceLimits.minimumPartByteCount, needed + 1),
      minimumMultipartByteCount: ServiceLimits.minimumMultipartByteCount,
      maximumPartsInFlight: ServiceLimits.deliveryThreads, takesParts: takesParts)
  }

  // MARK: Life

  /// Starts the threads. DATA_DIR must be locked by then; what was sealed before is done first.
  func start(observer: any DeliveryObserver) {
    condition.lock()
    defer { condition.unlock() }
    precondition(runningThreads == 0 && !isStopping, "started twice")
    self.observer = observer
    runningThreads = ServiceLimits.deliveryThreads
    for number in 1...ServiceLimits.deliveryThreads {
      let thread = Thread { [self] in work() }
      thread.name = "delivery-\(number)"
      thread.stackSize = ServiceLimits.deliveryStackByteCount
      thread.start()
    }
  }

  /// Waits until everything sealed is stored; false: not within `limit`. The first call tries all
  /// that waits at once; after that the waits hold again, so that calling it often is no storm.
  func drain(within limit: Duration) -> Bool {
    let end = MonotonicCondition.Moment(after: limit)
    condition.lock()
    defer { condition.unlock() }
    if !isHurried {
      isHurried = true
      core.hurry()
      condition.broadcast()
    }
    while !core.isDrained {
      guard condition.wait(until: end) else { return core.isDrained }
    }
    return true
  }

  /// Breaks off what is running and ends the threads. What is not stored stays in DATA_DIR.
  func stop() {
    condition.lock()
    isStopping = true
    condition.broadcast()
    condition.unlock()
    runner.store.cancel()
    clock.interrupt()
    condition.lock()
    while runningThreads > 0 { condition.wait() }
    observer = nil
    condition.unlock()
  }

  // MARK: ObjectDelivery

  func objectOpened(_ id: ObjectID, key: String, fileName: String) {
    update { $0.opened(id, key: key, fileName: fileName) }
  }

  func objectGrew(_ id: ObjectID, byteCount: Int) {
    update { $0.grew(id, byteCount: byteCount) }
  }

  func segmentSealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool) {
    let now = clock.uptime
    update { $0.sealed(segment, objects: objects, recovered: recovered, now: now) }
  }

  func segmentAbandoned(_ segment: UInt64) {
    update { $0.abandoned(segment) }
  }

  private func update(_ change: (inout DeliveryCore) -> Void) {
    condition.lock()
    change(&core)
    core.updateGauges(counters)
    condition.broadcast()
    condition.unlock()
  }

  // MARK: Threads

  private func work() {
    condition.lock()
    while !isStopping {
      let delivered = core.takeDelivered()
      if !delivered.isEmpty, let observer {
        condition.broadcast()
        condition.unlock()
        for segment in delivered { observer.segmentDelivered(segment) }
        condition.lock()
        continue
      }
      switch core.next(now: clock.uptime) {
      case .wait(let until):
        let left = until.map { max(.milliseconds(1), $0 - clock.uptime) } ?? .seconds(3600)
        _ = condition.wait(until: MonotonicCondition.Moment(after: left))
      case .run(let ticket):
        condition.unlock()
        let outcome = runner.run(ticket.work)
        condition.lock()
        finish(ticket, outcome)
      }
    }
    runningThreads -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// Called with the lock held.
  private func finish(_ ticket: DeliveryCore.Ticket, _ outcome: DeliveryCore.Outcome) {
    let news = core.finish(
      ticket, outcome, now: clock.uptime, wallSeconds: clock.wallSeconds, counters: counters)
    core.updateGauges(counters)
    condition.broadcast()
    // A step that was broken off by `stop` is no news.
    guard !isStopping else { return }
    condition.unlock()
    for event in news { events(event) }
    condition.lock()
  }
}
