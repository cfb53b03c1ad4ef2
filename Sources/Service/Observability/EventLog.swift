import Ingest
import KubeIndex
import Logging

/// Makes log lines of what the other modules tell. Called on their threads.
enum EventLog {
  static func log(_ event: StoreEvent, _ logger: Logger) {
    logger.log(level: event.level, "\(event.message)")
  }

  // MARK: - Reports and objects

  static func log(_ event: IngestEvent, _ logger: Logger) {
    switch event {
    case .recovered(let summary):
      logger.info(
        "DATA_DIR recovered",
        metadata: [
          "writer": "\(summary.writer)", "next_segment": "\(summary.nextSegment)",
          "sealed_segments": "\(summary.sealedSegments)",
          "sealed_objects": "\(summary.sealedObjects)",
          "backlog_segments": "\(summary.backlogSegments)",
          "backlog_reports": "\(summary.backlogReports)",
          "backlog_bytes": "\(summary.backlogByteCount)",
          "retry_nodes": "\(summary.retryNodes)",
        ])
    case .unknownFile(let name):
      logger.warning("DATA_DIR holds a file that is not ours", metadata: ["name": "\(name)"])
    case .fileQuarantined(let name, let reason):
      logger.error(
        "a damaged file was set aside", metadata: ["name": "\(name)", "reason": "\(reason)"])
    case .sealUnreadable(let segment, let error):
      logger.critical(
        "a seal cannot be read: its segment's objects wait for a start that can read it",
        metadata: ["segment": "\(segment)", "error": "\(error)"])
    case .logDamaged(let segment, let offset, let byteCount):
      logger.critical(
        "the log is damaged where it was acknowledged: at most one report a stretch is lost",
        metadata: copied(segment, offset, byteCount))
    case .fileUnreadable(let name, let seconds):
      logger.critical(
        "a file of DATA_DIR cannot be read in whole: it is tried again before reports are taken",
        metadata: ["name": "\(name)", "seconds": "\(seconds)"])
    case .logGivenUp(let segment, let offset, let byteCount):
      logger.critical(
        "a part of the log could not be read for long: it counts no more, the log is kept",
        metadata: place(segment, offset, byteCount))
    case .logTorn(let segment, let offset, let byteCount):
      logger.info(
        "the log ends in the middle of a write, which was not acknowledged: it was cut off",
        metadata: place(segment, offset, byteCount))
    case .tailSuspect(let segment, let offset, let byteCount):
      logger.warning(
        "the end of the log is whole in length but bad: it may have been acknowledged",
        metadata: place(segment, offset, byteCount))
    case .replayRefused(let segment, let reason):
      logger.error(
        "a report of the log does not decode any more",
        metadata: ["segment": "\(segment)", "reason": "\(reason)"])
    case .logFailed(let segment, let error):
      logger.error(
        "a log file was given up; reports not yet durable got 503",
        metadata: ["segment": "\(segment)", "error": "\(error)"])
    case .diskFull:
      logger.error("the disk of DATA_DIR is full: reports get 503 until it has room")
    case .diskHasRoom:
      logger.info("the disk of DATA_DIR has room again: reports are taken")
    case .spoolFull(let byteCount, let limit):
      logger.error(
        "the spool is full: reports get 503 until objects are stored",
        metadata: ["bytes": "\(byteCount)", "limit": "\(limit)"])
    case .spoolHasRoom(let byteCount, let limit):
      logger.info(
        "the spool has room again: reports are taken",
        metadata: ["bytes": "\(byteCount)", "limit": "\(limit)"])
    case .spoolLimitLowered(let wanted, let effective):
      logger.warning(
        "the volume of DATA_DIR is too small for SPOOL_MAX_BYTES: the limit is lowered",
        metadata: ["wanted": "\(wanted)", "effective": "\(effective)"])
    case .indexReady(let waitingSegments):
      logger.info(
        "all watchers are ready: reports are joined from here on",
        metadata: ["waiting_segments": "\(waitingSegments)"])
    case .duplicateReport(let node):
      logger.debug("a report came again", metadata: ["node": "\(node ?? "unknown")"])
    case .segmentSealed(let segment, let objects, let rows, let byteCount, let fromBacklog):
      logger.info(
        "segment sealed",
        metadata: [
          "segment": "\(segment)", "objects": "\(objects)", "rows": "\(rows)",
          "bytes": "\(byteCount)", "backlog": "\(fromBacklog)",
        ])
    case .segmentAbandoned(let segment, let error):
      logger.error(
        "encoding failed; the segment is encoded again from its log",
        metadata: ["segment": "\(segment)", "error": "\(error)"])
    case .removalFailed(let name, let error):
      logger.warning(
        "a file that is done with cannot be removed; the next start tries again",
        metadata: ["name": "\(name)", "error": "\(error)"])
    case .fatal(let reason):
      logger.critical("the service must end", metadata: ["reason": "\(reason)"])
    }
  }

