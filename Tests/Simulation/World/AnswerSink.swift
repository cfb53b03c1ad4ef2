import Ingest
import Synchronization

/// Gathers answers until the collectors look.
final class AnswerSink: ReportReplySink {
  private let replies = Mutex<[ReportReply]>([])
  private let isDown: @Sendable () -> Bool

  init(isDown: @escaping @Sendable () -> Bool) { self.isDown = isDown }

  /// Without power no answer leaves the machine.
  func deliver(_ replies: [ReportReply]) {
    guard !isDown() else { return }
    self.replies.withLock { $0 += replies }
  }

  func take() -> [ReportReply] {
    replies.withLock { replies in
      defer { replies = [] }
      return replies
    }
  }
}
