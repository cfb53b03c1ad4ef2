import Foundation
import Glibc
import Ingest
import Logging
import NIOCore

/// The end in order: reports are taken a little longer, then rows are sealed and uploaded as far as
/// the time goes. A second signal skips what is left to wait for; nothing is lost either way.
struct Shutdown {
  let parts: ServiceParts
  let logger: Logger

  /// The process's exit status.
  func run() -> Int32 {
    let limit = Deadline(after: ServiceLimits.shutdownLimit)
    guardAgainstHanging()
    var isHurried = drainReports()
    parts.shared.phase = .refusing
    parts.aggregation.beginDrain()
    parts.server.closeIdleConnections()
    var isFlushed = false
    while !isFlushed, !isHurried, !limit.hasPassed {
      isFlushed = parts.aggregation.flush(deadline: ServiceLimits.shutdownSlice)
      isHurried = isHurried || wasSignalled()
    }
    var isStored = false
    while !isStored, !isHurried, !limit.hasPassed {
      isStored = parts.delivery.drain(within: ServiceLimits.shutdownSlice)
      isHurried = isHurried || wasSignalled()
    }
    parts.stop()
    let waitingReports = parts.ingest.reportsWaitingForIndex.current
    if isFlushed && isStored && waitingReports == 0 {
      logger.info("stopped: nothing waits, every row is stored or set aside")
    } else {
      logger.warning(
        "stopped: what is not stored stays in DATA_DIR and is stored after the next start",
        metadata: [
          "joined": "\(isFlushed && waitingReports == 0)", "stored": "\(isStored)",
          "waiting_reports": "\(waitingReports)",
        ])
    }
    return 0
  }

  /// Takes reports for a while, since load balancers learn late that we stop. True: hurried.
  private func drainReports() -> Bool {
    parts.shared.phase = .draining
    let start = NIODeadline.now()
    while NIODeadline.now() - start < TimeAmount(ServiceLimits.drainWindow) {
      if wasSignalled(milliseconds: 50) { return true }
      if parts.fatal.isSet { return true }
      let last = max(parts.shared.lastReportUptimeNanoseconds, start.uptimeNanoseconds)
      let quiet =
        NIODeadline.now().uptimeNanoseconds - min(last, NIODeadline.now().uptimeNanoseconds)
      if quiet >= UInt64(TimeAmount(ServiceLimits.drainQuiet).nanoseconds) { break }
    }
    return false
  }

  private func wasSignalled(milliseconds: Int = 0) -> Bool {
    guard let name = Signals.wait(milliseconds: milliseconds) else { return false }
    logger.info("\(name) again: what is not stored yet is left for the next start")
    return true
  }

  /// A call that does not come back must not keep the process: what is in DATA_DIR is safe.
  private func guardAgainstHanging() {
    let logger = logger
    let thread = Thread {
      Thread.sleep(forTimeInterval: (ServiceLimits.shutdownLimit + .seconds(3)).seconds)
      logger.warning("stopping took too long; what is not stored is stored after the next start")
      _exit(0)
    }
    thread.start()
  }
}

/// A moment on the monotonic clock.
struct Deadline {
  private let moment: ContinuousClock.Instant

  init(after duration: Duration) {
    moment = ContinuousClock.now + duration
  }

  var hasPassed: Bool { ContinuousClock.now >= moment }
}

extension Duration {
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
