/// What became of frames.
extension Writer {
  func take(_ notice: LogNotice) {
    switch notice {
    case .durable(let ticket): commit(through: ticket)
    case .settled: break
    case .failed(let segment, let goodUpTo): rollBack(segment, goodUpTo: goodUpTo)
    case .ended(let segment, let byteCount): setLimit(of: segment, to: byteCount)
    }
  }

  private func commit(through ticket: UInt64) {
    while let frame = pending.first, frame.ticket <= ticket {
      pending.removeFirst()
      retryIDs.commit(frame.retryID, node: frame.nodeID)
      if let rows = frame.rows, rows.filling == rows.batch.filling {
        rows.batch.undurableFrames -= 1
      }
    }
    counters.reportsDuplicate.add(waiters.count { $0.ticket <= ticket })
    answerWaiters(.accepted(rows: 0, duplicate: true)) { $0.ticket <= ticket }
  }

  /// The file of a segment was given up: what is not durable is taken back, from the batches and
  /// from the retry ids, and the segment ends with what is.
  private func rollBack(_ segment: UInt64, goodUpTo: Int) {
    var lost: Set<UInt64> = []
    var undone: Set<ObjectIdentifier> = []
    for frame in pending.rest where frame.segment == segment {
      lost.insert(frame.ticket)
      retryIDs.rollBack(frame.retryID)
      // The first lost frame of a batch: all behind it are lost too.
      if let rows = frame.rows, rows.filling == rows.batch.filling,
        undone.insert(ObjectIdentifier(rows.batch)).inserted
      {
        rows.batch.batch.rollback(to: rows.mark)
        rows.batch.undurableFrames = 0
      }
    }
    pending.removeAll { $0.segment == segment }
    answerWaiters(.unavailable(message: "the log could not be written")) {
      lost.contains($0.ticket)
    }
    if goodUpTo > 0 { cuts[segment] = goodUpTo }
    if live?.number == segment { endSegment() }
    if goodUpTo > 0 {
      setLimit(of: segment, to: goodUpTo)
    } else {
      forget(segment)
    }
  }

  /// How long the closed log of a segment is.
  private func setLimit(of segment: UInt64, to byteCount: Int) {
    if let position = backlog.firstIndex(where: { $0.number == segment }) {
      backlog[position].limit = byteCount
    } else if encodings[segment] != nil || tasks.contains(where: { $0.segment.number == segment }) {
      endedLogs[segment] = byteCount
    }
    publish()
  }

  /// Nothing of a segment is durable: there is nothing to seal.
  private func forget(_ segment: UInt64) {
    dropTasks(of: segment)
    backlog.removeAll { $0.number == segment }
    publish()
  }

  func answerWaiters(_ outcome: ReportOutcome, where matches: (Waiter) -> Bool) {
    guard waiters.contains(where: matches) else { return }
    for waiter in waiters where matches(waiter) {
      answer(outcome, token: waiter.token, sink: waiter.sink)
    }
    waiters.removeAll(where: matches)
  }
}
