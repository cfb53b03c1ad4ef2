import Ingest
import KubeIndex
import Synchronization

/// The metrics page. Names are stable: dashboards and alerts are built on them.
struct MetricsRenderer: Sendable {
  let ingest: IngestCounters
  let kube: KubeCounters
  let uploads: DeliveryCounters
  let http: HTTPCounters
  let gate: AcceptGate

  /// `now`: seconds since 1970.
  func render(now: Int64) -> [UInt8] {
    var text = MetricsText()
    text.add(
      "aggregator_build_info", .gauge, "Always 1; the version is the label.",
      [([("version", ProductVersion.text)], 1)])
    renderReports(&text)
    renderLog(&text)
    renderObjects(&text, now)
    renderUploads(&text, now)
    renderIndex(&text, now)
    renderHTTP(&text)
    ProcessFigures.read().render(&text)
    return text.bytes
  }

  /// Samples of one metric, told apart by `label`.
  private static func by(
    _ label: String, _ values: [(String, Double)]
  ) -> [(labels: MetricsText.Labels, value: Double)] {
    values.map { ([(label, $0.0)], $0.1) }
  }

  private static func seconds(_ microseconds: Int) -> Double { Double(microseconds) / 1e6 }

  private static func age(_ unixSeconds: Int, _ now: Int64) -> Double {
    unixSeconds > 0 ? Double(max(0, Int(now) - unixSeconds)) : 0
  }

  // MARK: - Reports

  private func renderReports(_ text: inout MetricsText) {
    text.add(
      "aggregator_reports_total", .counter,
      "Reports by outcome: accepted (new and durable), duplicate (a retry, adds no rows), "
        + "refused (400 by the schema), unavailable (503 after the body was read); and before "
        + "they are decoded: too_large (413), no_length (411), unsupported (415, 417), "
        + "bad_encoding (400: gzip, chunks), too_slow (408), turned_away (503).",
      Self.by(
        "outcome",
        [
          ("accepted", Double(ingest.reportsAccepted.current)),
          ("duplicate", Double(ingest.reportsDuplicate.current)),
          ("refused", Double(ingest.reportsRefused.current)),
          ("unavailable", Double(ingest.reportsUnavailable.current)),
        ] + http.refusedReports.map { ($0.refusal.rawValue, Double($0.count)) }))
    text.add(
      "aggregator_rows_total", .counter,
      "Rows of reports by outcome: accepted (durable), unavailable (the log write failed).",
      Self.by(
        "outcome",
        [
          ("accepted", Double(ingest.rowsAccepted.current)),
          ("unavailable", Double(ingest.rowsUnavailable.current)),
        ]))
    text.add(
      "aggregator_report_bytes_total", .counter, "Decompressed bytes of accepted reports.",
      ingest.bytesAccepted.current)
    text.add(
      "aggregator_inbox_reports", .gauge, "Reports that wait for the writer.",
      ingest.inboxReports.current)
    text.add(
      "aggregator_inbox_bytes", .gauge, "Bytes of reports that wait for the writer.",
      ingest.inboxBytes.current)
    text.add(
      "aggregator_reports_waiting_for_index", .gauge,
      "Accepted reports that wait in the log until all watchers are ready.",
      ingest.reportsWaitingForIndex.current)
    text.add(
      "aggregator_retry_nodes", .gauge, "Nodes whose last reports are remembered, to tell retries.",
      ingest.retryNodes.current)
    text.add(
      "aggregator_retry_nodes_forgotten_total", .counter,
      "Nodes forgotten because there were too many: their retries would add rows.",
      ingest.retryNodesForgotten.current)
  }

  // MARK: - Log

