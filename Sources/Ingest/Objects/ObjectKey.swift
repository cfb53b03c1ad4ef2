/// Keys of objects: `{prefix}cluster_name=<c>/dt=<YYYY-MM-DD>/<writer>-<segment>.parquet`.
///
/// The prefix is used as given, with `{cluster_name}` and `{date}` replaced by the escaped values.
package struct ObjectKey: Sendable {
  package enum PrefixError: Error, Sendable, Equatable {
    /// `{…}` that is neither of the two.
    case unknownPlaceholder(String)
    /// `{` without its `}`.
    case openPlaceholder
    /// The prefix alone leaves no room for the rest of a key.
    case tooLong(byteCount: Int)
  }

  private enum Piece: Sendable {
    case text(String)
    case clusterName
    case date
  }

  private let pieces: [Piece]
  private let writer: WriterID

  package init(prefix: String, writer: WriterID) throws(PrefixError) {
    pieces = try Self.parse(prefix)
    self.writer = writer
  }

  /// Checks a prefix before there is a writer.
  package static func check(prefix: String) throws(PrefixError) { _ = try parse(prefix) }

  private static func parse(_ prefix: String) throws(PrefixError) -> [Piece] {
    let byteCount = prefix.utf8.count
    // Room for the fixed rest (99 bytes), and for a cluster's name that is not cut to nothing.
    guard byteCount <= IngestLimits.maximumKeyByteCount / 2 else {
      throw .tooLong(byteCount: byteCount)
    }
    var pieces: [Piece] = []
    var rest = prefix[...]
    while let open = rest.firstIndex(of: "{") {
      pieces.append(.text(String(rest[..<open])))
      guard let close = rest[open...].firstIndex(of: "}") else { throw .openPlaceholder }
      switch rest[rest.index(after: open)..<close] {
      case "cluster_name": pieces.append(.clusterName)
      case "date": pieces.append(.date)
      case let name: throw .unknownPlaceholder(String(name))
      }
      rest = rest[rest.index(after: close)...]
    }
    pieces.append(.text(String(rest)))
    return pieces
  }

  /// The key of an object, at most 1,024 bytes: the cluster's name is cut (at a code point, and
  /// marked by its hash, so that two names never meet) when it would be longer, or when the name
  /// alone is too long for a directory.
  package func key(cluster: String, day: Int32, segment: UInt64) -> String {
    let date = CivilDate(day: day).description
    let escaped = HiveName.escape(cluster)
    let whole = build(cluster: escaped, date: date, segment: segment)
    let excess = max(0, whole.utf8.count - IngestLimits.maximumKeyByteCount)
    let longest = IngestLimits.maximumClusterNameByteCount
    guard excess > 0 || escaped.utf8.count > longest else { return whole }
    let uses = 1 + pieces.count { if case .clusterName = $0 { true } else { false } }
    let mark = "~" + Hex.text(cluster.xxh3)
    let length = min(longest, escaped.utf8.count - (excess + uses - 1) / uses)
    let room = max(0, length - mark.utf8.count)
    return build(
      cluster: Self.cut(cluster, escapedTo: room) + mark, date: date, segment: segment)
  }

  /// The longest beginning of `cluster` whose escaped form has at most `byteCount` bytes.
  private static func cut(_ cluster: String, escapedTo byteCount: Int) -> String {
    var text = ""
    for scalar in cluster.unicodeScalars {
      let longer = text + String(scalar)
      if HiveName.escape(longer).utf8.count > byteCount { break }
      text = longer
    }
    return text.isEmpty ? "" : HiveName.escape(text)
  }

  private func build(cluster: String, date: String, segment: UInt64) -> String {
    var key = ""
    for piece in pieces {
      switch piece {
      case .text(let text): key += text
      case .clusterName: key += cluster
      case .date: key += date
      }
    }
    return key + "cluster_name=\(cluster)/dt=\(date)/\(writer)-\(FileName.number(segment)).parquet"
  }
}

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Sendable, CustomStringConvertible {
  package var year: Int
  package var month: Int
  package var dayOfMonth: Int

  /// `day`: days since 1970-01-01. Counts in eras of 400 years, which begin on 1 March, so that a
  /// leap day is the last of its year.
  package init(day: Int32) {
    let sinceMarchZero = Int(day) + 719_468
    let era = (sinceMarchZero >= 0 ? sinceMarchZero : sinceMarchZero - 146_096) / 146_097
    let dayOfEra = sinceMarchZero - era * 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  package var description: String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
  }

  private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
