import KubeIndex
import Synchronization

/// The parts of an aggregation that any thread may touch.
package final class AggregationCore: Sendable {
  package let writerID: WriterID
  let inbox: WriterInbox
  let log: LogQueue
  let encoderQueue: EncoderQueue
  package let gate: IntakeGate
  package let spool: Spool
  package let status: WriterStatus
  let time: any TimeSource
  private let delivery: any ObjectDelivery
  private let recoveredSeals: [Seal]
  private let abandoned: [UInt64]

  private init(
    writerID: WriterID, parts: WriterParts, gate: IntakeGate, delivery: any ObjectDelivery,
    recoveredSeals: [Seal], abandoned: [UInt64]
  ) {
    self.writerID = writerID
    inbox = parts.inbox
    log = parts.log
    encoderQueue = parts.encoder
    spool = parts.spool
    status = parts.status
    time = parts.time
    self.gate = gate
    self.delivery = delivery
    self.recoveredSeals = recoveredSeals
    self.abandoned = abandoned
  }

  /// The three step functions; each belongs to one thread, or all to one.
  package struct Steps {
    package let writer: Writer
    package let log: LogCommitter
    package let encoder: Encoder

    /// Does everything there is to do, on this thread. True when something was done.
    package func runOnce() -> Bool {
      let isWriterBusy = writer.step() == .zero
      let isLogBusy = log.step() == .zero
      let isEncoderBusy = encoder.step()
      return isWriterBusy || isLogBusy || isEncoderBusy
    }
  }

  /// Every row that can be is in a sealed object, and the uploader knows of it. The order counts:
  /// a report leaves the inbox after the writer has said that it is not flushed, and the writer is
  /// flushed while the encoder may still have to tell the uploader.
  package var isFlushed: Bool { inbox.isEmpty && status.isFlushed && encoderQueue.isIdle }

  /// Tells the uploader what the start found.
  package func announceRecovered() {
    for segment in abandoned { delivery.segmentAbandoned(segment) }
    for seal in recoveredSeals where !seal.objects.isEmpty {
      delivery.segmentSealed(seal.segment, objects: seal.objects, recovered: true)
    }
  }

  package static func make(
    settings: IngestSettings, disk: any Disk, delivery: any ObjectDelivery,
    counters: IngestCounters, kubeCounters: KubeCounters, time: any TimeSource,
    random: @escaping @Sendable () -> UInt64,
    events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(Aggregation.StartError) -> (AggregationCore, Steps) {
    do {
      try ObjectKey.check(prefix: settings.prefix)
    } catch {
      throw .prefix(error)
    }
    let foreign: (name: String, version: UInt32)?
    do {
      try disk.lock(FileName.lock.text)
      foreign = try LogScan.foreignLog(on: disk)
    } catch {
      throw error.call == .lock && error.isWouldBlock ? .locked : .disk(error)
    }
    if let foreign { throw .logVersion(name: foreign.name, version: foreign.version) }
    let state: RecoveredState
    let gate = IntakeGate()
    let spool: Spool
    do {
      state = try Recovery(disk: disk, time: time, counters: counters, events: events)
        .run(random: random)
      spool = try makeSpool(settings, disk, gate, counters, events)
    } catch {
      throw .disk(error)
    }
    let keys: ObjectKey
    do {
      keys = try ObjectKey(prefix: settings.prefix, writer: state.writer)
    } catch {
      throw .prefix(error)
    }
    let inbox = WriterInbox(gate: gate, time: time, counters: counters)
    let parts = WriterParts(
      inbox: inbox, log: LogQueue(), ledger: ReplyLedger(counters: counters),
      encoder: EncoderQueue(), spool: spool, time: time, counters: counters,
      status: WriterStatus(), events: events)
    let steps = Steps(
      writer: Writer(
        settings: settings, disk: disk, writer: state.writer, recovered: state, parts: parts,
        index: ClusterIndex(counters: kubeCounters)),
      log: LogCommitter(
        disk: disk, writer: state.writer, queue: parts.log, ledger: parts.ledger, gate: gate,
        spool: spool, time: time, counters: counters, events: events
      ) { inbox.notify(.log($0)) },
      encoder: Encoder(
        disk: disk, writer: state.writer, keys: keys, queue: parts.encoder, delivery: delivery,
        spool: spool, time: time, random: random, counters: counters, events: events
      ) { inbox.notify(.encoder($0)) })
    let core = AggregationCore(
      writerID: state.writer, parts: parts, gate: gate, delivery: delivery,
      recoveredSeals: state.seals, abandoned: state.abandoned)
    return (core, steps)
  }

  private static func makeSpool(
    _ settings: IngestSettings, _ disk: any Disk, _ gate: IntakeGate,
    _ counters: IngestCounters, _ events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(DiskError) -> Spool {
    var sizes: [(String, Int)] = []
    for name in try disk.list() {
      sizes.append((name, try disk.allocatedByteCount(of: name)))
    }
    let used = sizes.reduce(0) { $0 + $1.1 }
    let volume = try disk.availableByteCount()
    // Beyond the spool an object file of the live segment and one of the backlog need room.
    let room = 2 * settings.flushMaximumByteCount + IngestLimits.workingRoomByteCount
    let (total, overflow) = volume.addingReportingOverflow(used)
    let possible = overflow ? Int.max : max(IngestLimits.minimumSpoolByteCount, total - room)
    let limit = min(settings.spoolMaximumByteCount, possible)
    if limit < settings.spoolMaximumByteCount {
      events(.spoolLimitLowered(wanted: settings.spoolMaximumByteCount, effective: limit))
    }
    let spool = Spool(limit: limit, gate: gate, counters: counters, events: events)
    for (name, byteCount) in sizes { spool.set(name, byteCount: byteCount) }
    return spool
  }
}

/// Runs the steps on a thread each.
///
/// `@unchecked Sendable`: the steps are given to their threads in `start`, under the lock, and not
/// touched by anyone else.
final class AggregationWorkers: @unchecked Sendable {
  private struct Running {
    var writer: WorkerThread
    var log: LogThread
    var encoder: EncoderThread
  }

  private let steps: AggregationCore.Steps
  private let running = Mutex<Running?>(nil)
  private let stopFlag = StopFlag()

  init(_ steps: AggregationCore.Steps) { self.steps = steps }

  func start(_ core: AggregationCore) {
    running.withLock { running in
      guard running == nil else { return }
      let log = Handover(steps.log)
      let encoder = Handover(steps.encoder)
      let writer = Handover(steps.writer)
      let stopFlag = stopFlag
      let inbox = core.inbox
      running = Running(
        writer: WorkerThread(name: "writer") {
          while !stopFlag.isSet {
            let sleep = writer.value.step()
            if sleep > .zero { inbox.wakeup.wait(timeout: sleep) }
          }
        },
        log: LogThread(queue: core.log, committer: log),
        encoder: EncoderThread(queue: core.encoderQueue, encoder: encoder))
    }
  }

  /// True as soon as `condition` holds; false at `deadline`.
  func wait(
    until deadline: Duration, _ core: AggregationCore, _ condition: () -> Bool
  ) -> Bool {
    let pause = Wakeup()
    while !condition() {
      guard core.time.monotonic() < deadline else { return false }
      pause.wait(timeout: .milliseconds(5))
    }
    return true
  }

  func stop(_ core: AggregationCore) {
    let stopping = running.withLock { running in
      defer { running = nil }
      return running
    }
    guard let stopping else { return }
    stopFlag.set()
    core.inbox.closeMailbox()
    core.inbox.wakeup.set()
    stopping.writer.join()
    stopping.encoder.stop()
    stopping.log.stop()
  }
}
