import CShims
import Columnar
import Glibc

/// The work of the encoder thread as steps: row groups into object files, commits, removals.
/// One thread at a time.
package final class Encoder {
  private let disk: any Disk
  private let writer: WriterID
  private let keys: ObjectKey
  private let parquetEncodings: NumberEncodings
  private let queue: EncoderQueue
  private let delivery: any ObjectDelivery
  private let spool: Spool
  private let time: any TimeSource
  private let random: @Sendable () -> UInt64
  private let counters: IngestCounters
  private let events: @Sendable (IngestEvent) -> Void
  private let notify: (EncoderNotice) -> Void
  private let joiner = RowGroupJoiner()

  private var encodings: [EncodingID: SegmentEncoder] = [:]
  /// Encodings that failed: what is still queued for them is dropped, up to the writer's `abandon`.
  private var ended: Set<EncodingID> = []
  /// Segments whose remains could not be removed; they are before they are encoded again.
  private var dirty: Set<UInt64> = []

  init(
    disk: any Disk, writer: WriterID, keys: ObjectKey, parquetEncodings: NumberEncodings,
    queue: EncoderQueue, delivery: any ObjectDelivery, spool: Spool, time: any TimeSource,
    random: @escaping @Sendable () -> UInt64, counters: IngestCounters,
    events: @escaping @Sendable (IngestEvent) -> Void, notify: @escaping (EncoderNotice) -> Void
  ) {
    self.disk = disk
    self.writer = writer
    self.keys = keys
    self.parquetEncodings = parquetEncodings
    self.queue = queue
    self.delivery = delivery
    self.spool = spool
    self.time = time
    self.random = random
    self.counters = counters
    self.events = events
    self.notify = notify
  }

  /// Does one job; false when there was none.
  package func step() -> Bool {
    guard let job = queue.take() else { return false }
    let start = time.monotonic()
    switch job {
    case .rowGroup(let encoding, let segment, let batch, let owned):
      append(batch, encoding: encoding, segment: segment)
      notify(.batchReturned(owned))
    case .finish(let encoding, let order):
      finish(order, encoding: encoding)
    case .abandon(let encoding, let segment):
      if ended.remove(encoding) == nil { drop(encoding, segment: segment) }
    case .keep(let range, let segment):
      keep(range, of: segment)
    case .removeSeal(let segment):
      removeSeal(segment)
    case .releaseMemory:
      joiner.releaseMemory()
      // What others freed lies in malloc's arenas, of which each thread has its own.
      cshims_heap_trim()
      counters.memoryReleases.add(1)
    }
    counters.encodeMicroseconds.add(Int((time.monotonic() - start).nanoseconds / 1_000))
    return true
  }

  // MARK: Jobs

  private func append(_ batch: ResolvedBatch, encoding: EncodingID, segment: UInt64) {
    guard !ended.contains(encoding) else { return }
    do {
      let encoder = try encoder(encoding, segment: segment)
      try encoder.append(batch)
      counters.rowGroups.add(1)
      notify(
        .rowGroupDone(encoding, segment: segment, largestByteCount: encoder.largestByteCount))
    } catch {
      fail(encoding, segment: segment, error)
    }
  }

  private func finish(_ order: FinishOrder, encoding: EncodingID) {
    guard !ended.contains(encoding) else { return }
    let segment = order.segment
    let objects: [SealedObject]
    let rowCount: Int
    do {
      let encoder = try encoder(encoding, segment: segment)
      objects = try encoder.finish(order)
      rowCount = encoder.rowCount
    } catch {
      fail(encoding, segment: segment, error)
      return
    }
    encodings[encoding] = nil
    spool.measure(FileName.seal(segment).text, on: disk)
    for object in objects { spool.measure(object.fileName, on: disk) }
    let isLogGone = removeLog(segment, keepsLog: order.keepsLog)
    if isLogGone, order.keepsLog { _ = removeDurably(FileName.holes(segment)) }
    count(objects, rowCount: rowCount)
    events(
      .segmentSealed(
        segment: segment, objects: objects.count, rows: rowCount,
        byteCount: objects.reduce(0) { $0 + $1.byteCount }, fromBacklog: order.fromBacklog))
    // The writer first, so that it knows the segment when its delivery is told.
    notify(.sealed(encoding, segment: segment, objects: objects, rowCount: rowCount))
    if !objects.isEmpty {
      delivery.segmentSealed(segment, objects: objects, recovered: false)
    }
  }

  private func count(_ objects: [SealedObject], rowCount: Int) {
    counters.segmentsSealed.add(1)
    counters.objectsSealed.add(objects.count)
    counters.rowsSealed.add(rowCount)
    counters.objectBytesSealed.add(objects.reduce(0) { $0 + $1.byteCount })
  }

  private func encoder(_ encoding: EncodingID, segment: UInt64) throws -> SegmentEncoder {
    if let encoder = encodings[encoding] { return encoder }
    if dirty.contains(segment) {
      try EncodingRemains(disk: disk, spool: spool).remove(of: segment)
      dirty.remove(segment)
    }
    let encoder = SegmentEncoder(
      segment: segment, disk: disk, writer: writer, keys: keys, joiner: joiner,
      parquetEncodings: parquetEncodings, delivery: delivery, spool: spool,
      attempt: Hex.text(random()) + Hex.text(random()))
    encodings[encoding] = encoder
    return encoder
  }

  // MARK: Failures and removals

  private func fail(_ encoding: EncodingID, segment: UInt64, _ error: any Error) {
    ended.insert(encoding)
    drop(encoding, segment: segment)
    counters.segmentsAbandoned.add(1)
    events(.segmentAbandoned(segment: segment, error: "\(error)"))
    notify(.failed(encoding, segment: segment))
  }

  private func drop(_ encoding: EncodingID, segment: UInt64) {
    encodings[encoding] = nil
    // Before its files go: the uploader may be reading them.
    delivery.segmentAbandoned(segment)
    do {
      try EncodingRemains(disk: disk, spool: spool).remove(of: segment)
    } catch {
      dirty.insert(segment)
      events(.removalFailed(name: error.name, error: error.description))
    }
  }

  private func keep(_ range: Range<Int>, of segment: UInt64) {
    guard let file = try? disk.open(FileName.log(segment).text) else { return }
    Quarantine(disk: disk).keep(range, of: file, segment: segment)
  }

  /// Removes the log of a sealed segment, durably: without its seal it would be stored again. Its
  /// name goes before its bytes, so that what is left of it is never taken for the whole. False: it
  /// goes with the seal, or at the next start.
  private func removeLog(_ segment: UInt64, keepsLog: Bool) -> Bool {
    let name = FileName.log(segment).text
    let isKept = keepsLog && Quarantine(disk: disk).hasRoom
    let doomed = FileName.temporary("\(name).\(isKept ? "quarantine" : "tmp")")
    do {
      try disk.rename(name, to: doomed.text)
      spool.rename(name, to: doomed.text)
      try disk.syncDirectory()
    } catch {
      if error.isAbsent { return true }
      events(.removalFailed(name: name, error: error.description))
      return false
    }
    if isKept {
      counters.quarantinedFiles.add(1)
      events(.fileQuarantined(name: name, reason: Quarantine.unreadableReason))
      return true
    }
    shrink(doomed.text)
    _ = removeDurably(doomed)
    return true
  }

  /// Cuts a file that is to be removed off in steps: a file system frees a gigabyte in one
  /// transaction, and syncs of the live log wait for it; with `discard` the disk is told of each
  /// block, and nobody else is served meanwhile. So it has the disk for a quarter of the time. What
  /// fails here is left to the removal.
  private func shrink(_ name: String) {
    guard let file = try? disk.openForUpdate(name), var end = try? file.byteCount() else { return }
    while end > IngestLimits.removalStep {
      end -= IngestLimits.removalStep
      let start = time.monotonic()
      guard (try? file.truncate(to: end)) != nil else { return }
      let pause = min((time.monotonic() - start) * 3, IngestLimits.maximumRemovalPause)
      usleep(UInt32(clamping: pause.nanoseconds / 1_000))
    }
  }

  private func removeSeal(_ segment: UInt64) {
    // Should the log have outlived the seal's making, it goes first.
    guard removeDurably(FileName.log(segment)) else { return }
    _ = removeDurably(FileName.seal(segment))
  }

  private func removeDurably(_ file: FileName) -> Bool {
    do {
      try disk.remove(file.text)
      spool.remove(file.text)
      try disk.syncDirectory()
      return true
    } catch {
      events(.removalFailed(name: file.text, error: error.description))
      return false
    }
  }
}
