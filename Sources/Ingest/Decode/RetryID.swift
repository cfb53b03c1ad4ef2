/// What makes a report the one it is, whatever else it says: a 128-bit hash of its `node_name` and
/// `timestamp`, both as spelled. A second report with the same id is a retry.
package struct RetryID: Hashable, Sendable {
  package var low: UInt64
  package var high: UInt64

  package init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }
}