  private static func place(
    _ segment: UInt64, _ offset: Int, _ byteCount: Int
  ) -> Logger.Metadata {
    ["segment": "\(segment)", "offset": "\(offset)", "bytes": "\(byteCount)"]
  }

  /// With the name of the copy that is kept of the stretch, if there was room; of a file's header
  /// none is kept.
  private static func copied(
    _ segment: UInt64, _ offset: Int, _ byteCount: Int
  ) -> Logger.Metadata {
    var metadata = place(segment, offset, byteCount)
    if offset >= LogHeader.byteCount {
      metadata["copy"] = "\(Quarantine.fileName(segment: segment, offset: offset))"
    }
    return metadata
  }

  // MARK: - Kubernetes

  /// `debugLogger` takes what only debug mode tells; it is heard at every log level. `mask` hides
  /// our credentials in the objects.
  static func log(
    _ event: KubeEvent, _ logger: Logger, _ debugLogger: Logger, _ mask: SecretMask
  ) {
    switch event {
    case .requested(let kind, let verb, let url):
      debugLogger.info("K8S API request: \(verb.rawValue) \(kind.resource) GET \(url)")
    case .responded(let kind, let verb, let status, let milliseconds):
      debugLogger.info(
        """
        K8S API response: \(verb.rawValue) \(kind.resource) status=\(status) \
        milliseconds=\(milliseconds)
        """)
    case .received(let kind, let type, let object):
      let text = mask.mask(String(decoding: object, as: UTF8.self))
      debugLogger.info("K8S API event: \(kind.resource) \(type) object=\(text)")
    case .cacheUpdated(let kind, let type, let key, let hits, let misses):
      debugLogger.info(
        """
        K8S API cache update: \(kind.resource) \(type) \(LogText.cut(key)) \
        hits=\(hits) misses=\(misses)
        """)
    case .listed(let kind, let objects, let milliseconds):
      logger.info(
        "the watcher of \(kind.resource) is ready",
        metadata: ["objects": "\(objects)", "milliseconds": "\(milliseconds)"])
    case .failed(let kind, let verb, let reason, let retryMilliseconds):
      logger.warning(
        "\(verb.rawValue) of \(kind.resource) failed and is tried again",
        metadata: ["reason": "\(reason)", "retry_milliseconds": "\(retryMilliseconds)"])
    case .resumed(let kind, let reason):
      logger.debug("the watch of \(kind.resource) goes on", metadata: ["reason": "\(reason)"])
    case .relisting(let kind, let reason):
      logger.info("\(kind.resource) are listed again", metadata: ["reason": "\(reason)"])
    case .objectFault(let kind, let key, let reason):
      logger.warning(
        "an object of \(kind.resource) was taken in without what could not be read",
        metadata: ["key": "\(key)", "reason": "\(reason)"])
    case .credentialsUnreadable(let path, let reason):
      logger.error(
        "credentials of the API server cannot be read; the last are used on",
        metadata: ["path": "\(path)", "reason": "\(reason)"])
    }
  }
}
