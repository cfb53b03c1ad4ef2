/// What a start learns of the reports that were accepted: from the newest seal, then from the logs,
/// oldest first.
struct RecoveredIDs {
  private(set) var ids = RetryIDs()
  private(set) var retaken = RetakenReports()
  private(set) var isRetakenFull = false
  /// Some log gone through so far cannot be read in whole.
  var isBlind = false

  private var sealedUpTo: UInt64?
  /// What the process of the newest seal could not read, by log.
  private var unread: [UInt64: [Range<Int>]] = [:]

  /// False when the bytes end too early.
  mutating func take(_ snapshot: RetrySnapshot, of segment: UInt64) -> Bool {
    sealedUpTo = segment
    return snapshot.forEach({ ids.insert($1, node: $0) }, retaken: { note($0, segment: $1) }) {
      unread[$0, default: []].append($1)
    }
  }

  /// A report of a log.
  mutating func take(_ report: FrameHeader, at frame: Range<Int>, of segment: UInt64) {
    // A seal has the ids of all segments up to its own; but for what could not be read then.
    if let sealedUpTo, segment <= sealedUpTo {
      guard let unread = unread[segment], unread.contains(where: { $0.overlaps(frame) })
      else { return }
      ids.insert(report.retryID, node: report.nodeID)
      return
    }
    let isNew = ids.insert(report.retryID, node: report.nodeID)
    // An earlier log may hold it, too, which the process could not read that took it.
    if !isNew || isBlind { note(report.retryID, segment: segment) }
  }

  private mutating func note(_ id: RetryID, segment: UInt64) {
    if !retaken.insert(id, segment: segment) { isRetakenFull = true }
  }
}
