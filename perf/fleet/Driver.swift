import Glibc

/// Runs the cluster: it alone moves time on, changes the cluster and posts reports.
final class Driver {
  private let command: Run
  private let seed: UInt64
  private let cluster: Cluster
  private let server: APIServer?
  private var collector: Collector
  private var rounds: Rounds
  private var progress: Progress
  private let churnCount: Int
  private let startNanos = CalendarTime.monotonicNanos()
  private var newestMicros: Int64
  private var postedReports = 0

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  init(_ command: Run) throws {
    self.command = command
    seed = command.cluster.seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
    Console.note("fleet: seed \(seed)\n")
    let now = CalendarTime.nowMicros()
    let range = command.time.range(nowMicros: now)
    newestMicros = range?.start ?? now
    cluster = Cluster(
      nodeCount: command.cluster.nodes, podCount: command.cluster.pods, seed: seed,
      history: command.cluster.history, startMicros: newestMicros)
    collector = Collector(cluster: cluster, seed: seed)
    rounds = Rounds(
      clock: range.map { .simulated(startMicros: $0.start, endMicros: $0.end) } ?? .wall,
      intervalMicros: Int64(command.time.interval * 1e6), nodeCount: command.cluster.nodes,
      seed: seed)
    progress = Progress(isQuiet: command.result.quiet, startNanos: startNanos)
    churnCount = command.cluster.churnCount ?? 0
    server = command.api.noAPI ? nil : try APIServer(cluster: cluster, port: command.api.port)
    if let server {
      if let path = command.api.kubeconfig {
        try OutputFile.write(server.kubeconfig, to: path, mode: 0o600)
      }
      Console.note("fleet: API at https://127.0.0.1:\(server.port)\n")
    }
  }

  /// Returns whether everything that was asked for came true.
  func run() throws -> Bool {
    let usageBefore = Driver.cpuSeconds()
    var tally = Tally()
    var postNanos: Int64 = 0
    if command.posting.noPost {
      serveOnly()
    } else {
      let url = try targetURL()
      let target = try Target(url: url)
      try waitUntilReady(target)
      let began = CalendarTime.monotonicNanos()
      if !Interrupt.isRequested { tally = try post(to: target) }
      postNanos = CalendarTime.monotonicNanos() - began
    }
    progress.finish()
    let summary = Summary(
      command: command, seed: seed, tally: tally, cluster: cluster, server: server,
      elapsedSeconds: Double(postNanos) / 1e9, cpuSeconds: Driver.cpuSeconds() - usageBefore,
      newestMicros: newestMicros, interrupted: Interrupt.isRequested)
    try OutputFile.write(summary.text, to: command.result.summary ?? "-", mode: 0o644)
    try server?.stop()
    return isAsExpected(tally)
  }

  private func isAsExpected(_ tally: Tally) -> Bool {
    var isGood = true
    if let expected = command.result.expectRows, expected != tally.acknowledgedRows {
      Console.note("fleet: \(tally.acknowledgedRows) rows acknowledged, not \(expected)\n")
      isGood = false
    }
    if command.result.expectAll && tally.lostReports > 0 {
      Console.note("fleet: \(tally.lostReports) reports were not acknowledged\n")
      isGood = false
    }
    return isGood
  }

  // MARK: Waiting for the target

