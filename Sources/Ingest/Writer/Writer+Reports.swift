/// Reports: from the inbox to the log.
extension Writer {
  /// Goes through some reports; false when there was none or nothing can be taken now.
  func takeReports(now: Duration) -> Bool {
    if nextArrival == arrivals.count {
      arrivals.removeAll(keepingCapacity: true)
      inbox.takeReports(IngestLimits.maximumReportsPerStep, into: &arrivals)
      nextArrival = 0
    }
    // Before they leave the inbox: who waits for the flush looks at that first.
    if nextArrival < arrivals.count { status.set(isFlushed: false) }
    let first = nextArrival
    while nextArrival < arrivals.count {
      let report = arrivals[nextArrival]
      if report.arrival + IngestLimits.replyTimeout <= now, !canLog(report.body) {
        // Only a disk that hangs holds the log up this long.
        answer(
          .unavailable(message: "the log is not written"), token: report.token, sink: report.sink)
      } else if !canLog(report.body) || !process(report, now: now) {
        break
      }
      nextArrival += 1
    }
    let byteCount = arrivals[first..<nextArrival].reduce(0) { $0 + $1.body.count }
    let isDone = nextArrival > first
    inbox.settle(count: nextArrival - first, byteCount: byteCount)
    if nextArrival == arrivals.count {
      arrivals.removeAll(keepingCapacity: true)
      nextArrival = 0
    }
    return isDone
  }

  private func canLog(_ body: ReportBody) -> Bool {
    let outstanding = log.outstandingByteCount
    return outstanding == 0
      || body.count + FrameHeader.byteCount
        <= IngestLimits.maximumOutstandingByteCount - outstanding
  }

  /// False when there is no batch for it now.
  private func process(_ report: WriterInbox.Submission, now: Duration) -> Bool {
    guard report.body.count <= IngestLimits.maximumPayloadByteCount else {
      refuse(
        report, path: "",
        message: "the report has \(report.body.count) bytes, at most "
          + "\(IngestLimits.maximumPayloadByteCount) are accepted")
      return true
    }
    if !isIndexReady {
      do {
        accept(report, try decoder.check(report.body.bytes), rows: nil, now: now)
      } catch  where !error.isBodyAtFault {
        answer(.unavailable(message: error.message), token: report.token, sink: report.sink)
      } catch {
        refuse(report, path: error.path, message: error.message)
      }
      return true
    }
    while true {
      guard let batch = openBatch() else { return false }
      let mark = batch.batch.mark()
      do {
        let decoded = try decoder.decode(report.body.bytes, into: batch.batch)
        accept(report, decoded, rows: (batch, batch.filling, mark), now: now)
        return true
      } catch  where error.reason == .batchFull && batch.rowCount > 0 {
        cutRowGroup()
      } catch  where error.reason == .batchFull {
        refuse(report, path: "/pods", message: "the report has too many pods")
        return true
      } catch  where !error.isBodyAtFault {
        answer(.unavailable(message: error.message), token: report.token, sink: report.sink)
        return true
      } catch {
        refuse(report, path: error.path, message: error.message)
        return true
      }
    }
  }

  private func refuse(_ report: WriterInbox.Submission, path: String, message: String) {
    counters.reportsRefused.add(1)
    answer(.refused(path: path, message: message), token: report.token, sink: report.sink)
  }

  /// A valid report: a retry is only answered, a new one goes to the log.
  private func accept(
    _ report: WriterInbox.Submission, _ decoded: DecodedReport,
    rows: (batch: OwnedBatch, filling: Int, mark: ReportBatch.Mark)?, now: Duration
  ) {
    switch retryIDs.standing(of: decoded.retryID, node: decoded.nodeID) {
    case .new:
      append(report, decoded, rows: rows, now: now)
      return
    case .durable:
      counters.reportsDuplicate.add(1)
      answer(.accepted(rows: 0, duplicate: true), token: report.token, sink: report.sink)
    case .pending(let ticket):
      waiters.append(
        Waiter(
          ticket: ticket, token: report.token, sink: report.sink,
          deadline: report.arrival + IngestLimits.replyTimeout))
    }
    var node: String?
    if let rows {
      if decoded.rowCount > 0 {
        let batch = rows.batch.batch
        node = String(
          decoding: batch.nodeName(batch.reportNode(decoded.reportOrdinal)), as: UTF8.self)
      }
      rows.batch.batch.rollback(to: rows.mark)
    }
    events(.duplicateReport(node: node))
  }

  private func append(
    _ report: WriterInbox.Submission, _ decoded: DecodedReport,
    rows: (batch: OwnedBatch, filling: Int, mark: ReportBatch.Mark)?, now: Duration
  ) {
    if live == nil { live = makeSegment(now: now, isJoined: rows != nil) }
    guard var segment = live else { return }
    let ticket = nextTicket
    nextTicket += 1
    retryIDs.begin(decoded.retryID, ticket: ticket)
    if let rows, decoded.rowCount > 0 { rows.batch.undurableFrames += 1 }
    pending.append(
      PendingFrame(
        ticket: ticket, segment: segment.number, retryID: decoded.retryID,
        nodeID: decoded.nodeID, rows: decoded.rowCount > 0 ? rows : nil))
    // Before the frame: the log thread may be quicker than the next line.
    ledger.add(
      ReplyLedger.Entry(
        ticket: ticket, token: report.token, sink: report.sink,
        deadline: report.arrival + IngestLimits.replyTimeout, rowCount: decoded.rowCount,
        byteCount: report.body.count))
    log.add(
      .frame(
        LogQueue.Frame(
          ticket: ticket, segment: segment.number, body: report.body,
          retryID: decoded.retryID, nodeID: decoded.nodeID)))
    segment.reportCount += 1
    segment.rowCount += decoded.rowCount
    counters.rowsUnsealed.add(decoded.rowCount)
    segment.logByteCount += report.body.count + FrameHeader.byteCount
    if segment.oldestByDay[decoded.day] == nil {
      segment.oldestByDay[decoded.day] = time.epochSeconds()
    }
    live = segment
    lastRow = now
    isMemoryReleased = false
    if isSegmentLarge(now: now) { endSegment() }
  }

  private func makeSegment(now: Duration, isJoined: Bool) -> LiveSegment {
    let segment = LiveSegment(
      number: nextSegment, start: now, startSeconds: time.epochSeconds(), isJoined: isJoined,
      encoding: nextEncoding)
    nextSegment += 1
    nextEncoding += 1
    return segment
  }

  // MARK: Batches

  /// The batch that rows go to; nil while both are being sealed.
  private func openBatch() -> OwnedBatch? {
    if let batch = current {
      guard batch.batch.isFull else { return batch }
      cutRowGroup()
    }
    if freeBatches.isEmpty, madeBatches < IngestLimits.liveBatchCount {
      madeBatches += 1
      freeBatches.append(
        OwnedBatch(rowCapacity: settings.batchRowCapacity, isForBacklog: false))
    }
    current = freeBatches.popLast()
    return current
  }

  /// The current batch goes to the encoder; its segment goes on with the other one.
  func cutRowGroup() {
    guard let batch = current, let segment = live else { return }
    current = nil
    tasks.append(.rowGroup(batch, segment))
  }

  func free(_ batch: OwnedBatch) {
    batch.reset()
    if batch.isForBacklog {
      // One is enough, should an abandoned replay's come back late.
      backlogBatch = backlogBatch ?? batch
    } else {
      freeBatches.append(batch)
      isMemoryReleased = false
    }
  }
}
