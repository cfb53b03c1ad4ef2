import KubeIndex
import Synchronization

/// The parts of an aggregation that any thread may touch.
package final class AggregationCore: Sendable {
  package let writerID: WriterID
  package let inbox: WriterInbox
  let log: LogQueue
  let encoderQueue: EncoderQueue
  let replayQueue: ReplayQueue
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
    replayQueue = parts.replay
    spool = parts.spool
    status = parts.status
    time = parts.time
    self.gate = gate
    self.delivery = delivery
    self.recoveredSeals = recoveredSeals
    self.abandoned = abandoned
  }

  /// The step functions; each belongs to one thread, or all to one.
  package struct Steps {
    package let writer: Writer
    package let log: LogCommitter
    package let encoder: Encoder
    package let replay: ReplayReader

    /// Does everything there is to do, on this thread. True when something was done.
    package func runOnce() -> Bool {
      let isWriterBusy = writer.step() == .zero
      let isLogBusy = log.step() == .zero
      let isEncoderBusy = encoder.step()
      let isReplayBusy = replay.step()
      return isWriterBusy || isLogBusy || isEncoderBusy || isReplayBusy
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

  /// Locks and recovers DATA_DIR.
  package static func make(
    settings: IngestSettings, disk: any Disk, delivery: any ObjectDelivery,
    counters: IngestCounters, kubeCounters: KubeCounters, time: any TimeSource,
    random: @escaping @Sendable () -> UInt64,
    events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(Aggregation.StartError) -> (AggregationCore, Steps) {
    try recover(
      AggregationDoor(
        settings: settings, disk: disk, delivery: delivery, counters: counters,
        kubeCounters: kubeCounters, time: time, random: random, events: events))
  }

  /// Recovers DATA_DIR, which `door` has locked.
  package static func recover(
    _ door: AggregationDoor
  ) throws(Aggregation.StartError) -> (AggregationCore, Steps) {
    let (disk, time, counters, events) = (door.disk, door.time, door.counters, door.events)
    let (gate, inbox) = (door.gate, door.inbox)
    // Not at the door: the port waits for it, and seals are read whole.
    let foreign: (name: String, version: UInt32)?
    do {
      foreign = try Seal.foreign(on: disk)
    } catch {
      throw .disk(error)
    }
    if let foreign { throw .sealVersion(name: foreign.name, version: foreign.version) }
    let state: RecoveredState
    let spool: Spool
    do {
      state = try Recovery(disk: disk, time: time, counters: counters, events: events)
        .run(random: door.random)
      spool = try makeSpool(door.settings, disk, gate, counters, events)
    } catch {
      throw .disk(error)
    }
    let keys: ObjectKey
    do {
      keys = try ObjectKey(prefix: door.settings.prefix, writer: state.writer)
    } catch {
      throw .prefix(error)
    }
    let parts = WriterParts(
      inbox: inbox, log: LogQueue(), ledger: ReplyLedger(counters: counters),
      encoder: EncoderQueue(), replay: ReplayQueue(), spool: spool, time: time, counters: counters,
      status: WriterStatus(), events: events)
    let steps = Steps(
      writer: Writer(
        settings: door.settings, disk: disk, writer: state.writer, recovered: state, parts: parts,
        index: ClusterIndex(counters: door.kubeCounters)),
      log: LogCommitter(
        disk: disk, writer: state.writer, queue: parts.log, ledger: parts.ledger, gate: gate,
        spool: spool, time: time, counters: counters, events: events
      ) { inbox.notify(.log($0)) },
      encoder: Encoder(
        disk: disk, writer: state.writer, keys: keys,
        parquetEncodings: door.settings.encodings, queue: parts.encoder, delivery: door.delivery,
        spool: spool, time: time, random: door.random, counters: counters, events: events
      ) { inbox.notify(.encoder($0)) },
      replay: ReplayReader(disk: disk, writer: state.writer, queue: parts.replay) {
        inbox.wakeup.set(isUrgent: true)
      })
    let core = AggregationCore(
      writerID: state.writer, parts: parts, gate: gate, delivery: door.delivery,
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
