import Columnar
import Glibc
import Logging

/// A variable whose value cannot be used.
struct SettingError: Error, Equatable, CustomStringConvertible {
  var variable: String
  /// nil: there is none, or it is secret.
  var value: String?
  /// What is wrong with it, where the value does not show that, and what would have been accepted.
  var accepted: String

  var description: String {
    let shown = value.map { "\(variable)=\(LogText.quoted(LogText.cut($0)))" } ?? variable
    return "\(shown): \(accepted)"
  }
}

/// Reads all variables and collects every fault, so that one start tells them all.
struct SettingsReader {
  /// The numeric address to bind for a HOST.
  typealias Resolve = (String) throws(ListenAddress.Failure) -> String

  private let environment: [String: String]
  private let resolve: Resolve
  private(set) var errors: [SettingError] = []

  private init(environment: [String: String], resolve: @escaping Resolve) {
    self.environment = environment
    self.resolve = resolve
  }

  /// The settings, or every fault in the order of `--help`.
  static func read(
    environment: [String: String], resolve: @escaping Resolve = ListenAddress.find
  ) -> (settings: Settings, errors: [SettingError]) {
    var reader = SettingsReader(environment: environment, resolve: resolve)
    let settings = reader.readAll()
    return (settings, reader.errors)
  }

  private mutating func readAll() -> Settings {
    var settings = Settings()
    settings.environment = environment.filter { !$0.value.isEmpty }
    readStorage(&settings)
    settings.clusterName = text("CLUSTER_NAME", "a name of at most 256 bytes") {
      $0.utf8.count <= 256 && !$0.unicodeScalars.contains(where: \.isControlOrLineEnd) ? $0 : nil
    }
    readHost(&settings)
    number("PORT", 0...65535, &settings.port)
    read("DATA_DIR", "a directory", &settings.dataDirectory) { $0.contains("\0") ? nil : $0 }
    number("SPOOL_MAX_BYTES", 16_777_216...Int.max / 4, &settings.spoolMaximumByteCount)
    number("FLUSH_INTERVAL_SECONDS", 1...3600, &settings.flushIntervalSeconds)
    number("FLUSH_MAX_BYTES", 65_536...68_719_476_736, &settings.flushMaximumByteCount)
    number("MAX_BODY_BYTES", 1024...33_554_432, &settings.bodyMaximumByteCount)
    read("PARQUET_ENCODINGS", "default or modern", &settings.parquetEncodings) {
      NumberEncodings(rawValue: $0.lowercased())
    }
    settings.kubeconfig = value("KUBECONFIG")
    read("DEBUG_K8S_API", "true, false, 1 or 0", &settings.debugKubernetesAPI, Self.boolean)
    let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
    read("LOG_LEVEL", "one of \(levels)", &settings.logLevel) {
      Logger.Level(rawValue: $0.lowercased())
    }
    read("LOG_FORMAT", "text or json", &settings.logFormat) {
      Settings.LogFormat(rawValue: $0.lowercased())
    }
    return settings
  }

  /// The name as given stays for the log; the server binds what it stands for.
  private mutating func readHost(_ settings: inout Settings) {
    guard let host = value("HOST") else { return }
    settings.host = host
    do throws(ListenAddress.Failure) {
      settings.listenAddress = try resolve(host)
    } catch {
      fail("HOST", error.explanation)
    }
  }

  private mutating func readStorage(_ settings: inout Settings) {
    read("S3_BUCKET", "3 to 63 letters, digits, dots, hyphens or underscores", &settings.bucket) {
      Self.isBucket($0) ? $0 : nil
    }
    readPrefix(&settings)
    read("AWS_REGION", "a region such as us-east-1", &settings.region) { region in
      region.utf8.count <= 64
        && region.utf8.allSatisfy {
          $0.isDigit || (0x61...0x7A).contains($0.asciiLowercased)
            || $0 == 0x2D
        } ? region : nil
    }
    settings.endpointURL = text(
      "AWS_ENDPOINT_URL", "http:// or https://, a host, perhaps a port and a path, nothing else",
      Self.endpoint)
    read("STORAGE_URL", "file:/// and an absolute directory, or unset for S3", &settings.storage) {
      Self.directory($0).map(Settings.Storage.directory)
    }
    settings.caBundle = text("AWS_CA_BUNDLE", "a readable PEM file of certificates") {
      ConfigurationFile.read($0)?.text?.contains("-----BEGIN CERTIFICATE-----") == true ? $0 : nil
    }
    if case .s3 = settings.storage {
      let pair = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
      for (name, other) in [(pair[0], pair[1]), (pair[1], pair[0])]
      where value(name) == nil && value(other) != nil {
        fail(name, "must be set together with \(other)")
      }
    }
  }

