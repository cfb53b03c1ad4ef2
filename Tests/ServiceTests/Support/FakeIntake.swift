import Ingest
import Synchronization

@testable import Service

/// A writer's door for tests: answers by what the body says, or as the test lets it.
final class FakeIntake: ReportIntake {
  struct State {
    var refusal: String?
    /// Room left in the queue; nil: always room.
    var room: Int?
    /// Answers are kept back until `release` is called.
    var holds = false
    var held: [(UInt64, any ReportReplySink, ReportOutcome)] = []
    var bodies: [[UInt8]] = []
    var resume: [@Sendable () -> Void] = []
  }

  let state = Mutex(State())

  var refusal: String? { state.withLock { $0.refusal } }

  var bodies: [[UInt8]] { state.withLock { $0.bodies } }

  /// `bad…` is refused, `busy…` not durable; all else is accepted.
  func trySubmit(_ body: ReportBody, token: UInt64, sink: any ReportReplySink) -> Bool {
    let bytes = Array(body.bytes)
    let outcome: ReportOutcome =
      bytes.starts(with: "bad".utf8)
      ? .refused(path: "/pods/3/name", message: "must not be \"empty\"")
      : bytes.starts(with: "busy".utf8)
        ? .unavailable(message: "the log write failed") : .accepted(rows: 1, duplicate: false)
    let isTaken = state.withLock { state -> (taken: Bool, answered: Bool) in
      if let room = state.room {
        guard room > 0 else { return (false, false) }
        state.room = room - 1
      }
      state.bodies.append(bytes)
      if state.holds { state.held.append((token, sink, outcome)) }
      return (true, !state.holds)
    }
    if isTaken.answered { sink.deliver([ReportReply(token: token, outcome: outcome)]) }
    return isTaken.taken
  }

  func whenRoom(_ resume: @escaping @Sendable () -> Void) {
    state.withLock { $0.resume.append(resume) }
  }

  func makeRoom(_ count: Int?) {
    let waiting = state.withLock { state in
      state.room = count
      defer { state.resume = [] }
      return state.resume
    }
    for resume in waiting { resume() }
  }

  func release() {
    let held = state.withLock { state in
      state.holds = false
      defer { state.held = [] }
      return state.held
    }
    for (token, sink, outcome) in held {
      sink.deliver([ReportReply(token: token, outcome: outcome)])
    }
  }
}

/// What GET answers in tests.
final class FakeContent: HTTPContent {
  let report = Mutex(
    HealthReport(debugKubernetesAPI: false, nodes: true, pods: true, claims: true, volumes: true))

  let schemaBytes = Mutex(Array("{}\n".utf8))

  func health() -> HealthReport { report.withLock { $0 } }
  func notReadyReason() -> String? { nil }
  func renderMetrics() -> [UInt8] { Array("aggregator_test 1\n".utf8) }
  func schema() -> [UInt8] { schemaBytes.withLock { $0 } }
}
