import Glibc

/// The general path: a segment encoded from its log, with a batch of its own, in slices between
/// live work. The log is read ahead by a thread of its own.
struct Replay {
  enum Phase {
    /// Reports are decoded into the batch.
    case reading
    /// The batch is full, or the log is at its end: pods are looked up.
    case resolving
    /// The encoder has the batch.
    case encoding
    /// All rows are with the encoder: retry ids are copied.
    case closing
    /// The encoder commits.
    case committing
  }

  var segment: BacklogSegment
  var encoding: EncodingID
  var phase = Phase.reading
  var resolver = BatchResolver()
  var snapshot = RetrySnapshotBuilder()
  /// What is being gone through, from item `next` on.
  var page: ReplayPage?
  var next = 0
  var isAtEnd = false
  /// What cannot be read of the log is left out.
  var isSalvaging = false
  /// Something was left out.
  var isIncomplete = false
}

extension Writer {
  func enqueueBacklog(_ segment: LiveSegment, limit: Int?, retryAt: Duration) {
    let entry = BacklogSegment(
      number: segment.number, limit: limit, startSeconds: segment.startSeconds,
      oldestByDay: segment.oldestByDay, reportCount: segment.reportCount, retryAt: retryAt)
    let position = backlog.firstIndex { $0.number > entry.number } ?? backlog.endIndex
    backlog.insert(entry, at: position)
    publish()
  }

  /// At most a millisecond of backlog; false when nothing can be done now.
  func backlogSlice(now: Duration) -> Bool {
    guard isIndexReady else { return false }
    guard var replay = self.replay else { return beginReplay(now: now) }
    // Taken out, so that its arrays have one owner and no slice copies what is there.
    self.replay = nil
    var isBusy = true
    var failure: DiskError?
    switch replay.phase {
    case .reading:
      do {
        isBusy = try read(&replay)
      } catch {
        failure = error
      }
    case .resolving: resolve(&replay)
    case .encoding: isBusy = awaitBatch(&replay)
    case .closing: close(&replay)
    case .committing: isBusy = false
    }
    self.replay = replay
    if let failure {
      events(.segmentAbandoned(segment: replay.segment.number, error: failure.description))
      if failure.isUnreadable, let position = position(of: replay.segment.number) {
        backlog[position].readFailures += 1
      }
      abandon(retryAt: now + IngestLimits.encodeRetryDelay)
    }
    return isBusy
  }

  private func beginReplay(now: Duration) -> Bool {
    guard let segment = backlog.first(where: { $0.limit != nil && $0.retryAt <= now }),
      let limit = segment.limit
    else {
      if backlog.isEmpty, backlogBatch != nil {
        backlogBatch = nil
        replayQueue.releaseMemory()
        isMemoryReleased = false
      }
      return false
    }
    let isSalvaging = segment.readFailures >= IngestLimits.replayReadAttempts
    replay = Replay(segment: segment, encoding: nextEncoding, isSalvaging: isSalvaging)
    replayQueue.begin(
      ReplayQueue.Order(
        encoding: nextEncoding, segment: segment.number, limit: limit, holes: segment.holes,
        isSalvaging: isSalvaging))
    nextEncoding += 1
    if backlogBatch == nil {
      backlogBatch = OwnedBatch(rowCapacity: settings.batchRowCapacity, isForBacklog: true)
    }
    return true
  }

  /// False when the next page is not there yet.
  private func read(_ replay: inout Replay) throws(DiskError) -> Bool {
    guard let batch = backlogBatch else { return false }
    let start = time.monotonic()
    repeat {
      if batch.batch.isFull {
        replay.phase = .resolving
        return true
      }
      guard let page = replay.page ?? replayQueue.take() else { return false }
      replay.page = page
      guard replay.next < page.items.count else {
        let isAtEnd = try endsLog(page)
        replay.page = nil
        replay.next = 0
        replayQueue.recycle(page)
        guard isAtEnd else { continue }
        replayQueue.end()
        replay.isAtEnd = true
        replay.phase = batch.rowCount > 0 ? .resolving : .closing
        return true
      }
      switch page.items[replay.next] {
      case .report(let frame, let bytes):
        guard try decode(page.bytes(bytes), frame, &replay, batch) else { return true }
      case .damaged(let range):
        if replay.isSalvaging { replay.isIncomplete = true }
        tell(damage: range, of: replay.segment.number)
      }
      replay.next += 1
    } while time.monotonic() - start < IngestLimits.sliceDuration
    return true
  }

