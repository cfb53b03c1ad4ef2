import Columnar
import Ingest
import Logging
import Testing

@testable import Service

/// Protects the table of variables: what each accepts, and that every fault is told at once.
@Suite struct SettingsTests {
  static func read(_ environment: [String: String]) -> (settings: Settings, errors: [String]) {
    let (settings, errors) = SettingsReader.read(environment: environment)
    return (settings, errors.map(\.variable))
  }

  @Test func defaults() {
    let (settings, errors) = Self.read([:])
    #expect(errors.isEmpty)
    #expect(settings.bucket == "k8s-usage-data" && settings.prefix == "k8s-metrics/")
    #expect(settings.region == "us-east-1" && settings.host == "0.0.0.0" && settings.port == 8888)
    #expect(settings.dataDirectory == "/var/lib/aggregator")
    #expect(settings.spoolMaximumByteCount == 10_737_418_240)
    #expect(settings.flushIntervalSeconds == 300 && settings.flushMaximumByteCount == 134_217_728)
    #expect(settings.bodyMaximumByteCount == 10_485_760)
    #expect(settings.parquetEncodings == .standard && settings.ingest.encodings == .standard)
    #expect(!settings.debugKubernetesAPI && settings.storage == .s3)
    #expect(settings.logLevel == .info && settings.logFormat == .text)
  }

  @Test("An empty variable counts as unset, but an empty prefix is none")
  func empty() {
    var environment: [String: String] = [:]
    for variable in SettingsTable.variables { environment[variable.name] = "" }
    let (settings, errors) = Self.read(environment)
    #expect(errors.isEmpty)
    #expect(settings.prefix.isEmpty)
    #expect(settings.bucket == "k8s-usage-data")
    #expect(settings.environment.isEmpty)
  }

  @Test(arguments: [
    ("PORT", "65535"), ("PORT", "0"), ("FLUSH_INTERVAL_SECONDS", "1"),
    ("FLUSH_INTERVAL_SECONDS", "3600"), ("DEBUG_K8S_API", "TRUE"), ("DEBUG_K8S_API", "0"),
    ("AWS_ENDPOINT_URL", "http://minio:9000"), ("AWS_ENDPOINT_URL", "https://[::1]:9000/"),
    ("AWS_ENDPOINT_URL", "https://a/storage/v1/s3"),
    ("STORAGE_URL", "file:///tmp/x"), ("S3_PREFIX", "a/{cluster_name}/{date}/"),
    ("S3_PREFIX", "a"), ("LOG_LEVEL", "DEBUG"), ("LOG_FORMAT", "json"), ("HOST", "127.0.0.1"),
    ("PARQUET_ENCODINGS", "default"), ("PARQUET_ENCODINGS", "Modern"),
    ("S3_BUCKET", "a.b-c"), ("MAX_BODY_BYTES", "33554432"),
  ])
  func accepted(_ name: String, _ value: String) {
    #expect(Self.read([name: value]).errors.isEmpty)
  }

  @Test(arguments: [
    ("PORT", "65536"), ("PORT", "-1"), ("PORT", "80 "), ("PORT", "http"), ("PORT", "0x50"),
    ("PORT", "99999999999999999999"), ("FLUSH_INTERVAL_SECONDS", "0"),
    ("FLUSH_INTERVAL_SECONDS", "3601"), ("FLUSH_INTERVAL_SECONDS", "1.5"),
    ("DEBUG_K8S_API", "yes"), ("AWS_ENDPOINT_URL", "minio:9000"),
    ("AWS_ENDPOINT_URL", "ftp://minio"), ("AWS_ENDPOINT_URL", "http://a/b?c"),
    ("AWS_ENDPOINT_URL", "http://u:p@a"), ("AWS_ENDPOINT_URL", "http://a:99999"),
    ("AWS_ENDPOINT_URL", "http://"), ("STORAGE_URL", "s3://bucket"),
    ("STORAGE_URL", "file://host/x"),
    ("STORAGE_URL", "/tmp/x"), ("STORAGE_URL", "file:///"), ("S3_PREFIX", "{node_name}/"),
    ("S3_PREFIX", "{dt}/"), ("S3_PREFIX", "a{"), ("S3_PREFIX", "a}"), ("S3_PREFIX", "a\nb"),
    ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("S3_BUCKET", "a/b"), ("S3_BUCKET", "ab"),
    ("AWS_REGION", "eu west"), ("HOST", "a b"), ("MAX_BODY_BYTES", "33554433"),
    ("PARQUET_ENCODINGS", "v2"), ("SPOOL_MAX_BYTES", "0"), ("AWS_CA_BUNDLE", "/no/such/file"),
    ("CLUSTER_NAME", "a\u{7}b"),
  ])
  func refused(_ name: String, _ value: String) {
    #expect(Self.read([name: value]).errors == [name])
  }

