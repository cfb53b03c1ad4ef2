/// The end of live segments: when, and how they get to the encoder.
extension Writer {
  // MARK: When

  func segmentDue(now: Duration) -> Duration? {
    guard let live, live.isJoined else { return nil }
    return live.start + settings.flushInterval
  }

  func endSegmentIfDue(now: Duration) {
    guard let live else { return }
    if status.isFlushing, nextArrival == arrivals.count, !inbox.hasReports {
      endSegment()
    } else if isSegmentLarge(now: now) {
      endSegment()
    } else if live.isJoined, now >= live.start + settings.flushInterval {
      // A little later when there is no batch to go on with, so that reports need not wait.
      if current == nil || !freeBatches.isEmpty || madeBatches < IngestLimits.liveBatchCount {
        endSegment()
      }
    }
  }

  /// It has reached one of its sizes.
  func isSegmentLarge(now: Duration) -> Bool {
    guard let live else { return false }
    let dates = live.oldestByDay.count
    if dates >= settings.maximumOpenObjects { return true }
    if dates >= IngestLimits.maximumSegmentDates,
      now >= live.start + IngestLimits.minimumSegmentAge
    {
      return true
    }
    // A spool of one huge log could not be emptied before it is full.
    let share = max(spool.limit / 4, IngestLimits.preallocationStep)
    guard live.isJoined else {
      return live.logByteCount >= min(IngestLimits.unindexedSegmentByteCount, share)
    }
    return live.largestObjectByteCount >= settings.flushMaximumByteCount
      || live.logByteCount >= share
  }

  /// The live segment takes no more reports; the next one begins a new one.
  func endSegment() {
    guard let segment = live else { return }
    live = nil
    log.add(.end(segment.number))
    guard segment.isJoined else {
      enqueueBacklog(segment, limit: nil, retryAt: .zero)
      return
    }
    if let batch = current {
      current = nil
      tasks.append(.rowGroup(batch, segment))
    }
    tasks.append(.finish(segment))
  }

  // MARK: How

  /// At most a millisecond of sealing; false when nothing can be done now.
  func sealSlice() -> Bool {
    switch tasks.first {
    case nil: false
    case .rowGroup(let batch, let segment): sealRowGroup(batch, segment)
    case .finish(let segment): sealSegment(segment)
    }
  }

  private func sealRowGroup(_ batch: OwnedBatch, _ segment: LiveSegment) -> Bool {
    // Only durable rows are sealed.
    guard batch.undurableFrames == 0 else { return false }
    if batch.rowCount == 0 {
      tasks.removeFirst()
      free(batch)
      return true
    }
    var state = resolver ?? BatchResolver()
    resolver = nil
    guard resolve(batch, &state) else {
      resolver = state
      return true
    }
    tasks.removeFirst()
    encodings[segment.number] = segment.encoding
    encoder.add(
      .rowGroup(
        segment.encoding, segment: segment.number,
        state.resolved(batch.batch, clusterName: settings.clusterName), batch))
    return true
  }

  /// One slice; true when all is resolved.
  func resolve(_ batch: OwnedBatch, _ state: inout BatchResolver) -> Bool {
    let start = time.monotonic()
    let isDone = state.step(batch.batch, index: index) {
      time.monotonic() - start >= IngestLimits.sliceDuration
    }
    counters.resolveMicroseconds.add(Int((time.monotonic() - start).nanoseconds / 1_000))
    return isDone
  }

  private func sealSegment(_ segment: LiveSegment) -> Bool {
    if let frame = pending.first, frame.segment <= segment.number { return false }
    guard let ids = snapshotSlice() else { return true }
    tasks.removeFirst()
    encodings[segment.number] = segment.encoding
    committing[segment.number] = segment
    encoder.add(
      .finish(
        segment.encoding,
        FinishOrder(
          segment: segment.number, retryIDs: ids, cuts: currentCuts(but: segment.number),
          oldestRowSeconds: segment.startSeconds,
          oldestRowSecondsByDay: segment.oldestByDay, fromBacklog: false)))
    return true
  }

  /// Copies some retry ids; the snapshot once all are copied.
  func snapshotSlice() -> RetrySnapshot? {
    var builder = snapshot ?? RetrySnapshotBuilder()
    snapshot = nil
    guard builder.step(retryIDs) else {
      snapshot = builder
      return nil
    }
    return builder.snapshot
  }

  /// The cuts of logs that will still be there when `sealed` is not.
  func currentCuts(but sealed: UInt64) -> [LogHeader.Cut] {
    cuts.filter { $0.key != sealed }.sorted { $0.key < $1.key }
      .map { LogHeader.Cut(segment: $0.key, goodUpTo: $0.value) }
  }

  // MARK: What the encoder says

  func take(_ notice: EncoderNotice, now: Duration) {
    switch notice {
    case .batchReturned(let batch): free(batch)
    case .rowGroupDone(let encoding, _, let byteCount):
      if live?.encoding == encoding { live?.largestObjectByteCount = byteCount }
    case .sealed(let encoding, let segment, let objects, _):
      guard encodings[segment] == encoding else { return }
      takeSealed(segment, objects)
    case .failed(let encoding, let segment):
      encoder.add(.abandon(encoding, segment: segment))
      guard encodings[segment] == encoding else { return }
      encodings[segment] = nil
      takeFailed(segment, retryAt: now + IngestLimits.encodeRetryDelay)
    }
    publish()
  }

  private func takeSealed(_ segment: UInt64, _ objects: [SealedObject]) {
    encodings[segment] = nil
    committing[segment] = nil
    cuts[segment] = nil
    endedLogs[segment] = nil
    if replay?.segment.number == segment {
      replay = nil
      backlog.removeAll { $0.number == segment }
    }
    if let oldest = objects.map(\.oldestRowSeconds).min() {
      undelivered[segment] = oldest
      objectFiles[segment] = objects.map(\.fileName)
    }
    if let newest = newestSeal, newest > segment {
      if objects.isEmpty { encoder.add(.removeSeal(segment: segment)) }
      return
    }
    if let old = newestSeal, isNewestDelivered { encoder.add(.removeSeal(segment: old)) }
    newestSeal = segment
    isNewestDelivered = objects.isEmpty
  }

  func takeDelivered(_ segment: UInt64) {
    guard undelivered.removeValue(forKey: segment) != nil else { return }
    for name in objectFiles.removeValue(forKey: segment) ?? [] { spool.remove(name) }
    if segment == newestSeal {
      isNewestDelivered = true
    } else {
      encoder.add(.removeSeal(segment: segment))
    }
    publish()
  }

  /// Its encoding failed: it is encoded again, from its log.
  private func takeFailed(_ segment: UInt64, retryAt: Duration) {
    var info = committing.removeValue(forKey: segment)
    if replay?.segment.number == segment {
      endReplay(retryAt: retryAt)
      return
    }
    if let task = tasks.last(where: { $0.segment.number == segment }) { info = task.segment }
    dropTasks(of: segment)
    if let live, live.number == segment {
      info = live
      self.live = nil
      log.add(.end(segment))
      if let batch = current {
        current = nil
        free(batch)
      }
    }
    guard let info else { return }
    enqueueBacklog(info, limit: endedLogs.removeValue(forKey: segment), retryAt: retryAt)
  }

  func dropTasks(of segment: UInt64) {
    if tasks.first?.segment.number == segment {
      resolver = nil
      snapshot = nil
    }
    for task in tasks where task.segment.number == segment {
      if case .rowGroup(let batch, _) = task { free(batch) }
    }
    tasks.removeAll { $0.segment.number == segment }
  }
}
