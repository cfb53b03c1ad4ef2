import Glibc

/// CPU seconds of the thread and wall seconds, over the stretches between `start` and `stop`.
struct Stopwatch {
  private(set) var cpu = 0.0
  private(set) var wall = 0.0
  private var cpuStart = 0.0
  private var wallStart = 0.0

  init() {}

  init(sumOf parts: [Stopwatch]) {
    cpu = parts.reduce(0) { $0 + $1.cpu }
    wall = parts.reduce(0) { $0 + $1.wall }
  }

  mutating func start() {
    cpuStart = Self.seconds(CLOCK_THREAD_CPUTIME_ID)
    wallStart = Self.seconds(CLOCK_MONOTONIC)
  }

  mutating func stop() {
    cpu += Self.seconds(CLOCK_THREAD_CPUTIME_ID) - cpuStart
    wall += Self.seconds(CLOCK_MONOTONIC) - wallStart
  }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// `name: CPU s/M rows, rows/s`, three decimals.
  func report(_ name: String, rows: Int) -> String {
    let perMillion = (cpu / Double(rows) * 1e9).rounded() / 1e3
    return "  \(name): \(perMillion) CPU s per million rows, \(Int(Double(rows) / wall)) rows/s"
  }
}
