/// Reports that were taken again while a log that may hold them could not be read, by id, with the
/// segment that holds them now: in any other log they give no rows.
///
/// Seals carry them on, for a log that this process cannot read the next one may.
struct RetakenReports: Sendable {
  private var segments: [RetryID: UInt64] = [:]

  var isEmpty: Bool { segments.isEmpty }

  /// False: there are too many, and this one is not remembered.
  mutating func insert(_ id: RetryID, segment: UInt64) -> Bool {
    guard segments.count < IngestLimits.maximumRetakenReports || segments[id] != nil else {
      return false
    }
    segments[id] = segment
    return true
  }

  /// The report counts where another segment holds it.
  func isHeld(_ id: RetryID, elsewhereThan segment: UInt64) -> Bool {
    segments[id].map { $0 != segment } ?? false
  }

  var count: Int { segments.count }

  /// In no order.
  var all: [RetryID: UInt64] { segments }
}
