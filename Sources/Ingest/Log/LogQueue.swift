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

  private struct State {
    var items: [Item] = []
    /// Added since the log thread was last woken.
    var untoldCount = 0
  }

  private let state = Mutex(State())
  private let outstanding = Atomic<Int>(0)
  package let wakeup = Wakeup()

  package init() {}

  /// Bytes of frames added and not yet settled.
  package var outstandingByteCount: Int { outstanding.load(ordering: .relaxed) }

  /// Adds an item, which the log thread may see at once; `tell` makes sure that it does. It is
  /// woken for a group of items, since a wake-up costs more than a frame.
  package func add(_ item: Item) {
    if case .frame(let frame) = item {
      outstanding.wrappingAdd(frame.byteCount, ordering: .relaxed)
    }
    let isGroup = state.withLock { state in
      state.items.append(item)
      state.untoldCount += 1
      return state.untoldCount >= IngestLimits.maximumUntoldFrames
    }
    if isGroup { tell() }
  }

  /// Wakes the log thread if there is something new for it.
  package func tell() {
    let isNews = state.withLock { state in
      defer { state.untoldCount = 0 }
      return state.untoldCount > 0
    }
    if isNews { wakeup.set() }
  }

  /// Swaps what waits for `taken`, which must be empty: its memory serves what comes next.
  func takeAll(into taken: inout [Item]) {
    precondition(taken.isEmpty)
    state.withLock { state in
      swap(&state.items, &taken)
      state.untoldCount = 0
    }
  }

  var isEmpty: Bool { state.withLock { $0.items.isEmpty } }

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
