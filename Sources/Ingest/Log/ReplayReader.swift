/// The work of the replay thread as steps: reads the log that is being replayed, checks it and
/// keeps a few pages of it ready. One thread at a time.
package final class ReplayReader {
  private let disk: any Disk
  private let writer: WriterID
  private let queue: ReplayQueue
  /// Called when the writer has something to take.
  private let notify: () -> Void

  private var order: ReplayQueue.Order?
  /// nil: all of the order's log is read, or it failed.
  private var reader: LogReader?
  /// A report that found the page full; its bytes stay until the reader goes on.
  private var held: UnsafeRawBufferPointer?

  init(disk: any Disk, writer: WriterID, queue: ReplayQueue, notify: @escaping () -> Void) {
    self.disk = disk
    self.writer = writer
    self.queue = queue
    self.notify = notify
  }

  /// Reads one page; false when there is nothing to do.
  package func step() -> Bool {
    guard let wanted = queue.order else {
      order = nil
      reader = nil
      return false
    }
    let isNew = wanted != order
    guard isNew || reader != nil, let page = queue.takeBlank(for: wanted) else { return false }
    do {
      if isNew {
        order = wanted
        held = nil
        reader = nil
        reader = try LogReader(
          disk: disk, writer: writer, segment: wanted.segment, limit: wanted.limit,
          holes: wanted.holes, isSalvaging: wanted.isSalvaging)
      }
      try fill(page)
    } catch {
      reader = nil
      page.finish(.failed(error))
    }
    if queue.add(page, for: wanted) { notify() }
    return true
  }

  private func fill(_ page: ReplayPage) throws(DiskError) {
    guard let reader else { return }
    if let held { page.append(held, frame: reader.frame) }
    held = nil
    while true {
      switch try reader.next() {
      case .report(_, let bytes):
        guard page.hasRoom(for: bytes.count) else {
          held = bytes
          reader.forgetRead()
          return
        }
        page.append(bytes, frame: reader.frame)
      case .damaged(let range):
        page.append(damaged: range)
      case .end:
        reader.forgetRead()
        self.reader = nil
        page.finish(.end)
        return
      }
    }
  }
}