  private func renderLog(_ text: inout MetricsText) {
    text.add(
      "aggregator_log_bytes", .gauge, "Allocated bytes of the write-ahead log's files.",
      ingest.logBytes.current)
    text.add(
      "aggregator_log_outstanding_bytes", .gauge, "Bytes handed to the log and not yet durable.",
      ingest.outstandingBytes.current)
    text.add(
      "aggregator_log_commits_total", .counter, "Group commits that became durable.",
      ingest.groupCommits.current)
    text.add(
      "aggregator_log_sync_seconds_total", .counter, "Time spent in fdatasync of the log.",
      Self.seconds(ingest.fsyncMicroseconds.current))
    text.add(
      "aggregator_log_sync_maximum_seconds", .gauge, "Longest fdatasync since the start.",
      Self.seconds(ingest.fsyncMaximumMicroseconds.current))
    text.add(
      "aggregator_log_failures_total", .counter, "Log files given up after a failed call.",
      ingest.logFailures.current)
    text.add(
      "aggregator_log_damages_total", .counter,
      "Stretches of a log that were acknowledged and hold no good report.",
      ingest.damagedFrames.current)
    text.add(
      "aggregator_log_suspect_tails_total", .counter,
      "Ends of a log that are whole in length but bad: perhaps acknowledged.",
      ingest.tailSuspects.current)
    text.add(
      "aggregator_log_torn_bytes_total", .counter,
      "Bytes dropped from torn ends, never acknowledged.",
      ingest.tornBytes.current)
    text.add(
      "aggregator_log_replay_refused_total", .counter,
      "Reports of a log that do not decode any more.", ingest.replayRefused.current)
    text.add(
      "aggregator_spool_bytes", .gauge, "Allocated bytes in DATA_DIR, preallocation included.",
      ingest.spoolBytes.current)
    text.add(
      "aggregator_spool_limit_bytes", .gauge, "Spool bytes at which reports get 503.",
      ingest.spoolLimitBytes.current)
    text.add(
      "aggregator_unknown_files", .gauge, "Entries of DATA_DIR that are not ours.",
      ingest.unknownFiles.current)
    text.add(
      "aggregator_quarantined_files_total", .counter,
      "Files set aside that are damaged or cannot be read.",
      ingest.quarantinedFiles.current)
  }

  // MARK: - Objects

  private func renderObjects(_ text: inout MetricsText, _ now: Int64) {
    let oldest = [
      ingest.oldestUnsentRowSeconds.current,
      uploads.oldestPendingRowSeconds.load(ordering: .relaxed),
    ].filter { $0 > 0 }.min()
    text.add(
      "aggregator_oldest_unsent_row_age_seconds", .gauge,
      "Age of the oldest accepted row that is not in the store; 0: there is none.",
      Self.age(oldest ?? 0, now))
    text.add(
      "aggregator_rows_unsealed", .gauge, "Accepted rows whose object is not complete yet.",
      ingest.rowsUnsealed.current)
    text.add(
      "aggregator_row_groups_total", .counter, "Row groups encoded.", ingest.rowGroups.current)
    text.add(
      "aggregator_sealed_rows_total", .counter, "Rows in complete objects.",
      ingest.rowsSealed.current)
    text.add(
      "aggregator_sealed_objects_total", .counter, "Complete objects.",
      ingest.objectsSealed.current)
    text.add(
      "aggregator_sealed_bytes_total", .counter, "Bytes of complete objects.",
      ingest.objectBytesSealed.current)
    text.add(
      "aggregator_segments_total", .counter,
      "Segments of the log by outcome: sealed, or abandoned and encoded again.",
      Self.by(
        "outcome",
        [
          ("sealed", Double(ingest.segmentsSealed.current)),
          ("abandoned", Double(ingest.segmentsAbandoned.current)),
        ]))
    text.add(
      "aggregator_segments_undelivered", .gauge,
      "Sealed segments whose objects are not all stored.",
      ingest.segmentsUndelivered.current)
    text.add(
      "aggregator_backlog_segments", .gauge, "Segments that wait to be encoded from the log.",
      ingest.backlogSegments.current)
    text.add(
      "aggregator_backlog_bytes", .gauge, "Log bytes that wait to be encoded.",
      ingest.backlogBytes.current)
    text.add(
      "aggregator_encode_seconds_total", .counter, "Time spent encoding objects.",
      Self.seconds(ingest.encodeMicroseconds.current))
    text.add(
      "aggregator_resolve_seconds_total", .counter,
      "Time the writer spent looking pods up at sealing.",
      Self.seconds(ingest.resolveMicroseconds.current))
  }

