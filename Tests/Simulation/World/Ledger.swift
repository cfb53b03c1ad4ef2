import Columnar
import Foundation
import Ingest
import SimulationModels

/// What was posted and what became of it, as the collectors see it; at the end compared with the
/// bucket, and with nothing else.
struct Ledger {
  struct Report {
    var number: Int
    var node: String
    var timestamp: String
    var podCount: Int
    var postCount = 0
    /// A 200 was sent.
    var isAcknowledged = false
    /// The medium damaged the one frame that holds it.
    var mayBeMissing = false
    /// A start gave that frame up: if the report is taken again, it is there.
    var mayComeAgain = false
    /// The medium damaged the memory of the ids by which a retry is known.
    var mayBeTwice = false
  }

  private(set) var reports: [Report] = []
  private var numbers: [String: Int] = [:]
  private var known: [String: (bytes: [UInt8], rows: [UsageRows.Row])] = [:]
  private(set) var acknowledgedCount = 0

  // MARK: Reports

  /// Day of November 2026, and the second of it, that make a timestamp of its own for each report.
  mutating func make(node: String, day: Int, podCount: Int) -> Int {
    let number = reports.count
    let seconds = number * 37 % 86_400
    let time = [seconds / 3_600, seconds / 60 % 60, seconds % 60].map(Self.twoDigits)
    let timestamp = "2026-11-\(Self.twoDigits(day))T\(time.joined(separator: ":"))Z"
    reports.append(
      Report(number: number, node: node, timestamp: timestamp, podCount: podCount))
    numbers[Self.key(node, timestamp)] = number
    return number
  }

  private static func twoDigits(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
  private static func key(_ node: String, _ timestamp: String) -> String { "\(node) \(timestamp)" }

  func body(of number: Int) -> ReportBody {
    let report = reports[number]
    var text = #"{"timestamp":"\#(report.timestamp)","node_name":"\#(report.node)","#
    // Found again in a log, by whoever damages it.
    text += #""hostname":"report-\#(number);","pods":["#
    for pod in 0..<report.podCount {
      if pod > 0 { text += "," }
      text += #"{"pod_id":"\#(report.node)-\#(pod)","namespace":"team-\#(pod % 2)","#
      text += #""name":"web-\#(pod)","memory_usage_bytes":\#(Self.memory(number, pod))}"#
    }
    text += "]}"
    let body = ReportBody(capacity: text.utf8.count)
    text.withUTF8 { _ = body.tryAppend(UnsafeRawBufferPointer($0)) }
    return body
  }

  /// A number that only this row has.
  private static func memory(_ number: Int, _ pod: Int) -> Int { 1_000 * number + pod }

  mutating func posted(_ number: Int) { reports[number].postCount += 1 }

  /// `isNew`: the answer says that it was not accepted before.
  mutating func acknowledged(_ number: Int, isNew: Bool) {
    if isNew, reports[number].mayComeAgain, reports[number].isAcknowledged {
      reports[number].mayBeMissing = false
    }
    guard !reports[number].isAcknowledged else { return }
    reports[number].isAcknowledged = true
    acknowledgedCount += 1
  }

  mutating func frameDamaged(_ number: Int) {
    reports[number].mayBeMissing = true
    reports[number].mayComeAgain = false
  }

  mutating func frameGivenUp(_ number: Int) { reports[number].mayComeAgain = true }

  /// All rows of an object may be missing, whose bytes were these.
  mutating func objectDamaged(_ bytes: [UInt8]) {
    for row in (try? UsageRows.read(bytes)) ?? [] {
      if let number = numbers[Self.key(row.node, row.timestamp)] { frameDamaged(number) }
    }
  }

  /// The ids of what was posted so far may be forgotten.
  mutating func idsDamaged() {
    for number in reports.indices where reports[number].postCount > 0 {
      reports[number].mayBeTwice = true
    }
  }

  // MARK: Verdict

  struct Verdict {
    var lost = 0
    var twice = 0
    /// Rows that damage to the medium cost, which is what it may cost.
    var missingByDamage = 0
    var problems: [String] = []
  }

  /// Reads every object of the bucket that it has not read before.
  mutating func verdict(objects: [(key: String, bytes: [UInt8])]) -> Verdict {
    var verdict = Verdict()
    var counts = reports.map { [Int](repeating: 0, count: $0.podCount) }
    for object in objects {
      let date = object.key.components(separatedBy: "/dt=").last?.prefix(10)
      do {
        for row in try rows(of: object.key, object.bytes) {
          guard let number = numbers[Self.key(row.node, row.timestamp)],
            let pod = Int(row.podName.dropFirst("web-".count)),
            counts[number].indices.contains(pod),
            row.memory == Self.memory(number, pod)
          else {
            verdict.problems.append("\(object.key) has a row that nobody posted: \(row)")
            continue
          }
          counts[number][pod] += 1
          if row.timestamp.prefix(10) != date {
            verdict.problems.append("\(object.key) has a row of \(row.timestamp)")
          }
        }
      } catch {
        verdict.problems.append("\(object.key) cannot be read: \(error)")
      }
    }
    for (report, found) in zip(reports, counts) { judge(report, found, &verdict) }
    return verdict
  }

  private mutating func rows(of key: String, _ bytes: [UInt8]) throws -> [UsageRows.Row] {
    if let known = known[key], known.bytes == bytes { return known.rows }
    let rows = try UsageRows.read(bytes)
    known[key] = (bytes, rows)
    return rows
  }

  private func judge(_ report: Report, _ found: [Int], _ verdict: inout Verdict) {
    let least = found.min() ?? 0
    let most = found.max() ?? 0
    if least != most {
      verdict.problems.append("report \(report.number) is there in part: \(found)")
    }
    if report.isAcknowledged, least == 0 {
      if report.mayBeMissing {
        verdict.missingByDamage += 1
      } else {
        verdict.lost += 1
        verdict.problems.append("report \(report.number) was acknowledged and is lost")
      }
    }
    if most > 1, !report.mayBeTwice {
      verdict.twice += 1
      verdict.problems.append("report \(report.number) is there \(most) times")
    }
  }
}

/// The columns of a usage file by which a row is known.
enum UsageRows {
  struct Row {
    var node: String
    var timestamp: String
    var podName: String
    var memory: Int
  }

  struct Missing: Error { var column: String }

  private static let columns: [(name: String, position: Int)] = [
    "node_name", "timestamp", "pod_name", "memory_usage_bytes",
  ].compactMap { name in UsageSchema.schema.position(of: name).map { (name, $0) } }

  static func read(_ bytes: [UInt8]) throws -> [Row] {
    guard columns.count == 4 else { throw Missing(column: "one of the four") }
    let file = try FileReader(bytes)
    var rows: [Row] = []
    for group in file.rowGroups.indices {
      let cells = try columns.map { column in
        try file.pages(
          group, column.position, kind: UsageSchema.schema.columns[column.position].kind
        )
        .flatMap(\.cells)
      }
      for row in cells[0].indices {
        guard cells.allSatisfy({ $0.indices.contains(row) }),
          case .integer(let memory) = cells[3][row]
        else { throw Missing(column: "a cell of row \(row)") }
        rows.append(
          Row(
            node: try text(cells[0][row]), timestamp: try text(cells[1][row]),
            podName: try text(cells[2][row]), memory: Int(memory)))
      }
    }
    return rows
  }

  private static func text(_ cell: CellValue) throws -> String {
    guard case .text(let bytes) = cell else { throw Missing(column: "a text") }
    return String(decoding: bytes, as: UTF8.self)
  }
}