  private mutating func readPrefix(_ settings: inout Settings) {
    // Unlike all others, an empty one is a value.
    guard let prefix = environment["S3_PREFIX"] else { return }
    settings.prefix = prefix
    guard prefix.utf8.count <= 512, !prefix.unicodeScalars.contains(where: \.isControlOrLineEnd)
    else { return fail("S3_PREFIX", "at most 512 bytes without control characters") }
    var rest = Substring(prefix)
    while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
      let end = rest[brace...].firstIndex(of: "}")
      let name = end.map { String(rest[brace...$0]) } ?? String(rest[brace...])
      switch name {
      case "{cluster_name}", "{date}": break
      case "{node_name}":
        return fail(
          "S3_PREFIX",
          "{node_name} cannot be in it: an object holds the rows of many nodes; "
            + "{cluster_name} and {date} can")
      default:
        return fail(
          "S3_PREFIX", "holds \(LogText.cut(name)): only {cluster_name} and {date} are known")
      }
      rest = end.map { rest[rest.index(after: $0)...] } ?? ""
    }
  }

  // MARK: - Kinds of values

  /// nil when unset or empty.
  private func value(_ name: String) -> String? {
    guard let value = environment[name], !value.isEmpty else { return nil }
    return value
  }

  private mutating func fail(_ name: String, _ accepted: String) {
    let isSecret = SettingsTable.variable(name)?.isSecret ?? true
    // An address with a password in it is no address we accept, and must not be shown.
    let shown = isSecret || value(name)?.contains("@") == true ? nil : value(name)
    errors.append(SettingError(variable: name, value: shown, accepted: accepted))
  }

  private mutating func text(
    _ name: String, _ accepted: String, _ parse: (String) -> String?
  ) -> String? {
    guard let value = value(name) else { return nil }
    if let parsed = parse(value) { return parsed }
    fail(name, accepted)
    return nil
  }

  private mutating func read<Value>(
    _ name: String, _ accepted: String, _ result: inout Value, _ parse: (String) -> Value?
  ) {
    guard let value = value(name) else { return }
    if let parsed = parse(value) {
      result = parsed
    } else {
      fail(name, accepted)
    }
  }

  private mutating func number(_ name: String, _ range: ClosedRange<Int>, _ result: inout Int) {
    read(name, "a whole number from \(range.lowerBound) to \(range.upperBound)", &result) { text in
      guard text.utf8.allSatisfy(\.isDigit), let number = Int(text), range.contains(number) else {
        return nil
      }
      return number
    }
  }

  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "1": true
    case "false", "0": false
    default: nil
    }
  }

  /// What AWS allows, and what other stores allow besides.
  private static func isBucket(_ text: String) -> Bool {
    (3...63).contains(text.utf8.count) && text != "..."
      && text.utf8.allSatisfy {
        $0.isDigit || (0x61...0x7A).contains($0.asciiLowercased) || $0 == 0x2D || $0 == 0x2E
          || $0 == 0x5F
      }
  }

  /// Scheme, host, port and path, without the slash at the end.
  static func endpoint(_ text: String) -> String? {
    for scheme in ["http://", "https://"] where text.lowercased().hasPrefix(scheme) {
      var rest = text.dropFirst(scheme.utf8.count)
      while rest.hasSuffix("/") { rest.removeLast() }
      let authority = rest.prefix { $0 != "/" }
      let isPath = rest[authority.endIndex...].utf8.allSatisfy {
        $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
      }
      return isPath && HostPort.isValid(String(authority)) ? scheme + rest : nil
    }
    return nil
  }

  /// The directory of a `file:///` URL, percent-decoded.
  static func directory(_ text: String) -> String? {
    let scheme = "file://"
    guard text.lowercased().hasPrefix(scheme + "/") else { return nil }
    var path: [UInt8] = []
    let bytes = Array(text.utf8.dropFirst(scheme.utf8.count))
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%") {
        guard index + 2 < bytes.count, let high = bytes[index + 1].hexDigit,
          let low = bytes[index + 2].hexDigit
        else { return nil }
        path.append(UInt8(high << 4 | low))
        index += 3
      } else {
        path.append(bytes[index])
        index += 1
      }
    }
    while path.count > 1, path.last == UInt8(ascii: "/") { path.removeLast() }
    guard path.count > 1, !path.contains(0) else { return nil }
    return String(validating: path, as: UTF8.self)
  }
}

/// `host[:port]`, where the host may be an IPv6 address in brackets.
enum HostPort {
  static func isValid(_ authority: String) -> Bool {
    var host = Substring(authority)
    var port: Substring?
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return false }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let rest = authority[authority.index(after: end)...]
      guard rest.isEmpty || rest.hasPrefix(":") else { return false }
      port = rest.isEmpty ? nil : rest.dropFirst()
      guard host.utf8.allSatisfy({ $0.hexDigit != nil || $0 == 0x3A || $0 == 0x2E }) else {
        return false
      }
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    let isHost =
      authority.hasPrefix("[")
      || host.utf8.allSatisfy {
        $0.isDigit || (0x61...0x7A).contains($0.asciiLowercased) || $0 == 0x2D || $0 == 0x2E
          || $0 == 0x5F
      }
    guard !host.isEmpty, isHost else { return false }
    guard let port else { return true }
    return port.utf8.allSatisfy(\.isDigit) && (Int(port).map { (1...65535).contains($0) } ?? false)
  }
}
