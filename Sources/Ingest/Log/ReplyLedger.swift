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

    mutating func take(while matches: (Entry) -> Bool) -> [Entry] {
      var end = first
      while end < entries.count, matches(entries[end]) { end += 1 }
      let taken = Array(entries[first..<end])
      first = end
      // Amortised: what is moved was answered at least as often.
      if first > 1_024, 2 * first > entries.count {
        entries.removeFirst(first)
        first = 0
      }
      return taken
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
    let taken = state.withLock { $0.take { $0.ticket <= ticket } }
    var replies = ReplyBatch()
    for entry in taken {
      counters.reportsAccepted.add(1)
      counters.rowsAccepted.add(entry.rowCount)
      counters.bytesAccepted.add(entry.byteCount)
      replies.add(
        .accepted(rows: entry.rowCount, duplicate: false), token: entry.token, sink: entry.sink)
    }
    replies.deliver()
  }

  /// Frames up to `ticket` will never be durable.
  package func fail(through ticket: UInt64, message: String) {
    answerUnavailable(state.withLock { $0.take { $0.ticket <= ticket } }, message: message)
  }

  /// Gives up what is not durable at `now`.
  package func expire(now: Duration) {
    answerUnavailable(
      state.withLock { $0.take { $0.deadline <= now } },
      message: "the log was not written in time; the report may still be stored")
  }

  /// When the next answer is given up.
  package var nextDeadline: Duration? {
    state.withLock { $0.first < $0.entries.count ? $0.entries[$0.first].deadline : nil }
  }

  private func answerUnavailable(_ entries: [Entry], message: String) {
    guard !entries.isEmpty else { return }
    var replies = ReplyBatch()
    for entry in entries {
      counters.reportsUnavailable.add(1)
      counters.rowsUnavailable.add(entry.rowCount)
      replies.add(.unavailable(message: message), token: entry.token, sink: entry.sink)
    }
    replies.deliver()
  }
}

/// Answers gathered so that each sink is called once.
struct ReplyBatch {
  private var bySink: [ObjectIdentifier: (sink: any ReportReplySink, replies: [ReportReply])] = [:]

  mutating func add(_ outcome: ReportOutcome, token: UInt64, sink: any ReportReplySink) {
    bySink[ObjectIdentifier(sink), default: (sink, [])].replies
      .append(ReportReply(token: token, outcome: outcome))
  }

  mutating func deliver() {
    guard !bySink.isEmpty else { return }
    for (sink, replies) in bySink.values { sink.deliver(replies) }
    bySink.removeAll(keepingCapacity: true)
  }
}