  private func targetURL() throws -> String {
    if let target = command.posting.target { return target }
    guard let path = command.posting.targetFile else {
      throw Failure(description: "no target")
    }
    while !Interrupt.isRequested {
      if let file = fopen(path, "r") {
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 1024)
        if fgets(&line, Int32(line.count), file) != nil {
          let bytes = line.prefix { $0 != 0 && $0 != 10 && $0 != 13 }.map(UInt8.init(bitPattern:))
          let text = String(decoding: bytes, as: UTF8.self)
          if text.hasPrefix("http") { return text }
        }
      }
      usleep(50_000)
    }
    throw Failure(description: "\(path): interrupted before there was a target")
  }

  private func waitUntilReady(_ target: Target) throws {
    let seconds = command.posting.waitReady
    guard seconds > 0 else { return }
    let end = CalendarTime.monotonicNanos() + Int64(seconds) * 1_000_000_000
    var last: Int?
    while CalendarTime.monotonicNanos() < end && !Interrupt.isRequested {
      last = Readiness.status(of: target)
      if last == 200 { return }
      usleep(100_000)
    }
    if Interrupt.isRequested { return }
    let seen = last.map { "\($0)" } ?? "no answer"
    throw Failure(
      description: "http://\(target.host):\(target.port)/readyz: \(seen) after \(seconds) s")
  }

  // MARK: Posting

  /// Reports a second; nil: as fast as they are taken.
  private var rate: Double? {
    if let text = command.posting.rate { return text == "max" ? nil : Double(text) }
    return command.time.isSimulated
      ? nil : Double(command.cluster.nodes) / command.time.interval
  }

  private func post(to target: Target) throws -> Tally {
    let poster = try Poster(
      target: target,
      options: Poster.Options(
        connectionCount: command.posting.connections,
        timeoutNanos: Int64(command.posting.timeout * 1e9), retries: command.posting.retry,
        compresses: command.posting.gzip,
        measureFromNanos: CalendarTime.monotonicNanos() + Int64(command.time.warmUp * 1e9)))
    let ledger = try command.result.ledger.map(Ledger.init(path:))
    if let ledger {
      let cluster = cluster
      poster.onAcknowledged = { connection in
        try ledger.append(
          cluster: cluster, node: connection.node, timestampMicros: connection.timestampMicros,
          rows: connection.rows)
      }
    }
    let began = CalendarTime.monotonicNanos()
    let end = command.time.duration.map { began + Int64($0 * 1e9) }
    var pacer = Pacer(rate: rate, startNanos: began)
    var hasMore = true
    while true {
      let now = CalendarTime.monotonicNanos()
      if Interrupt.isRequested { hasMore = false }
      if let end, now >= end { hasMore = false }
      if !hasMore && poster.inFlightCount == 0 { break }
      // What is on its way when the end has come gets one more timeout's time.
      if !hasMore && isPastGrace(now, end: end) { break }
      while hasMore, poster.hasIdleConnection {
        let due = pacer.dueNanos
        if let due, due > CalendarTime.monotonicNanos() { break }
        hasMore = try poster.post(dueNanos: due) { try nextReport(&$0) }
        if hasMore { pacer.countOne() }
        if let end, CalendarTime.monotonicNanos() >= end { hasMore = false }
      }
      // Without an idle connection only an answer can change anything, however late a report is.
      let canPost = hasMore && poster.hasIdleConnection
      try poster.poll(maximumNanos: waitNanos(pacer, canPost: canPost))
      showProgress(poster, now)
    }
    poster.abandon()
    try ledger?.flush()
    return poster.tally
  }

  private var graceEndNanos: Int64?

  private func isPastGrace(_ now: Int64, end: Int64?) -> Bool {
    // With retries, a run that ends by itself waits for every answer, however long that takes.
    if command.posting.retry && !Interrupt.isRequested && end == nil { return false }
    let grace = graceEndNanos ?? now + Int64(command.posting.timeout * 1e9)
    graceEndNanos = grace
    return now >= grace
  }

  private func waitNanos(_ pacer: Pacer, canPost: Bool) -> Int64 {
    let longest: Int64 = 50_000_000
    guard canPost, let due = pacer.dueNanos else { return longest }
    return min(max(due - CalendarTime.monotonicNanos(), 0), longest)
  }

  private func nextReport(_ writer: inout ByteWriter) throws -> Poster.Report? {
    if let most = command.time.reports, postedReports >= most { return nil }
    if rounds.isAtRoundStart && (rounds.roundCount.map { rounds.round < $0 } ?? true) {
      passTime(seconds: rounds.roundStartMicros / CalendarTime.microsPerSecond)
    }
    guard let (node, timestamp) = rounds.next() else { return nil }
    newestMicros = timestamp
    postedReports += 1
    let rows = collector.appendReport(node: node, timestampMicros: timestamp, to: &writer)
    return Poster.Report(node: node, timestampMicros: timestamp, rows: rows)
  }

  private func showProgress(_ poster: Poster, _ now: Int64) {
    let share: Double?
    if let most = command.time.reports {
      share = Double(poster.tally.acknowledgedReports) / Double(most)
    } else if let roundCount = rounds.roundCount {
      share =
        Double(poster.tally.acknowledgedReports)
        / Double(max(roundCount * command.cluster.nodes, 1))
    } else {
      share = nil
    }
    progress.update(
      nowNanos: now, tally: poster.tally, simulatedMicros: newestMicros, share: share)
  }

  // MARK: Time

  private var isFirstRound = true

  /// One interval has gone by: pods come and go, nodes say that they live.
  private func passTime(seconds: Int64) {
    if isFirstRound {
      isFirstRound = false
      return
    }
    cluster.churn(count: churnCount, nowSeconds: seconds)
    cluster.heartbeat(nowSeconds: seconds)
    server?.wake()
  }

  /// No reports: the cluster changes once an interval of the wall clock.
  private func serveOnly() {
    let interval = Int64(command.time.interval * 1e9)
    let end = command.time.duration.map { startNanos + Int64($0 * 1e9) }
    var next = startNanos + interval
    isFirstRound = false
    while !Interrupt.isRequested {
      let now = CalendarTime.monotonicNanos()
      if let end, now >= end { break }
      if now >= next {
        passTime(seconds: CalendarTime.nowMicros() / CalendarTime.microsPerSecond)
        next = max(next + interval, now)
      }
      usleep(UInt32(clamping: min(max(next - now, 0), 50_000_000) / 1000))
    }
    newestMicros = CalendarTime.nowMicros()
  }

  private static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
