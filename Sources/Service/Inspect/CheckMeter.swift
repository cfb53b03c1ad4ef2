import Glibc

/// How far a long check is, on one line of stderr when that is a terminal.
final class CheckMeter {
  private let isShown = isatty(STDERR_FILENO) == 1
  private let output = LogOutput()
  private var total = 0
  private var done = 0
  private var nextUpdate = ContinuousClock.now

  func start(total: Int) { self.total = total }

  func add(_ byteCount: Int) {
    done += byteCount
    guard isShown, total > 0, ContinuousClock.now >= nextUpdate else { return }
    nextUpdate = ContinuousClock.now + ServiceLimits.checkMeterInterval
    // A running service adds to its log meanwhile.
    let percent = min(100, done / max(1, total / 100))
    let text = "checked \(ByteText.text(done)) of \(ByteText.text(total)), \(percent) %"
    output.write(Array("\r\u{1B}[K\(text)".utf8))
  }

  func finish() {
    if isShown, total > 0 { output.write(Array("\r\u{1B}[K".utf8)) }
  }
}
