/// A table in plain text: columns as wide as what they hold, two spaces between them.
struct TextTable {
  struct Column {
    var title: String
    var isNumber: Bool

    static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  let columns: [Column]
  private(set) var rows: [[String]] = []
  /// Below the rows, behind a line; empty: none.
  var sums: [String] = []

  init(_ columns: [Column]) { self.columns = columns }

  /// One cell a column.
  mutating func add(_ cells: [String]) { rows.append(cells) }

  var text: String {
    let head = columns.map(\.title)
    let all = [head] + rows + (sums.isEmpty ? [] : [sums])
    let widths = columns.indices.map { column in
      all.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
    }
    var lines = [line(head, widths)] + rows.map { line($0, widths) }
    if !sums.isEmpty {
      lines.append(widths.map { String(repeating: "-", count: $0) }.joined(separator: "  "))
      lines.append(line(sums, widths))
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() where column < columns.count {
      let space = String(repeating: " ", count: widths[column] - cell.count)
      if column > 0 { line += "  " }
      line += columns[column].isNumber ? space + cell : cell + space
    }
    return String(line.reversed().drop { $0 == " " }.reversed())
  }
}

/// Sizes for people: `0 B`, `1023 B`, `1.5 MiB`.
enum ByteText {
  private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

  static func text(_ byteCount: Int) -> String {
    guard byteCount >= 1024 else { return "\(byteCount) B" }
    var unit = 0
    // Tenths of the unit, so that all stays in whole numbers.
    var tenths = byteCount / 1024 * 10 + byteCount % 1024 * 10 / 1024
    while tenths >= 10 * 1024, unit + 1 < units.count {
      tenths /= 1024
      unit += 1
    }
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
