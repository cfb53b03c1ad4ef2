/// Says when the next report is due.
struct Pacer {
  /// Reports a second; nil: as fast as it goes.
  let rate: Double?
  private let startNanos: Int64
  private var issued = 0

  init(rate: Double?, startNanos: Int64) {
    self.rate = rate
    self.startNanos = startNanos
  }

  /// When the next report is due; nil: at once.
  var dueNanos: Int64? {
    rate.map { startNanos + Int64(Double(issued) / $0 * 1e9) }
  }

  mutating func countOne() {
    issued += 1
  }
}
