import Glibc
import Ingest
import KubeIndex
import Logging
import NIOCore

/// All parts of the service, made in the order in which they depend on each other: DATA_DIR is
/// locked first, then the port is taken. From there on GET is answered, and reports get 503 until
/// the aggregation is recovered and `start` has made the rest run.
final class ServiceParts {
  let ingest = IngestCounters()
  let kube = KubeCounters()
  let uploads = DeliveryCounters()
  let fatal = FatalFlag()
  let delivery: Delivery
  let aggregation: Aggregation
  let reflectors: Reflectors
  let shared: HTTPShared
  let server: HTTPServer
  private let dataDirectory: String
  private var reflectorThread: WorkerThread?

  init(
    settings: Settings, endpoint: APIServerEndpoint, logger: Logger, debugLogger: Logger
  ) throws {
    let descriptors = DescriptorShares.raised()
    let disk = try Self.openDataDirectory(settings.dataDirectory)
    delivery = try Delivery.make(
      settings.store, disk: disk, dataDirectory: settings.dataDirectory,
      events: { EventLog.log($0, logger) }, counters: uploads)
    let fatal = fatal
    dataDirectory = settings.dataDirectory
    var ingestSettings = settings.ingest
    ingestSettings.maximumOpenObjects = descriptors.openObjects
    do {
      aggregation = try Aggregation(
        settings: ingestSettings, disk: disk, delivery: delivery, counters: ingest,
        kubeCounters: kube
      ) { event in
        EventLog.log(event, logger)
        if case .fatal = event { fatal.set() }
      }
    } catch {
      throw Self.failure(error, dataDirectory)
    }
    let mask = SecretMask(environment: settings.environment, endpoint: endpoint)
    reflectors = try Reflectors(
      endpoint: endpoint, mailbox: aggregation.mailbox, counters: kube,
      isDebug: settings.debugKubernetesAPI
    ) { event in
      EventLog.log(event, logger, debugLogger, mask)
    }
    let httpCounters = HTTPCounters()
    let gate = AcceptGate(limit: descriptors.connections)
    let content = ServiceContent(
      debugKubernetesAPI: settings.debugKubernetesAPI, intake: aggregation.intake,
      statuses: reflectors.statuses,
      metrics: MetricsRenderer(
        ingest: ingest, kube: kube, uploads: uploads, http: httpCounters, gate: gate))
    shared = HTTPShared(
      maximumBodyByteCount: settings.bodyMaximumByteCount, intake: aggregation.intake,
      content: content, counters: httpCounters, gate: gate)
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    do {
      server = try HTTPServer(
        host: settings.listenAddress, port: settings.port,
        loopCount: HTTPServer.loopCount(processorCount: processors), shared: shared)
    } catch {
      throw StartFailure(Self.listenFailure(settings, error))
    }
  }

  private static func openDataDirectory(_ path: String) throws -> RealDisk {
    do {
      return try RealDisk(path: path)
    } catch {
      throw StartFailure(unusable(path, String(cString: strerror(error.errno))))
    }
  }

  private static func unusable(_ path: String, _ reason: String) -> String {
    "DATA_DIR=\(path) cannot be used: \(reason); it must be a directory that this user "
      + "(uid \(getuid())) may write"
  }

  private static func listenFailure(_ settings: Settings, _ error: any Error) -> String {
    let place = "HOST=\(settings.host) PORT=\(settings.port)"
    guard let error = error as? IOError else { return "cannot listen on \(place): \(error)" }
    let advice =
      switch error.errnoCode {
      case EADDRINUSE: "; another process has this port: choose another PORT, or 0 for a free one"
      case EACCES: "; a PORT below 1024 needs a privilege: choose a higher one"
      default: ""
      }
    return "cannot listen on \(place): \(String(cString: strerror(error.errnoCode)))\(advice)"
  }

  /// What to tell of a start that failed.
  func failure(_ error: Aggregation.StartError) -> StartFailure {
    Self.failure(error, dataDirectory)
  }

  private static func failure(_ error: Aggregation.StartError, _ path: String) -> StartFailure {
    if case .prefix = error { return StartFailure(error.description) }
    if case .disk(let error) = error, [EACCES, EPERM, EROFS].contains(error.errno) {
      return StartFailure(unusable(path, error.description))
    }
    return StartFailure("DATA_DIR=\(path): \(error)")
  }

  /// Starts every thread: reports are joined once the watchers are ready, uploads go on at once.
  func start() {
    aggregation.start()
    let reflectors = reflectors
    reflectorThread = WorkerThread(name: "kubernetes") { reflectors.run() }
    delivery.start(observer: aggregation.deliveryObserver)
  }

  /// Ends all threads. What is not stored stays in DATA_DIR.
  func stop() {
    aggregation.stop(deadline: .zero)
    reflectors.stop()
    reflectorThread?.join()
    delivery.stop()
    server.stop()
  }

  /// Ends at once, after a fault that leaves nothing to finish: what was acknowledged is durable.
  func abandon() {
    shared.phase = .refusing
    // The answers to reports that were under way go out first.
    usleep(200_000)
  }
}

/// Why the service cannot start.
struct StartFailure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}

extension Settings {
  var ingest: IngestSettings {
    IngestSettings(
      prefix: prefix, clusterName: clusterName, spoolMaximumByteCount: spoolMaximumByteCount,
      flushInterval: .seconds(flushIntervalSeconds),
      flushMaximumByteCount: flushMaximumByteCount, encodings: parquetEncodings)
  }

  var store: StoreSettings {
    let place: StoreSettings.Place
    switch storage {
    case .s3: place = .s3(bucket: bucket, region: region, endpoint: endpointURL)
    case .directory(let path): place = .directory(path)
    }
    return StoreSettings(
      place: place, prefix: prefix, caBundlePath: caBundle, environment: environment,
      flushMaximumByteCount: flushMaximumByteCount)
  }
}
