import Glibc
import Synchronization

/// What a run did, as one JSON object.
struct Summary {
  let command: Run
  let seed: UInt64
  let tally: Tally
  let cluster: Cluster
  let server: APIServer?
  /// From the first report to the end.
  let elapsedSeconds: Double
  /// Of this process: reports and API together.
  let cpuSeconds: Double
  let newestMicros: Int64
  let interrupted: Bool

  var text: String {
    var all = JSONObject()
    all.add("seed", Int(clamping: seed))
    all.add("interrupted", interrupted)
    all.add("nodes", cluster.nodeCount)
    all.add("pods", cluster.podCount)
    all.add("elapsed_seconds", elapsedSeconds)
    all.add("rows_acknowledged", tally.acknowledgedRows)
    all.add("rows_per_second", Double(tally.acknowledgedRows) / max(elapsedSeconds, 1e-9))
    all.add("reports_acknowledged", tally.acknowledgedReports)
    all.add("reports_per_second", Double(tally.acknowledgedReports) / max(elapsedSeconds, 1e-9))
    all.add("reports_lost", tally.lostReports)
    all.add("rows_lost", tally.lostRows)
    all.add("attempts", attempts)
    all.add("bytes_sent", tally.bytesSent)
    all.add("latency_ms", latency)
    all.add("first_refusal", tally.firstRefusal)
    all.add("newest_report", iso(newestMicros))
    all.add("churn", churn)
    if let server { all.add("api", api(server.counters)) }
    all.add("fleet_cpu_seconds", cpuSeconds)
    if tally.attempts > 0 {
      all.add("fleet_cpu_microseconds_per_attempt", cpuSeconds * 1e6 / Double(tally.attempts))
    }
    return all.text
  }

  private var attempts: JSONObject {
    var object = JSONObject()
    object.add("total", tally.attempts)
    object.add("retries", tally.retries)
    var statuses = JSONObject()
    for (status, number) in tally.statuses.sorted(by: { $0.key < $1.key }) {
      statuses.add(String(status), number)
    }
    object.add("by_status", statuses)
    object.add("timeouts", tally.timeouts)
    object.add("connect_failures", tally.connectFailures)
    object.add("closed_early", tally.closedEarly)
    object.add("malformed_answers", tally.malformedAnswers)
    object.add("connections", tally.connections)
    return object
  }

  private var latency: JSONObject {
    var object = JSONObject()
    object.add("count", tally.latency.count)
    object.add("mean", tally.latency.mean / 1000)
    for (name, fraction) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)] {
      object.add(name, Double(tally.latency.quantile(fraction)) / 1000)
    }
    object.add("max", Double(tally.latency.maximum) / 1000)
    object.add(
      "buckets_micros", pairs: tally.latency.occupied.map { ($0.upperEnd, $0.count) })
    return object
  }

  private var churn: JSONObject {
    var object = JSONObject()
    object.add("pods_created", cluster.createdPods)
    object.add("pods_deleted", cluster.deletedPods)
    return object
  }

  private func api(_ counters: APICounters) -> JSONObject {
    var object = JSONObject()
    object.add("lists", counters.lists.load(ordering: .relaxed))
    object.add("list_pages", counters.listPages.load(ordering: .relaxed))
    object.add("watches", counters.watches.load(ordering: .relaxed))
    object.add("watch_events", counters.watchEvents.load(ordering: .relaxed))
    object.add("bookmarks", counters.bookmarks.load(ordering: .relaxed))
    object.add("expired", counters.expired.load(ordering: .relaxed))
    object.add("unauthorized", counters.unauthorized.load(ordering: .relaxed))
    object.add("bytes", counters.bytes.load(ordering: .relaxed))
    object.add("resource_version", cluster.history.newest)
    return object
  }

  private func iso(_ micros: Int64) -> String {
    var writer = ByteWriter()
    writer.append(isoFormatMicros: micros)
    return writer.text
  }
}
