/// When the reports of a batch were collected, and their order.
struct ReportTimes {
  /// Stands for no instant: before 1900.
  static let none = Int64.min

  /// Microseconds since 1970 by report ordinal.
  let instants: [Int64]
  /// By report ordinal: its place in the order of (time, ordinal).
  private let places: [UInt32]
  private let reportOfPlace: [UInt32]

  init(_ batch: ReportBatch) {
    self.init((0..<batch.reportCount).map { batch.reportCollectedAtMicros($0) ?? Self.none })
  }

  init(_ instants: [Int64]) {
    self.instants = instants
    // Those without an instant come first, and are no part of the range.
    let known = instants.filter { $0 != Self.none }
    let (first, last) = (known.min() ?? 0, known.max() ?? 0)
    var keys = instants.enumerated().map { report, instant in
      KeyedOrdinal(
        key: instant == Self.none ? 0 : UInt64(bitPattern: instant &- first) &+ 1,
        ordinal: UInt32(report))
    }
    let maximum = UInt64(bitPattern: last &- first) &+ 1
    RadixOrder.sort(&keys, bits: 0..<RadixOrder.bitCount(upTo: maximum))
    reportOfPlace = keys.map(\.ordinal)
    var places = [UInt32](repeating: 0, count: keys.count)
    for (place, key) in keys.enumerated() { places[Int(key.ordinal)] = UInt32(place) }
    self.places = places
  }

  /// Puts distinct reports in the order of (time, ordinal).
  func sort(_ reports: inout [UInt32]) {
    if reports.count == reportOfPlace.count {
      reports = reportOfPlace
    } else {
      for index in reports.indices { reports[index] = places[Int(reports[index])] }
      reports.sort()
      for index in reports.indices { reports[index] = reportOfPlace[Int(reports[index])] }
    }
  }
}
