import Glibc

/// One line redrawn on a terminal several times a second; otherwise a plain line every few seconds.
struct Progress {
  private let isTerminal: Bool
  private let isQuiet: Bool
  private var lastNanos: Int64 = 0
  private var lastRows = 0
  private var isLineOpen = false

  private static let redrawNanos: Int64 = 200_000_000
  private static let plainNanos: Int64 = 5_000_000_000

  init(isQuiet: Bool, startNanos: Int64) {
    isTerminal = isatty(STDERR_FILENO) == 1
    self.isQuiet = isQuiet
    lastNanos = startNanos
  }

  /// Shows how far it is, if it is time; `simulated`: the time of the newest report; `share`: how
  /// much of the whole is done, if there is an end.
  mutating func update(
    nowNanos: Int64, tally: @autoclosure () -> Tally, simulatedMicros: Int64, share: Double?
  ) {
    guard !isQuiet else { return }
    let elapsed = nowNanos - lastNanos
    guard elapsed >= (isTerminal ? Progress.redrawNanos : Progress.plainNanos) else { return }
    let tally = tally()
    let rate = Double(tally.acknowledgedRows - lastRows) / (Double(elapsed) / 1e9)
    lastNanos = nowNanos
    lastRows = tally.acknowledgedRows
    var time = ByteWriter()
    time.append(isoFormatMicros: simulatedMicros)
    var line = "fleet \(time.text.prefix(16))"
    if let share { line += " \(Int(share * 100))%" }
    line += " \(Progress.grouped(tally.acknowledgedReports)) reports"
    line += " \(Progress.grouped(tally.acknowledgedRows)) rows"
    line += " \(Progress.grouped(Int(rate))) rows/s"
    if tally.failures > 0 { line += " \(Progress.grouped(tally.failures)) failures" }
    write(line, ends: false)
  }

  /// Closes the redrawn line, so that what follows begins on its own.
  mutating func finish() {
    if isLineOpen { Console.note("\n") }
    isLineOpen = false
  }

  private mutating func write(_ line: String, ends: Bool) {
    if isTerminal {
      Console.note("\r\u{1B}[K\(line)")
      isLineOpen = true
    } else {
      Console.note("\(line)\n")
    }
  }

  /// `1234567` as `1,234,567`.
  static func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number.magnitude).reversed().enumerated() {
      if index > 0 && index % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
  }
}