  private func renderUploads(_ text: inout MetricsText, _ now: Int64) {
    func value(_ path: KeyPath<DeliveryFigures, Int>) -> Double {
      Double(DeliveryFigures(uploads)[keyPath: path])
    }
    text.add(
      "aggregator_uploads_total", .counter,
      "Objects by outcome: stored, proved (found stored by an earlier attempt), quarantined "
        + "(other content lies under the key), damaged (the file is not what its seal says).",
      Self.by(
        "outcome",
        [
          ("stored", value(\.stored)), ("proved", value(\.proved)),
          ("quarantined", value(\.quarantined)), ("damaged", value(\.damaged)),
        ]))
    text.add(
      "aggregator_upload_failures_total", .counter,
      "Steps of uploads that failed for a reason that time does not mend.", value(\.failures))
    text.add(
      "aggregator_upload_retries_total", .counter, "Steps of uploads done again after a wait.",
      value(\.retries))
    text.add(
      "aggregator_store_request_retries_total", .counter,
      "Requests to the store sent again at once.",
      value(\.requestRetries))
    text.add(
      "aggregator_upload_bytes_total", .counter, "Bytes of stored objects.", value(\.storedBytes))
    text.add(
      "aggregator_upload_rows_total", .counter, "Rows of stored objects.", value(\.storedRows))
    text.add(
      "aggregator_upload_seconds_total", .counter,
      "Time from an object's first request to its end, added up.",
      value(\.uploadMilliseconds) / 1000)
    text.add(
      "aggregator_upload_last_success_timestamp_seconds", .gauge,
      "When an object was last stored, seconds since 1970; 0: never.", value(\.lastSuccessSeconds))
    text.add(
      "aggregator_upload_pending_objects", .gauge, "Complete objects that are not stored yet.",
      value(\.pendingObjects))
    text.add(
      "aggregator_upload_pending_bytes", .gauge, "Bytes of complete objects not stored yet.",
      value(\.pendingBytes))
    text.add(
      "aggregator_store_usable", .gauge,
      "1: the check of bucket or directory, or an upload since, has succeeded; 0: not yet, or an "
        + "upload failed since for a reason that waiting does not mend.",
      value(\.isStoreUsable))
  }

  // MARK: - Index

  private func renderIndex(_ text: inout MetricsText, _ now: Int64) {
    func each(_ read: (KubeCounters.Kind) -> Double) -> [(
      labels: MetricsText.Labels, value: Double
    )] {
      ObjectKind.allCases.map { ([("kind", $0.resource)], read(kube.kind($0))) }
    }
    text.add(
      "aggregator_index_objects", .gauge, "Objects in the index, by kind.",
      each { Double($0.objects.current) })
    text.add(
      "aggregator_watcher_ready", .gauge, "1: all objects of the kind have been listed.",
      each { Double($0.ready.current) })
    let misses = kube.misses.current
    text.add(
      "aggregator_index_lookups_total", .counter, "Lookups in the index by outcome.",
      Self.by(
        "outcome",
        [("hit", Double(max(0, kube.lookups.current - misses))), ("miss", Double(misses))]))
    text.add(
      "aggregator_index_tombstones_dropped_total", .counter,
      "Deleted objects forgotten before their time because there were too many.",
      kube.tombstonesDropped.current)
    text.add(
      "aggregator_kubernetes_requests_total", .counter,
      "Requests to the API server that ended, by kind and verb.", byVerb(\.lists, \.watches))
    text.add(
      "aggregator_kubernetes_request_seconds_total", .counter,
      "Time of requests to the API server, by kind and verb; a watch's until its answer began.",
      byVerb(\.listMicroseconds, \.watchMicroseconds).map { ($0.labels, $0.value / 1e6) })
    text.add(
      "aggregator_kubernetes_request_failures_total", .counter,
      "Requests to the API server that got no success, by kind.",
      each { Double($0.failures.current) })
    text.add(
      "aggregator_watch_restarts_total", .counter, "Watches begun again after one had ended.",
      each { Double($0.restarts.current) })
    text.add(
      "aggregator_relists_total", .counter, "Lists after the first one, by kind.",
      each { Double($0.relists.current) })
    text.add(
      "aggregator_watch_events_total", .counter, "Watch events taken in, bookmarks included.",
      each { Double($0.events.current) })
    text.add(
      "aggregator_watch_malformed_events_total", .counter,
      "Watch events that could not be read; each ends its stream.",
      each { Double($0.malformedEvents.current) })
    text.add(
      "aggregator_watch_last_event_age_seconds", .gauge,
      "Time since the last event or page of the kind; 0: none yet.",
      each { Self.age($0.lastEventSeconds.current, now) })
    text.add(
      "aggregator_index_queue_changes", .gauge, "Changes that wait to be taken into the index.",
      ingest.mailboxChanges.current)
  }

