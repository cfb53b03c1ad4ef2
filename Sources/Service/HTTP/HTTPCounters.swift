import Synchronization

/// Counts of the HTTP side, read by the metrics renderer. Thread-safe: relaxed atomics.
final class HTTPCounters: Sendable {
  /// The statuses that this server answers with.
  static let statuses = [
    200, 400, 404, 405, 408, 411, 413, 414, 415, 417, 431, 501, 503, 505,
  ]

  /// One number that only grows.
  final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func add(_ amount: Int = 1) { value.wrappingAdd(amount, ordering: .relaxed) }
    var total: Int { value.load(ordering: .relaxed) }
  }

  /// Why a report is refused before the writer sees it.
  enum Refusal: String, CaseIterable {
    /// 413, as sent or decompressed.
    case tooLarge = "too_large"
    /// 411.
    case noLength = "no_length"
    /// 415 and 417: type, coding or expectation.
    case unsupported
    /// 400: bad gzip or bad chunks.
    case badEncoding = "bad_encoding"
    /// 408.
    case tooSlow = "too_slow"
    /// 503 before the writer has it: spool, disk, memory, stop.
    case turnedAway = "turned_away"
  }

  private let refusals = Refusal.allCases.map { _ in Counter() }
  private let reports = HTTPCounters.statuses.map { _ in Counter() }
  private let others = HTTPCounters.statuses.map { _ in Counter() }
  /// Body bytes of reports as they were sent.
  let bodyBytes = Counter()
  /// Reports whose answer was 503 because they were not durable in time.
  let replyTimeouts = Counter()
  /// Connections that were ended for being too slow.
  let slowConnections = Counter()
  /// Connections accepted.
  let connections = Counter()
  /// Seconds from a report's whole body to its answer.
  let replySeconds = Histogram(bounds: Histogram.replyBounds)

  func countAnswer(status: Int, isReport: Bool) {
    guard let index = Self.statuses.firstIndex(of: status) else { return }
    (isReport ? reports : others)[index].add()
  }

  func countRefusal(_ refusal: Refusal) {
    guard let index = Refusal.allCases.firstIndex(of: refusal) else { return }
    refusals[index].add()
  }

  /// Reports that were refused before the writer saw them, by reason.
  var refusedReports: [(refusal: Refusal, count: Int)] {
    zip(Refusal.allCases, refusals).map { ($0, $1.total) }
  }

  /// Answers to POST /metrics by status, then all others.
  var answers: [(handler: String, status: Int, count: Int)] {
    let kinds = [("report", reports), ("other", others)]
    return kinds.flatMap { name, counters in
      zip(Self.statuses, counters).map { (name, $0, $1.total) }
    }
  }
}

/// Counts observations in buckets, as Prometheus does. Thread-safe.
final class Histogram: Sendable {
  /// For answers to reports: the collector gives up after 5 s.
  static let replyBounds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  ]

  let bounds: [Double]
  private let buckets: [HTTPCounters.Counter]
  private let sumNanoseconds = Atomic<Int>(0)

  /// `bounds` ascend; one bucket more takes what is above them.
  init(bounds: [Double]) {
    self.bounds = bounds
    buckets = (0...bounds.count).map { _ in HTTPCounters.Counter() }
  }

  func observe(nanoseconds: UInt64) {
    let seconds = Double(nanoseconds) / 1e9
    let index = bounds.firstIndex { seconds <= $0 } ?? bounds.count
    buckets[index].add()
    sumNanoseconds.wrappingAdd(Int(clamping: nanoseconds), ordering: .relaxed)
  }

  /// Observations in each bucket alone, the one above all bounds last.
  var counts: [Int] { buckets.map(\.total) }
  var sumSeconds: Double { Double(sumNanoseconds.load(ordering: .relaxed)) / 1e9 }
}
