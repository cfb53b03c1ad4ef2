import Synchronization

/// A stretch of a log, read ahead: reports whose hashes are good and the damage between them, in
/// the file's order.
///
/// `@unchecked Sendable`: owned by one side at a time. The reader fills it, the writer goes through
/// it and gives it back.
package final class ReplayPage: @unchecked Sendable {
  package enum Item {
    /// `frame`: where it is in the file; `bytes`: where its report is in the page.
    case report(frame: Range<Int>, bytes: Range<Int>)
    /// A stretch of the file without a good frame.
    case damaged(Range<Int>)
  }

  /// What comes after the items.
  package enum Ending {
    case more, end
    case failed(DiskError)
  }

  package private(set) var items: [Item] = []
  package fileprivate(set) var ending = Ending.more
  private var buffer: UnsafeMutableRawBufferPointer
  private var filled = 0

  init() {
    buffer = .allocate(byteCount: IngestLimits.replayPageByteCount, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The bytes of a report, with `ReportBody.paddingByteCount` readable bytes behind them.
  package func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer[range])
  }

  /// Whether a report of this size fits; the first one always does.
  func hasRoom(for count: Int) -> Bool {
    filled == 0 || count + ReportBody.paddingByteCount <= buffer.count - filled
  }

  /// Needs room.
  func append(_ report: UnsafeRawBufferPointer, frame: Range<Int>) {
    let needed = report.count + ReportBody.paddingByteCount
    if needed > buffer.count - filled {
      precondition(filled == 0)
      buffer.deallocate()
      buffer = .allocate(byteCount: needed, alignment: 64)
    }
    let start = filled
    let end = start + report.count
    UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]).copyMemory(from: report)
    filled = min(buffer.count, (end + ReportBody.paddingByteCount + 63) / 64 * 64)
    UnsafeMutableRawBufferPointer(rebasing: buffer[end..<filled])
      .initializeMemory(as: UInt8.self, repeating: 0)
    items.append(.report(frame: frame, bytes: start..<end))
  }

  func append(damaged range: Range<Int>) { items.append(.damaged(range)) }

  func finish(_ ending: Ending) { self.ending = ending }

  /// Takes everything out; false when the page has grown too large to be kept.
  func clear() -> Bool {
    items.removeAll(keepingCapacity: true)
    ending = .more
    filled = 0
    return buffer.count == IngestLimits.replayPageByteCount
  }
}

/// Between the writer, which says what is to be replayed, and the reader, which keeps some pages
/// ahead of it: a cold disk holds up the backlog only.
package final class ReplayQueue: Sendable {
  struct Order: Sendable, Equatable {
    var encoding: EncodingID
    var segment: UInt64
    /// Offset behind the last frame that counts.
    var limit: Int
    /// What a start has given up.
    var holes: PieceNumbers = []
    /// What cannot be read is damage.
    var isSalvaging = false
  }

  private struct State {
    var order: Order?
    var ready: [ReplayPage] = []
    var blank: [ReplayPage] = []

    mutating func recycle(_ page: ReplayPage) {
      if page.clear(), blank.count < IngestLimits.replayPagesAhead { blank.append(page) }
    }
  }

  private let state = Mutex(State())
  package let wakeup = Wakeup()

  package init() {}

  // MARK: The writer's side

  /// From here on pages of this log come, until `end`.
  func begin(_ order: Order) {
    state.withLock { $0.order = order }
    wakeup.set()
  }

  /// The next page; nil: it is not read yet.
  func take() -> ReplayPage? {
    let page = state.withLock { state in
      state.ready.isEmpty ? nil : state.ready.removeFirst()
    }
    if page != nil { wakeup.set() }
    return page
  }

  func recycle(_ page: ReplayPage) { state.withLock { $0.recycle(page) } }

  /// No more of this log is wanted; the reader closes it.
  func end() {
    state.withLock { state in
      state.order = nil
      for page in state.ready { state.recycle(page) }
      state.ready = []
    }
    wakeup.set()
  }

  /// Gives the memory of unused pages back.
  func releaseMemory() { state.withLock { $0.blank = [] } }

  // MARK: The reader's side

  var order: Order? { state.withLock { $0.order } }

  /// A page to fill; nil: there are enough, or this log is not wanted any more.
  func takeBlank(for order: Order) -> ReplayPage? {
    state.withLock { state in
      guard state.order == order, state.ready.count < IngestLimits.replayPagesAhead
      else { return nil }
      return state.blank.popLast() ?? ReplayPage()
    }
  }

  /// False when this log is not wanted any more.
  func add(_ page: ReplayPage, for order: Order) -> Bool {
    state.withLock { state in
      guard state.order == order else {
        state.recycle(page)
        return false
      }
      state.ready.append(page)
      return true
    }
  }
}