  @Test("The encodings reach the writer of files")
  func encodings() {
    let settings = Self.read(["PARQUET_ENCODINGS": "modern"]).settings
    #expect(settings.ingest.encodings == .modern)
    let errors = SettingsReader.read(environment: ["PARQUET_ENCODINGS": "delta"]).errors
    #expect(errors.map(\.description) == ["PARQUET_ENCODINGS=delta: default or modern"])
  }

  @Test("HOST is what this machine can listen on, and else it is told what was wrong with it")
  func hosts() {
    let here = SettingsReader.read(environment: ["HOST": "localhost"])
    #expect(here.errors.isEmpty && here.settings.host == "localhost")
    #expect(["127.0.0.1", "::1"].contains(here.settings.listenAddress))

    // An address of the documentation's network (RFC 5737): nobody has it.
    let elsewhere = SettingsReader.read(environment: ["HOST": "192.0.2.1"]).errors
    #expect(elsewhere.count == 1)
    let text = elsewhere.first?.description ?? ""
    #expect(text.hasPrefix("HOST=192.0.2.1: is not an address of this machine"))
    #expect(text.contains("accepted are an IP address of this machine, 0.0.0.0 or ::"))

    let unknown = SettingsReader.read(environment: ["HOST": "nohost"]) {
      (_) throws(ListenAddress.Failure) in throw .notResolved("no such name")
    }
    #expect(
      unknown.errors.map(\.description).allSatisfy {
        $0.hasPrefix("HOST=nohost: does not resolve (no such name); accepted are")
      })
    #expect(unknown.errors.count == 1)
  }

  @Test("All faults are told, each with value and what is accepted")
  func allAtOnce() {
    let (_, errors) = SettingsReader.read(environment: [
      "PORT": "x", "LOG_FORMAT": "xml", "S3_PREFIX": "{node_name}", "DEBUG_K8S_API": "maybe",
    ])
    #expect(Set(errors.map(\.variable)) == ["PORT", "LOG_FORMAT", "S3_PREFIX", "DEBUG_K8S_API"])
    for error in errors { #expect(error.description.contains("=")) }
    let prefix = errors.first { $0.variable == "S3_PREFIX" }
    #expect(prefix?.description.contains("many nodes") == true)
  }

  @Test("A secret is shown neither in an error nor among the effective settings")
  func secrets() {
    let canary = "canary-7f3a"
    let (_, errors) = SettingsReader.read(environment: [
      "AWS_SECRET_ACCESS_KEY": canary, "AWS_ENDPOINT_URL": "https://user:\(canary)@host",
    ])
    #expect(errors.count == 2)
    for error in errors { #expect(!error.description.contains(canary)) }
    let (settings, _) = SettingsReader.read(environment: [
      "AWS_SECRET_ACCESS_KEY": canary, "AWS_ACCESS_KEY_ID": canary, "AWS_SESSION_TOKEN": canary,
    ])
    for (_, value) in settings.effectiveValues { #expect(!value.contains(canary)) }
  }

  @Test func warnings() {
    #expect(Self.read(["CLUSTER_NAME": "c"]).settings.warnings.isEmpty)
    #expect(Self.read([:]).settings.warnings.count == 1)
    let all = Self.read(["S3_PREFIX": "a", "AWS_ENDPOINT_URL": "http://x"]).settings.warnings
    #expect(all.count == 3)
  }

  @Test("Every variable is in the help, with default and meaning")
  func help() {
    for variable in SettingsTable.variables {
      #expect(SettingsTable.help.contains("\(variable.name)  [\(variable.defaultText)]"))
      #expect(SettingsTable.help.contains(variable.meaning))
    }
    let effective = Set(Settings().effectiveValues.map(\.name))
    #expect(effective == Set(SettingsTable.variables.map(\.name)))
  }

  @Test func directories() {
    #expect(SettingsReader.directory("file:///a/b/") == "/a/b")
    #expect(SettingsReader.directory("file:///a%20b") == "/a b")
    #expect(SettingsReader.directory("file:///a%2") == nil)
    #expect(SettingsReader.directory("file:///a%00") == nil)
  }
}
