import Synchronization

/// Why reports are not taken; set by whoever knows, read by every request.
package final class IntakeGate: Sendable {
  package enum Reason: Int, CaseIterable, Sendable {
    case failed, stopping, diskFull, spoolFull, notStarted

    var text: String {
      switch self {
      case .failed: "the log cannot be written"
      case .stopping: "the service is stopping"
      case .diskFull: "the disk of DATA_DIR is full"
      case .spoolFull: "the spool is full (SPOOL_MAX_BYTES); is the object store out of reach?"
      case .notStarted: "the service is starting"
      }
    }
  }

  private let reasons = Atomic<Int>(0)

  package init() {}

  package func close(_ reason: Reason) {
    reasons.bitwiseOr(1 << reason.rawValue, ordering: .relaxed)
  }

  package func open(_ reason: Reason) {
    reasons.bitwiseAnd(~(1 << reason.rawValue), ordering: .relaxed)
  }

  package func isClosed(_ reason: Reason) -> Bool {
    reasons.load(ordering: .relaxed) & (1 << reason.rawValue) != 0
  }

  /// nil: reports are taken.
  package var refusal: String? {
    let current = reasons.load(ordering: .relaxed)
    guard current != 0 else { return nil }
    return Reason.allCases.first { current & (1 << $0.rawValue) != 0 }?.text
  }
}
