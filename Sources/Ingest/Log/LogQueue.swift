import Synchronization

/// What the writer hands to the log thread, in order. Never blocks: the writer looks at
/// `outstandingByteCount` before it takes a report.
package final class LogQueue: Sendable {
  package struct Frame: Sendable {
    /// Number of the frame, rising over all segments, from 1.
    package var ticket: UInt64
    package var segment: UInt64
    package var body: ReportBody
    package var retryID: RetryID
    package var nodeID: UInt64

    package init(
      ticket: UInt64, segment: UInt64, body: ReportBody, retryID: RetryID, nodeID: UInt64
    ) {
      self.ticket = ticket
      self.segment = segment
      self.body = body
      self.retryID = retryID
      self.nodeID = nodeID
    }

    var byteCount: Int { FrameHeader.byteCount + body.count }
  }

  package enum Item: Sendable {
    case frame(Frame)
    /// No further frame of this segment comes: witness it and close its file.
    case end(UInt64)
  }

  private let items = Mutex<[Item]>([])
  private let outstanding = Atomic<Int>(0)
  package let wakeup = Wakeup()

  package init() {}

  /// Bytes of frames added and not yet settled.
  package var outstandingByteCount: Int { outstanding.load(ordering: .relaxed) }

  package func add(_ item: Item) {
    if case .frame(let frame) = item {
      outstanding.wrappingAdd(frame.byteCount, ordering: .relaxed)
    }
    items.withLock { $0.append(item) }
    wakeup.set()
  }

  /// Swaps what waits for `taken`, which must be empty: its memory serves what comes next.
  func takeAll(into taken: inout [Item]) {
    precondition(taken.isEmpty)
    items.withLock { swap(&$0, &taken) }
  }

  var isEmpty: Bool { items.withLock { $0.isEmpty } }

  func settle(_ byteCount: Int) {
    outstanding.wrappingSubtract(byteCount, ordering: .relaxed)
  }
}

/// What the log thread tells the writer, in order.
package enum LogNotice: Sendable {
  /// Frames up to this ticket are durable, but for those of failed segments.
  case durable(through: UInt64)
  /// Frames that will not be durable have left the queue: it has room.
  case settled
  /// The file of this segment was given up: of its frames only those already told durable are, up
  /// to `goodUpTo` in the file; no later frame of it will be taken.
  case failed(segment: UInt64, goodUpTo: Int)
  /// A segment's file is complete and closed, this many bytes long.
  case ended(segment: UInt64, byteCount: Int)
}
