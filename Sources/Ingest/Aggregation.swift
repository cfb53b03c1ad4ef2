import KubeIndex

/// The whole of this module as Service runs it: DATA_DIR recovered, then three threads (writer,
/// log, encoder) that the HTTP server, the API client and the uploader talk to.
package final class Aggregation: Sendable {
  package enum StartError: Error, Sendable, CustomStringConvertible {
    /// Another process has the directory.
    case locked
    /// A log of another format, which this version must not take for damage.
    case logVersion(name: String, version: UInt32)
    case prefix(ObjectKey.PrefixError)
    case disk(DiskError)

    package var description: String {
      switch self {
      case .locked:
        "another process uses DATA_DIR (its file `lock` is locked); each needs one of its own"
      case .logVersion(let name, let version):
        "DATA_DIR: \(name) has log format \(version), this version reads \(LogHeader.version); "
          + "start the version that wrote it once, so that it stores what is there"
      case .prefix(let error): "S3_PREFIX: \(error)"
      case .disk(let error): "DATA_DIR: \(error)"
      }
    }
  }

  package let core: AggregationCore
  private let workers: AggregationWorkers

  /// Where reports are handed in.
  package var intake: any ReportIntake { core.inbox }
  /// Where the API client sends what changes.
  package var mailbox: any IndexMailbox { core.inbox }
  /// Whom the uploader tells.
  package var deliveryObserver: any DeliveryObserver { core.inbox }
  /// Identity of DATA_DIR, part of every object's key.
  package var writerID: String { core.writerID.description }

  /// Locks and recovers DATA_DIR; nothing runs before `start`.
  package init(
    settings: IngestSettings, disk: any Disk, delivery: any ObjectDelivery,
    counters: IngestCounters, kubeCounters: KubeCounters, time: any TimeSource = SystemTime(),
    random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0 ... .max) },
    events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(StartError) {
    let (core, parts) = try AggregationCore.make(
      settings: settings, disk: disk, delivery: delivery, counters: counters,
      kubeCounters: kubeCounters, time: time, random: random, events: events)
    self.core = core
    workers = AggregationWorkers(parts)
  }

  /// Starts the threads, and the delivery of what was sealed before.
  package func start() {
    core.announceRecovered()
    workers.start(core)
  }

  /// From here on reports are refused (503); what was taken is finished.
  package func beginDrain() { core.gate.close(.stopping) }

  /// Seals every row that can be joined. False when that took longer than `deadline`; what is left
  /// stays in the log. The threads go on.
  package func flush(deadline: Duration) -> Bool {
    beginDrain()
    core.status.flush()
    core.inbox.wakeup.set()
    return workers.wait(until: core.time.monotonic() + deadline, core) { core.isFlushed }
  }

  /// `flush`, then ends the threads. Objects that are sealed stay the uploader's business.
  @discardableResult
  package func stop(deadline: Duration) -> Bool {
    let isFlushed = flush(deadline: deadline)
    workers.stop(core)
    return isFlushed
  }
}
