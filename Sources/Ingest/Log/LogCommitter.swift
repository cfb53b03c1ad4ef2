/// The work of the log thread as steps: takes frames, writes them, one fdatasync a group, answers.
///
/// Rules after a failed write or sync: the file is never written or synced again; its frames that
/// are not durable get 503; the next file's header records how far the failed one counts; and when
/// that file fails too, for another reason than a full disk, the process must end.
/// One thread at a time.
package final class LogCommitter {
  private let disk: any Disk
  private let writer: WriterID
  private let queue: LogQueue
  private let ledger: ReplyLedger
  private let notify: @Sendable (LogNotice) -> Void
  private let gate: IntakeGate
  private let spool: Spool
  private let time: any TimeSource
  private let counters: IngestCounters
  private let events: @Sendable (IngestEvent) -> Void

  /// What is being gone through, and of it the frames of one commit; empty between steps.
  private var items: [LogQueue.Item] = []
  private var group: [LogQueue.Frame] = []
  private var file: LogWriter?
  /// To be recorded by the next file.
  private var cut: LogHeader.Cut?
  /// Frames of this segment and below are refused.
  private var failedSegment: UInt64?
  /// Failures in a row that were not for want of space.
  private var failureCount = 0
  private var isDead = false
  private var lastCommit = Duration.zero
  private var nextSpaceCheck = Duration.zero

  package init(
    disk: any Disk, writer: WriterID, queue: LogQueue, ledger: ReplyLedger, gate: IntakeGate,
    spool: Spool, time: any TimeSource, counters: IngestCounters,
    events: @escaping @Sendable (IngestEvent) -> Void,
    notify: @escaping @Sendable (LogNotice) -> Void
  ) {
    self.disk = disk
    self.writer = writer
    self.queue = queue
    self.ledger = ledger
    self.gate = gate
    self.spool = spool
    self.time = time
    self.counters = counters
    self.events = events
    self.notify = notify
  }

  /// Does what there is to do. Returns how long the caller may sleep when nothing new comes.
  package func step() -> Duration {
    queue.takeAll(into: &items)
    guard !items.isEmpty else { return idle() }
    defer { items.removeAll(keepingCapacity: true) }
    for item in items {
      switch item {
      case .frame(let frame):
        if let first = group.first, first.segment != frame.segment { commit(&group) }
        group.append(frame)
      case .end(let segment):
        commit(&group)
        end(segment)
      }
    }
    commit(&group)
    return .zero
  }

  // MARK: Groups

  private func commit(_ group: inout [LogQueue.Frame]) {
    guard let first = group.first, let last = group.last else { return }
    let byteCount = group.reduce(0) { $0 + $1.byteCount }
    defer { group.removeAll(keepingCapacity: true) }
    if isDead || failedSegment.map({ first.segment <= $0 }) == true {
      ledger.fail(through: last.ticket, message: "the log could not be written")
      settle(byteCount)
      notify(.settled)
      return
    }
    do {
      let file = try file(for: first.segment)
      try file.append(
        group.lazy.map {
          LogWriter.Entry(payload: $0.body.bytes, retryID: $0.retryID, nodeID: $0.nodeID)
        })
      try sync(file)
      spool.set(file.fileName, byteCount: file.preallocatedUpTo)
    } catch {
      fail(first.segment, error)
      ledger.fail(through: last.ticket, message: "the log could not be written: \(error)")
      settle(byteCount)
      notify(.settled)
      return
    }
    failureCount = 0
    cut = nil
    if gate.isClosed(.diskFull) { reopenAfterFullDisk() }
    counters.groupCommits.add(1)
    // Before the writer is told: it may sleep for want of this room, and nothing else wakes it.
    settle(byteCount)
    // The writer is told first: it must know an id as durable before its reporter can ask again.
    notify(.durable(through: last.ticket))
    ledger.complete(through: last.ticket)
    file?.dropCache()
  }

  private func settle(_ byteCount: Int) {
    queue.settle(byteCount)
    counters.outstandingBytes.set(queue.outstandingByteCount)
  }

  private func file(for segment: UInt64) throws(DiskError) -> LogWriter {
    if let file, file.segment == segment { return file }
    close()
    let header = LogHeader(
      writer: writer, segment: segment, cut: cut, createdSeconds: time.epochSeconds())
    let file = try LogWriter(disk: disk, header: header)
    self.file = file
    return file
  }

  private func sync(_ file: LogWriter) throws(DiskError) {
    let start = time.monotonic()
    try file.sync()
    lastCommit = time.monotonic()
    let microseconds = Int((lastCommit - start).nanoseconds / 1_000)
    counters.fsyncMicroseconds.add(microseconds)
    if microseconds > counters.fsyncMaximumMicroseconds.current {
      counters.fsyncMaximumMicroseconds.set(microseconds)
    }
  }

  // MARK: Quiet times and ends

  private func idle() -> Duration {
    let now = time.monotonic()
    if gate.isClosed(.diskFull) {
      guard now >= nextSpaceCheck else { return nextSpaceCheck - now }
      nextSpaceCheck = now + IngestLimits.fullDiskRetryDelay
      if let room = try? disk.availableByteCount(), room >= IngestLimits.fullDiskRoomByteCount {
        reopenAfterFullDisk()
      }
    }
    guard let file, !file.isWitnessed else { return IngestLimits.maximumThreadWait }
    let due = lastCommit + IngestLimits.witnessDelay
    guard now >= due else { return due - now }
    if !witness(file) { return .zero }
    return IngestLimits.maximumThreadWait
  }

  private func end(_ segment: UInt64) {
    guard let file, file.segment == segment else { return }
    if !file.isWitnessed, !witness(file) { return }
    let byteCount = file.end
    close()
    notify(.ended(segment: segment, byteCount: byteCount))
  }

  private func witness(_ file: LogWriter) -> Bool {
    do {
      try file.appendWitness()
      try sync(file)
      return true
    } catch {
      fail(file.segment, error)
      return false
    }
  }

  private func close() {
    guard let file else { return }
    self.file = nil
    // The reservation is a convenience; what it holds is freed with the file at the latest.
    try? file.trim()
    spool.measure(file.fileName, on: disk, onlyIfKnown: true)
  }

  // MARK: Failures

  private func fail(_ segment: UInt64, _ error: DiskError) {
    counters.logFailures.add(1)
    events(.logFailed(segment: segment, error: error.description))
    failedSegment = segment
    let goodUpTo = file.flatMap { $0.segment == segment ? $0.durableUpTo : nil } ?? 0
    file = nil
    if goodUpTo > 0 {
      cut = LogHeader.Cut(segment: segment, goodUpTo: goodUpTo)
    } else if !removeUnborn(segment) {
      die("the log file of segment \(segment) failed and cannot be removed")
    }
    if error.isOutOfSpace {
      nextSpaceCheck = time.monotonic() + IngestLimits.fullDiskRetryDelay
      if !gate.isClosed(.diskFull) {
        gate.close(.diskFull)
        events(.diskFull)
      }
    } else {
      failureCount += 1
      if failureCount > 1 { die("two log files in a row failed, last: \(error)") }
    }
    notify(.failed(segment: segment, goodUpTo: goodUpTo))
  }

  private func reopenAfterFullDisk() {
    gate.open(.diskFull)
    events(.diskHasRoom)
  }

  /// A file with nothing durable in it must not come back: it may hold frames that got 503.
  private func removeUnborn(_ segment: UInt64) -> Bool {
    let name = FileName.log(segment).text
    do {
      try disk.remove(name)
      try disk.syncDirectory()
    } catch {
      return false
    }
    spool.remove(name)
    return true
  }

  private func die(_ message: String) {
    guard !isDead else { return }
    isDead = true
    gate.close(.failed)
    events(.fatal(message))
  }
}
