import Synchronization

/// Answers that wait for their frame to become durable, in the order of the frames' tickets.
///
/// The writer adds and expires, the log thread completes and fails. A report is answered once,
/// whoever comes first.
package final class ReplyLedger: Sendable {
  package struct Entry: Sendable {
    /// Number of the frame, rising over all segments.
    package var ticket: UInt64
    package var token: UInt64
    package var sink: any ReportReplySink
    /// When it is given up.
    package var deadline: Duration
    package var rowCount: Int
    package var byteCount: Int
  }

  private struct State {
    var entries: [Entry] = []
    var first = 0

    /// Hands on the entries up to the first that does not match.
    mutating func take(while matches: (Entry) -> Bool, _ action: (Entry) -> Void) {
      while first < entries.count, matches(entries[first]) {
        action(entries[first])
        first += 1
      }
      // Amortised: what is moved was answered at least as often.
      if first > 1_024, 2 * first > entries.count {
        entries.removeFirst(first)
        first = 0
      }
    }
  }

  private let state = Mutex(State())
  private let counters: IngestCounters

  package init(counters: IngestCounters) { self.counters = counters }

  package func add(_ entry: Entry) {
    state.withLock { $0.entries.append(entry) }
  }

  /// Frames up to `ticket` are durable.
  package func complete(through ticket: UInt64) {
    var replies = ReplyBatch()
    state.withLock { state in
      state.take(while: { $0.ticket <= ticket }) { entry in
        counters.reportsAccepted.add(1)
        counters.rowsAccepted.add(entry.rowCount)
        counters.bytesAccepted.add(entry.byteCount)
        replies.add(
          .accepted(rows: entry.rowCount, duplicate: false), token: entry.token, sink: entry.sink)
      }
    }
    replies.deliver()
  }

  /// Frames up to `ticket` will never be durable.
  package func fail(through ticket: UInt64, message: String) {
    answerUnavailable(message: message) { $0.ticket <= ticket }
  }

  /// Gives up what is not durable at `now`.
  package func expire(now: Duration) {
    answerUnavailable(
      message: "the log was not written in time; the report may still be stored"
    ) { $0.deadline <= now }
  }

  /// When the next answer is given up.
  package var nextDeadline: Duration? {
    state.withLock { $0.first < $0.entries.count ? $0.entries[$0.first].deadline : nil }
  }

  private func answerUnavailable(message: String, while matches: (Entry) -> Bool) {
    var replies = ReplyBatch()
    state.withLock { state in
      state.take(while: matches) { entry in
        counters.reportsUnavailable.add(1)
        counters.rowsUnavailable.add(entry.rowCount)
        replies.add(.unavailable(message: message), token: entry.token, sink: entry.sink)
      }
    }
    replies.deliver()
  }
}

/// Answers gathered so that each sink is called once. Sinks are few, one an event loop: they are
/// looked for one by one, and the first needs no list.
struct ReplyBatch {
  private var first: (sink: any ReportReplySink, replies: [ReportReply])?
  private var others: [(sink: any ReportReplySink, replies: [ReportReply])] = []

  mutating func add(_ outcome: ReportOutcome, token: UInt64, sink: any ReportReplySink) {
    let reply = ReportReply(token: token, outcome: outcome)
    if first == nil {
      first = (sink, [reply])
    } else if first?.sink === sink {
      first?.replies.append(reply)
    } else if let index = others.firstIndex(where: { $0.sink === sink }) {
      others[index].replies.append(reply)
    } else {
      others.append((sink, [reply]))
    }
  }

  mutating func deliver() {
    guard let first else { return }
    first.sink.deliver(first.replies)
    for (sink, replies) in others { sink.deliver(replies) }
    self.first = nil
    others.removeAll(keepingCapacity: true)
  }
}