  private func byVerb(
    _ list: KeyPath<KindFigures, Int>, _ watch: KeyPath<KindFigures, Int>
  ) -> [(labels: MetricsText.Labels, value: Double)] {
    ObjectKind.allCases.flatMap { kind in
      let figures = KindFigures(kube.kind(kind))
      return [
        ([("kind", kind.resource), ("verb", "list")], Double(figures[keyPath: list])),
        ([("kind", kind.resource), ("verb", "watch")], Double(figures[keyPath: watch])),
      ]
    }
  }

  // MARK: - HTTP

  private func renderHTTP(_ text: inout MetricsText) {
    text.add(
      "aggregator_http_responses_total", .counter,
      "Answers by status; handler report is POST /metrics, other is all the rest.",
      http.answers.map { ([("handler", $0.handler), ("code", "\($0.status)")], Double($0.count)) })
    text.add(
      "aggregator_http_body_bytes_total", .counter, "Body bytes of reports as they were sent.",
      http.bodyBytes.total)
    text.add(
      "aggregator_http_report_seconds", "From a report's whole body to its answer.",
      http.replySeconds)
    text.add(
      "aggregator_http_late_reports_total", .counter,
      "Reports answered 503 because they were not durable within 4 s.", http.replyTimeouts.total)
    text.add(
      "aggregator_http_slow_connections_total", .counter,
      "Connections ended because the client was too slow.", http.slowConnections.total)
    text.add(
      "aggregator_http_connections_total", .counter, "Connections accepted.",
      http.connections.total)
    text.add(
      "aggregator_http_connections", .gauge, "Open connections.", gate.openCount)
  }
}

/// The delivery's counters, read once.
private struct DeliveryFigures {
  let stored, proved, quarantined, damaged, failures, retries, requestRetries: Int
  let storedBytes, storedRows, uploadMilliseconds, lastSuccessSeconds: Int
  let pendingObjects, pendingBytes, isStoreUsable: Int

  init(_ counters: DeliveryCounters) {
    stored = counters.stored.load(ordering: .relaxed)
    proved = counters.proved.load(ordering: .relaxed)
    quarantined = counters.quarantined.load(ordering: .relaxed)
    damaged = counters.damaged.load(ordering: .relaxed)
    failures = counters.failures.load(ordering: .relaxed)
    retries = counters.retries.load(ordering: .relaxed)
    requestRetries = counters.requestRetries.load(ordering: .relaxed)
    storedBytes = counters.storedBytes.load(ordering: .relaxed)
    storedRows = counters.storedRows.load(ordering: .relaxed)
    uploadMilliseconds = counters.uploadMilliseconds.load(ordering: .relaxed)
    lastSuccessSeconds = counters.lastSuccessSeconds.load(ordering: .relaxed)
    pendingObjects = counters.pendingObjects.load(ordering: .relaxed)
    pendingBytes = counters.pendingBytes.load(ordering: .relaxed)
    isStoreUsable = counters.isStoreUsable.load(ordering: .relaxed)
  }
}

/// One kind's counters by verb, read once.
private struct KindFigures {
  let lists, listMicroseconds, watches, watchMicroseconds: Int

  init(_ kind: KubeCounters.Kind) {
    lists = kind.lists.current
    listMicroseconds = kind.listMicroseconds.current
    watches = kind.watches.current
    watchMicroseconds = kind.watchMicroseconds.current
  }
}