  private func endsLog(_ page: ReplayPage) throws(DiskError) -> Bool {
    switch page.ending {
    case .more: return false
    case .end: return true
    case .failed(let error): throw error
    }
  }

  /// False when the batch has to be sealed first.
  private func decode(
    _ bytes: UnsafeRawBufferPointer, _ frame: Range<Int>, _ replay: inout Replay,
    _ batch: OwnedBatch
  ) throws(DiskError) -> Bool {
    do {
      _ = try decoder.decode(bytes, into: batch.batch)
      return true
    } catch {
      if error.reason == .batchFull, batch.rowCount > 0 {
        replay.phase = .resolving
        return false
      }
      // Nothing is wrong with the report: it comes again when the segment does.
      if error.reason == .outOfMemory {
        throw DiskError(
          call: .read, name: FileName.log(replay.segment.number).text, errno: ENOMEM)
      }
      keep(frame, of: replay.segment.number)
      counters.replayRefused.add(1)
      events(.replayRefused(segment: replay.segment.number, reason: error.message))
      return true
    }
  }

  private func position(of segment: UInt64) -> Int? {
    backlog.firstIndex { $0.number == segment }
  }

  /// Counts a damaged stretch and keeps its bytes, once: a replay may come by again.
  private func tell(damage range: Range<Int>, of segment: UInt64) {
    guard let position = backlog.firstIndex(where: { $0.number == segment }),
      backlog[position].toldDamage.insert(range.lowerBound).inserted
    else { return }
    counters.damagedFrames.add(1)
    events(.logDamaged(segment: segment, offset: range.lowerBound, byteCount: range.count))
    keep(range, of: segment)
  }

  /// Has a stretch of a log set aside that gives no rows. The encoder does it, ahead of the commit
  /// after which the log goes: reports that come now do not wait for the disk.
  private func keep(_ range: Range<Int>, of segment: UInt64) {
    guard let position = position(of: segment),
      backlog[position].keptStretches < IngestLimits.maximumQuarantineFiles
    else { return }
    backlog[position].keptStretches += 1
    encoder.add(.keep(range, segment: segment))
  }

  private func resolve(_ replay: inout Replay) {
    guard let batch = backlogBatch, resolve(batch, &replay.resolver) else { return }
    let resolved = replay.resolver.resolved(batch.batch, clusterName: settings.clusterName)
    replay.resolver = BatchResolver()
    replay.phase = .encoding
    backlogBatch = nil
    encodings[replay.segment.number] = replay.encoding
    encoder.add(
      .rowGroup(replay.encoding, segment: replay.segment.number, resolved, batch))
  }

  private func awaitBatch(_ replay: inout Replay) -> Bool {
    guard backlogBatch != nil else { return false }
    replay.phase = replay.isAtEnd ? .closing : .reading
    return true
  }

  private func close(_ replay: inout Replay) {
    guard replay.snapshot.step(retryIDs) else { return }
    let segment = replay.segment
    replay.phase = .committing
    encodings[segment.number] = replay.encoding
    encoder.add(
      .finish(
        replay.encoding,
        FinishOrder(
          segment: segment.number, retryIDs: replay.snapshot.snapshot,
          cuts: currentCuts(but: segment.number), oldestRowSeconds: segment.startSeconds,
          oldestRowSecondsByDay: segment.oldestByDay, fromBacklog: true,
          keepsLog: replay.isIncomplete || !segment.holes.isEmpty)))
  }

  // MARK: Failures

  /// Gives up the replay at hand.
  private func abandon(retryAt: Duration) {
    guard let replay else { return }
    if encodings.removeValue(forKey: replay.segment.number) != nil {
      encoder.add(.abandon(replay.encoding, segment: replay.segment.number))
    }
    endReplay(retryAt: retryAt)
  }

  /// The segment is replayed again, from the start.
  func endReplay(retryAt: Duration) {
    guard let replay else { return }
    self.replay = nil
    replayQueue.end()
    backlogBatch?.reset()
    postpone(replay.segment.number, until: retryAt)
  }

  private func postpone(_ segment: UInt64, until time: Duration) {
    guard let position = backlog.firstIndex(where: { $0.number == segment }) else { return }
    backlog[position].retryAt = time
  }
}
