import KubeIndex
import Synchronization

/// The whole of this module as Service runs it: DATA_DIR locked, then recovered, then threads
/// (writer, log, encoder, replay) that the HTTP server, the API client and the uploader talk to.
///
/// Others may hold `intake` and `mailbox` from the beginning: until `start` reports are refused.
package final class Aggregation: Sendable {
  package enum StartError: Error, Sendable, CustomStringConvertible {
    /// Another process has the directory; its pid if it is known.
    case locked(holder: Int?)
    /// A log of another format, which this version must not take for damage.
    case logVersion(name: String, version: UInt32)
    /// The same for a seal.
    case sealVersion(name: String, version: UInt32)
    case prefix(ObjectKey.PrefixError)
    case disk(DiskError)

    /// What is wrong with DATA_DIR, or S3_PREFIX.
    package var description: String {
      switch self {
      case .locked(let holder):
        "another process\(holder.map { ", with pid \($0) where it runs," } ?? "") uses it "
          + "(its file `lock` is locked); each process needs a DATA_DIR of its own"
      case .logVersion(let name, let version):
        "\(name) has log format \(version), this version reads \(LogHeader.version); "
          + "start the version that wrote it once, so that it stores what is there"
      case .sealVersion(let name, let version):
        "\(name) has seal format \(version), this version reads \(Seal.version); "
          + "start the version that wrote it"
      case .prefix(let error): "S3_PREFIX: \(error)"
      case .disk(let error): error.description
      }
    }
  }

  private struct Running {
    let core: AggregationCore
    let workers: AggregationWorkers
  }

  private let door: AggregationDoor
  /// nil before `recover`.
  private let running = Mutex<Running?>(nil)

  /// Where reports are handed in.
  package var intake: any ReportIntake { door.inbox }
  /// Where the API client sends what changes.
  package var mailbox: any IndexMailbox { door.inbox }
  /// Whom the uploader tells.
  package var deliveryObserver: any DeliveryObserver { door.inbox }

  /// Locks DATA_DIR: quick, whatever is in it.
  package init(
    settings: IngestSettings, disk: any Disk, delivery: any ObjectDelivery,
    counters: IngestCounters, kubeCounters: KubeCounters, time: any TimeSource = SystemTime(),
    random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) },
    events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(StartError) {
    door = try AggregationDoor(
      settings: settings, disk: disk, delivery: delivery, counters: counters,
      kubeCounters: kubeCounters, time: time, random: random, events: events)
    door.gate.close(.notStarted)
  }

  /// Goes through DATA_DIR, which takes a while when there is much in it; once, before `start`.
  /// Nothing runs yet.
  package func recover() throws(StartError) {
    let (core, steps) = try AggregationCore.recover(door)
    let workers = AggregationWorkers(steps)
    running.withLock { $0 = Running(core: core, workers: workers) }
  }

  private var current: Running? { running.withLock { $0 } }

  /// Starts the threads, and the delivery of what was sealed before; reports are taken from here
  /// on.
  package func start() {
    guard let running = current else { preconditionFailure("started without recovery") }
    running.core.announceRecovered()
    running.workers.start(running.core)
    door.gate.open(.notStarted)
  }

  /// From here on reports are refused (503); what was taken is finished.
  package func beginDrain() { door.gate.close(.stopping) }

  /// Seals every row that can be joined. False when that took longer than `deadline`; what is left
  /// stays in the log. The threads go on.
  package func flush(deadline: Duration) -> Bool {
    beginDrain()
    guard let running = current else { return true }
    let core = running.core
    core.status.flush()
    core.inbox.wakeup.set()
    return running.workers.wait(until: core.time.monotonic() + deadline, core) { core.isFlushed }
  }

  /// `flush`, then ends the threads. Objects that are sealed stay the uploader's business.
  @discardableResult
  package func stop(deadline: Duration) -> Bool {
    let isFlushed = flush(deadline: deadline)
    if let running = current { running.workers.stop(running.core) }
    return isFlushed
  }
}
