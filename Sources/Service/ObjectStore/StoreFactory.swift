import Foundation
import Ingest
import KubeIndex

/// Where objects go, as the settings say.
struct StoreSettings: Sendable {
  enum Place: Sendable, Equatable {
    /// `endpoint`: AWS_ENDPOINT_URL, if set.
    case s3(bucket: String, region: String, endpoint: String?)
    /// An absolute path, from `file://`.
    case directory(String)
  }

  var place: Place
  /// S3_PREFIX as given.
  var prefix: String
  /// AWS_CA_BUNDLE, if set.
  var caBundlePath: String?
  /// The whole environment: the credential chain reads its variables from it.
  var environment: [String: String]
  /// FLUSH_MAX_BYTES.
  var flushMaximumByteCount: Int
}

/// Why no store can be made of the settings. `variable` names the setting.
struct StoreSettingsError: Error, CustomStringConvertible {
  var variable: String
  var message: String

  var description: String { "\(variable): \(message)" }
}

extension Delivery {
  /// The delivery to the place that the settings name. Opens no connection and reads no file but
  /// the CA bundle. `dataDirectory`: the path of what `disk` stands for.
  static func make(
    _ settings: StoreSettings, disk: any Disk, dataDirectory: String,
    clock: any StoreClock = SystemStoreClock(), events: @escaping StoreEventSink,
    counters: DeliveryCounters = DeliveryCounters()
  ) throws(StoreSettingsError) -> Delivery {
    let store: any ObjectStore
    let checkLine: @Sendable (StoreFailure?) -> String
    switch settings.place {
    case .directory(let path):
      guard path.hasPrefix("/") else {
        throw StoreSettingsError(
          variable: "STORAGE_URL", message: "file:// needs an absolute path, as in file:///dir")
      }
      let directory = DirectoryStore(root: path)
      store = directory
      let prefix = settings.prefix
      checkLine = { failure in
        "Store check, in place of S3: directory=\(path) prefix=\(prefix) result="
          + (failure?.message ?? "ok")
      }
    case .s3(let bucket, let region, let endpoint):
      let s3 = try makeS3(
        settings, bucket, region, endpoint, clock: clock, events: events, counters: counters)
      store = s3
      let prefix = settings.prefix
      checkLine = { failure in
        let address = s3.address
        return "S3 check: bucket=\(bucket) prefix=\(prefix) region=\(address.region)"
          + " endpoint=\(address.endpointText) credentials=\(s3.credentialSource ?? "none")"
          + " result=\(failure?.message ?? "ok")"
      }
    }
    let runner = DeliveryRunner(
      store: store, disk: disk, directory: dataDirectory, checkLine: checkLine, events: events)
    return Delivery(
      runner: runner, maximumFileByteCount: settings.flushMaximumByteCount, clock: clock,
      events: events, counters: counters)
  }

  private static func makeS3(
    _ settings: StoreSettings, _ bucket: String, _ region: String, _ endpoint: String?,
    clock: any StoreClock, events: @escaping StoreEventSink, counters: DeliveryCounters
  ) throws(StoreSettingsError) -> S3Store {
    guard let address = S3Address(bucket: bucket, region: region, endpoint: endpoint) else {
      throw StoreSettingsError(
        variable: "AWS_ENDPOINT_URL", message: "wanted an http:// or https:// URL without a query")
    }
    var tls = TLSTrust()
    if let path = settings.caBundlePath { tls.furtherRootsPEM = try readBundle(path) }
    let connection = S3Connection()
    let chain = CredentialChain(
      providers: CredentialSettings(
        environment: settings.environment, region: region, tls: tls,
        send: { (request) throws(TransportError) in
          try connection.send(
            request, maximumBodyByteCount: ServiceLimits.maximumSmallFileByteCount)
        }
      ).providers, clock: clock, events: events)
    let exchange = S3Exchange(
      address: address, credentials: chain, tls: tls, connection: connection, clock: clock,
      events: events, counters: counters)
    // The part of the prefix in front of what differs between objects.
    let fixedPrefix = settings.prefix.split(separator: "{", omittingEmptySubsequences: false).first
    return S3Store(
      bucket: bucket, prefix: String(fixedPrefix ?? ""), exchange: exchange,
      connection: connection, clock: clock)
  }

  private static func readBundle(_ path: String) throws(StoreSettingsError) -> [UInt8] {
    switch SmallFile.read(path) {
    case .failure(let failure):
      throw StoreSettingsError(variable: "AWS_CA_BUNDLE", message: "\(path) \(failure.text)")
    case .success(let bytes):
      guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
        throw StoreSettingsError(
          variable: "AWS_CA_BUNDLE", message: "\(path) holds no PEM certificate")
      }
      return bytes
    }
  }
}
