import Glibc
import Ingest
import KubeIndex

/// What GET answers, from the state of all parts.
final class ServiceContent: HTTPContent {
  private let debugKubernetesAPI: Bool
  private let intake: any ReportIntake
  private let statuses: WatcherStatuses
  private let metrics: MetricsRenderer
  private let schemaBytes = Array(ReportSchema.json.utf8)

  init(
    debugKubernetesAPI: Bool, intake: any ReportIntake, statuses: WatcherStatuses,
    metrics: MetricsRenderer
  ) {
    self.debugKubernetesAPI = debugKubernetesAPI
    self.intake = intake
    self.statuses = statuses
    self.metrics = metrics
  }

  func health() -> HealthReport {
    HealthReport(
      debugKubernetesAPI: debugKubernetesAPI, nodes: statuses[.nodes].isReady,
      pods: statuses[.pods].isReady, claims: statuses[.persistentVolumeClaims].isReady,
      volumes: statuses[.persistentVolumes].isReady)
  }

  func notReadyReason() -> String? { intake.refusal }

  func renderMetrics() -> [UInt8] { metrics.render(now: WallClock.seconds()) }

  func schema() -> [UInt8] { schemaBytes }
}
