import Ingest
import Synchronization

/// What the HTTP side asks of the rest of the service. Called on event loops: it must not block.
protocol HTTPContent: AnyObject, Sendable {
  /// The members of `GET /health`.
  func health() -> HealthReport
  /// Why reports cannot be taken now; nil: they can.
  func notReadyReason() -> String?
  /// Prometheus text, format 0.0.4.
  func renderMetrics() -> [UInt8]
  /// The JSON Schema of a report.
  func schema() -> [UInt8]
}

/// The watchers' state as `GET /health` tells it.
struct HealthReport: Equatable {
  var debugKubernetesAPI: Bool
  var nodes: Bool
  var pods: Bool
  var claims: Bool
  var volumes: Bool

  var allReady: Bool { nodes && pods && claims && volumes }

  /// Exactly the described members, in the described order.
  func json() -> [UInt8] {
    var text = JSONText()
    text.append(raw: #"{"status":"#)
    text.append(allReady ? "healthy" : "unhealthy")
    text.append(raw: #","debug_k8s_api":"#)
    text.append(debugKubernetesAPI)
    text.append(raw: #","watchers_initialized":{"nodes":"#)
    text.append(nodes)
    text.append(raw: #","pods":"#)
    text.append(pods)
    text.append(raw: #","pvcs":"#)
    text.append(claims)
    text.append(raw: #","pvs":"#)
    text.append(volumes)
    text.append(raw: #"},"all_watchers_ready":"#)
    text.append(allReady)
    text.append(raw: "}\n")
    return text.bytes
  }
}

/// How far the end of the service has come.
enum ServicePhase: Int {
  case serving
  /// Reports are still taken, each answer closes its connection, `/readyz` is 503.
  case draining
  /// Reports are answered 503.
  case refusing
}

/// What all event loops of the server share. Thread-safe: everything is constant or atomic.
final class HTTPShared: Sendable {
  let maximumBodyByteCount: Int
  let intake: any ReportIntake
  let content: any HTTPContent
  let budget: BodyBudget
  let counters: HTTPCounters
  let gate: AcceptGate
  /// How long written bytes may stay unsent.
  let writeTimeout: Duration
  private let phaseValue = Atomic<Int>(ServicePhase.serving.rawValue)
  /// Uptime in nanoseconds at which the last report's head was read.
  private let lastReport = Atomic<UInt64>(0)
  /// Connections whose body waits for memory, on all loops.
  private let memoryWaiterCount = Atomic<Int>(0)

  init(
    maximumBodyByteCount: Int, intake: any ReportIntake, content: any HTTPContent,
    counters: HTTPCounters, gate: AcceptGate, budget: BodyBudget = BodyBudget(),
    writeTimeout: Duration = ServiceLimits.writeTimeout
  ) {
    self.maximumBodyByteCount = maximumBodyByteCount
    self.intake = intake
    self.content = content
    self.counters = counters
    self.gate = gate
    self.budget = budget
    self.writeTimeout = writeTimeout
  }

  var phase: ServicePhase {
    get { ServicePhase(rawValue: phaseValue.load(ordering: .relaxed)) ?? .refusing }
    set { phaseValue.store(newValue.rawValue, ordering: .relaxed) }
  }

  func noteReport(at now: UInt64) {
    lastReport.store(now, ordering: .relaxed)
  }

  var lastReportUptimeNanoseconds: UInt64 { lastReport.load(ordering: .relaxed) }

  func changeMemoryWaiters(by change: Int) {
    memoryWaiterCount.add(change, ordering: .relaxed)
  }

  var isMemoryShort: Bool { memoryWaiterCount.load(ordering: .relaxed) > 0 }

  /// Why a report is not taken, told before its body is read.
  var refusal: String? {
    phase == .refusing ? "the service is stopping" : intake.refusal
  }

  /// The answer to a GET or HEAD of `route`.
  func answer(to route: Route) -> HTTPAnswer {
    switch route {
    case .health:
      let report = content.health()
      return HTTPAnswer(status: report.allReady ? 200 : 503, body: report.json())
    case .livez:
      return HTTPAnswer(status: 200, body: Array("{\"status\":\"ok\"}\n".utf8))
    case .readyz:
      let reason = phase == .serving ? content.notReadyReason() : "the service is stopping"
      if let reason { return HTTPAnswer(unavailable: reason) }
      return HTTPAnswer(status: 200, body: Array("{\"status\":\"ok\"}\n".utf8))
    case .metrics:
      return HTTPAnswer(status: 200, contentType: .prometheus, body: content.renderMetrics())
    case .schema:
      return HTTPAnswer(status: 200, contentType: .schema, body: content.schema())
    }
  }
}
