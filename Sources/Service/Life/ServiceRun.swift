import Foundation
import Glibc
import Ingest
import KubeIndex
import Logging

/// The running service: puts the parts together, and takes them apart in order at the end.
struct ServiceRun {
  let settings: Settings
  let endpoint: APIServerEndpoint
  /// Where the way to the API server was found, in words.
  let source: String
  let output = LogOutput()

  /// The process's exit status.
  func run() -> Int32 {
    Signals.prepare()
    let logger = makeLogger("service", level: settings.logLevel)
    logStart(logger)
    do {
      let parts = try ServiceParts(
        settings: settings, endpoint: endpoint, logger: logger,
        debugLogger: makeLogger("kubernetes", level: min(settings.logLevel, .info)))
      return start(parts, logger)
    } catch {
      return fail("\(error)", logger)
    }
  }

  private func fail(_ reason: String, _ logger: Logger) -> Int32 {
    logger.critical("the service cannot start", metadata: ["reason": "\(reason)"])
    return 1
  }

  private func makeLogger(_ label: String, level: Logger.Level) -> Logger {
    Logger(label: label) { _ in
      LineLogHandler(level: level, format: settings.logFormat, output: output)
    }
  }

  private func logStart(_ logger: Logger) {
    logger.info("aggregator \(ProductVersion.text) starts")
    var values: Logger.Metadata = [:]
    for (name, value) in settings.effectiveValues { values[name] = "\(value)" }
    logger.info("effective settings", metadata: values)
    for warning in settings.warnings { logger.warning("\(warning)") }
    logger.info(
      "Kubernetes API server found",
      metadata: ["server": "\(endpoint.baseURL)", "source": "\(source)"])
  }

  // MARK: - Recovery

  /// The port answers already. A recovery that is over soon leaves one line, `listening`, which
  /// then says that reports are taken; a longer one says so in a line of its own.
  private func start(_ parts: ServiceParts, _ logger: Logger) -> Int32 {
    let listening = "listening on \(Self.address(settings.host, parts.server.port))"
    let recovery = RecoveryThread(parts.aggregation)
    let begin = ContinuousClock.now
    var isAnnounced = false
    while true {
      switch recovery.wait(.milliseconds(ServiceLimits.mainLoopMilliseconds)) {
      case .recovered:
        parts.start()
        logger.info(isAnnounced ? "DATA_DIR is recovered: reports are taken" : "\(listening)")
        return serve(parts, logger)
      case .failed(let error):
        parts.server.stop()
        return fail("\(parts.failure(error))", logger)
      case nil:
        if let name = Signals.wait(milliseconds: 0) {
          logger.info(
            "\(name): stopped before DATA_DIR was recovered; the next start goes on with it")
          // The recovery is still at work; whatever its last step is, the next start repeats it.
          _exit(0)
        }
        if !isAnnounced, ContinuousClock.now - begin >= ServiceLimits.quietRecovery {
          isAnnounced = true
          logger.info("\(listening); reports get 503 until DATA_DIR is recovered")
        }
      }
    }
  }

  // MARK: - Until the end

  private func serve(_ parts: ServiceParts, _ logger: Logger) -> Int32 {
    var reminder = WatcherReminder(statuses: parts.reflectors.statuses, counters: parts.ingest)
    while true {
      if let name = Signals.wait(milliseconds: ServiceLimits.mainLoopMilliseconds) {
        logger.info("\(name): stopping; reports are taken for a short while yet")
        return Shutdown(parts: parts, logger: logger).run()
      }
      if parts.fatal.isSet {
        parts.abandon()
        // Threads are still at work: what `exit` would take apart, they use.
        _exit(1)
      }
      reminder.tick(logger)
    }
  }

  private static func address(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// Says every 60 s which watcher is not ready, why, and how many reports wait for it.
struct WatcherReminder {
  let statuses: WatcherStatuses
  let counters: IngestCounters
  private var next = ContinuousClock.now + ServiceLimits.watcherReminderInterval

  init(statuses: WatcherStatuses, counters: IngestCounters) {
    self.statuses = statuses
    self.counters = counters
  }

  mutating func tick(_ logger: Logger) {
    guard ContinuousClock.now >= next else { return }
    next = ContinuousClock.now + ServiceLimits.watcherReminderInterval
    for kind in ObjectKind.allCases where !statuses[kind].isReady {
      logger.warning(
        "the watcher of \(kind.resource) is not ready",
        metadata: [
          "reason": "\(statuses[kind].reason ?? "listing")",
          "waiting_reports": "\(counters.reportsWaitingForIndex.current)",
        ])
    }
  }
}
