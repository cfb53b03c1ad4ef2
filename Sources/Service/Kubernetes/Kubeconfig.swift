import Glibc
import KubeIndex
import Yams

/// One or several kubeconfig files, merged as kubectl merges them: of entries with one name, and of
/// `current-context`, the first counts; paths in a file are relative to its directory.
///
/// <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>
struct Kubeconfig {
  private var currentContext: String?
  private var clusters: [String: Entry] = [:]
  private var contexts: [String: Entry] = [:]
  private var users: [String: Entry] = [:]
  private let files: String

  /// One named entry and the directory that its paths start from.
  private struct Entry {
    var fields: Node.Mapping
    var directory: String
    var file: String
  }

  init(files: [String]) throws(ClusterAccessError) {
    self.files = files.joined(separator: ":")
    for file in files {
      guard let content = ConfigurationFile.read(file) else {
        throw ClusterAccessError("kubeconfig \(file) cannot be read (errno \(errno))")
      }
      guard let text = content.text else {
        throw ClusterAccessError("kubeconfig \(file) is not UTF-8")
      }
      try merge(text, file: file)
    }
  }

  private mutating func merge(_ text: String, file: String) throws(ClusterAccessError) {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      // The parser's own words may quote the file, which holds secrets.
      throw ClusterAccessError("kubeconfig \(file) is not valid YAML")
    }
    // An empty file is no fault to kubectl either.
    guard let root else { return }
    guard let mapping = root.mapping else {
      throw ClusterAccessError("kubeconfig \(file) is not a mapping")
    }
    if currentContext == nil, let name = mapping["current-context"]?.string, !name.isEmpty {
      currentContext = name
    }
    let directory = Self.directory(of: file)
    for (list, member, path) in [
      ("clusters", "cluster", \Kubeconfig.clusters), ("contexts", "context", \.contexts),
      ("users", "user", \.users),
    ] as [(String, String, WritableKeyPath<Kubeconfig, [String: Entry]>)] {
      guard let items = mapping[list]?.sequence else { continue }
      for item in items {
        guard let name = item.mapping?["name"]?.string,
          self[keyPath: path][name] == nil
        else { continue }
        let fields = item.mapping?[member]?.mapping ?? Node.Mapping([])
        self[keyPath: path][name] = Entry(fields: fields, directory: directory, file: file)
      }
    }
  }

  // MARK: - The endpoint

  /// What the current context says.
  func endpoint() throws(ClusterAccessError) -> APIServerEndpoint {
    guard let currentContext else {
      throw ClusterAccessError("kubeconfig \(files) names no current-context")
    }
    let context = try entry(contexts, "context", currentContext)
    guard let clusterName = text(context, "cluster") else {
      throw ClusterAccessError("context \(currentContext) in \(context.file) names no cluster")
    }
    let cluster = try entry(clusters, "cluster", clusterName)
    var tls = TLSTrust()
    var rootsFile: String?
    try readCluster(cluster, clusterName, &tls, &rootsFile)
    var credentials = APIServerEndpoint.Credentials.none
    if let userName = text(context, "user") {
      credentials = try readUser(try entry(users, "user", userName), userName, &tls)
    }
    return APIServerEndpoint(
      baseURL: try server(cluster, clusterName), tls: tls, rootsFile: rootsFile,
      credentials: credentials)
  }

  private func server(
    _ cluster: Entry, _ name: String
  ) throws(ClusterAccessError) -> String {
    guard let server = text(cluster, "server") else {
      throw ClusterAccessError("cluster \(name) in \(cluster.file) has no server")
    }
    let scheme = "https://"
    guard server.lowercased().hasPrefix(scheme) else {
      throw ClusterAccessError(
        "cluster \(name) in \(cluster.file): server must begin with https://, "
          + "credentials and objects do not travel unencrypted")
    }
    let rest = server.dropFirst(scheme.utf8.count)
    let authority = rest.prefix { $0 != "/" }
    let path = rest[authority.endIndex...]
    guard HostPort.isValid(String(authority)),
      path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 })
    else {
      throw ClusterAccessError("cluster \(name) in \(cluster.file): server is not a URL")
    }
    return scheme + rest
  }

  private func readCluster(
    _ cluster: Entry, _ name: String, _ tls: inout TLSTrust, _ rootsFile: inout String?
  ) throws(ClusterAccessError) {
    let place = "cluster \(name) in \(cluster.file)"
    if let skip = text(cluster, "insecure-skip-tls-verify"), skip.lowercased() == "true" {
      throw ClusterAccessError(
        "\(place): insecure-skip-tls-verify is not supported, the API server's certificate is "
          + "always verified; give certificate-authority-data or certificate-authority")
    }
    if let proxy = text(cluster, "proxy-url"), !proxy.isEmpty {
      throw ClusterAccessError("\(place): proxy-url is not supported; set HTTPS_PROXY")
    }
    tls.serverName = text(cluster, "tls-server-name")
    if let data = text(cluster, "certificate-authority-data") {
      tls.rootsPEM = try decoded(data, "certificate-authority-data", place)
    } else if let path = text(cluster, "certificate-authority") {
      let file = Self.resolve(path, in: cluster.directory)
      tls.rootsPEM = try contents(file, "certificate-authority", place)
      rootsFile = file
    }
  }

  private func readUser(
    _ user: Entry, _ name: String, _ tls: inout TLSTrust
  ) throws(ClusterAccessError) -> APIServerEndpoint.Credentials {
    let place = "user \(name) in \(user.file)"
    for plugin in ["exec", "auth-provider"] where user.fields[Node(plugin)] != nil {
      throw ClusterAccessError(
        "\(place): \(plugin) plug-ins are not supported; give token, tokenFile or a client "
          + "certificate (for example of a service account made for this purpose)")
    }
    if text(user, "username") != nil || text(user, "password") != nil {
      throw ClusterAccessError(
        "\(place): user name and password are not supported, Kubernetes has dropped them")
    }
    tls.clientCertificatePEM = try material(
      user, data: "client-certificate-data", file: "client-certificate", place)
    tls.clientKeyPEM = try material(user, data: "client-key-data", file: "client-key", place)
    guard (tls.clientCertificatePEM == nil) == (tls.clientKeyPEM == nil) else {
      throw ClusterAccessError("\(place): client-certificate and client-key belong together")
    }
    // kubectl prefers the file where both are given.
    if let path = text(user, "tokenFile") {
      let file = Self.resolve(path, in: user.directory)
      _ = try contents(file, "tokenFile", place)
      return .tokenFile(file)
    }
    if let token = text(user, "token") {
      guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw ClusterAccessError("\(place): token is not visible ASCII")
      }
      return .token(token)
    }
    return .none
  }

  // MARK: - Fields

  private func entry(
    _ entries: [String: Entry], _ kind: String, _ name: String
  ) throws(ClusterAccessError) -> Entry {
    guard let entry = entries[name] else {
      throw ClusterAccessError("kubeconfig \(files) has no \(kind) named \(LogText.cut(name))")
    }
    return entry
  }

  private func text(_ entry: Entry, _ field: String) -> String? {
    guard let node = entry.fields[Node(field)], let value = node.scalar?.string, !value.isEmpty
    else { return nil }
    return value == "null" || value == "~" ? nil : value
  }

  private func material(
    _ entry: Entry, data: String, file: String, _ place: String
  ) throws(ClusterAccessError) -> [UInt8]? {
    if let value = text(entry, data) { return try decoded(value, data, place) }
    guard let path = text(entry, file) else { return nil }
    return try contents(Self.resolve(path, in: entry.directory), file, place)
  }

  private func decoded(
    _ value: String, _ field: String, _ place: String
  ) throws(ClusterAccessError) -> [UInt8] {
    guard let bytes = Base64.decode(value) else {
      throw ClusterAccessError("\(place): \(field) is not base64")
    }
    return bytes
  }

  private func contents(
    _ path: String, _ field: String, _ place: String
  ) throws(ClusterAccessError) -> [UInt8] {
    guard let file = ConfigurationFile.read(path) else {
      throw ClusterAccessError("\(place): \(field) \(path) cannot be read (errno \(errno))")
    }
    return file.bytes
  }

  private static func directory(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }

  private static func resolve(_ path: String, in directory: String) -> String {
    path.hasPrefix("/") ? path : "\(directory)/\(path)"
  }
}

/// Base64 with padding (RFC 4648, section 4), as kubeconfig files carry certificates.
enum Base64 {
  /// nil when it is not base64. White space between characters is skipped.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 4 * 3)
    var bits: UInt32 = 0
    var bitCount = 0
    var padding = 0
    var characterCount = 0
    for byte in text.utf8 {
      let value: UInt32
      switch byte {
      case 0x41...0x5A: value = UInt32(byte) - 0x41
      case 0x61...0x7A: value = UInt32(byte) - 0x61 + 26
      case 0x30...0x39: value = UInt32(byte) - 0x30 + 52
      case 0x2B: value = 62
      case 0x2F: value = 63
      case 0x3D:
        padding += 1
        characterCount += 1
        continue
      case 0x20, 0x09, 0x0A, 0x0D: continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      characterCount += 1
      bits = bits << 6 | value
      bitCount += 6
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        bits &= (1 << UInt32(bitCount)) - 1
      }
    }
    guard padding <= 2, characterCount % 4 == 0, bits == 0 else { return nil }
    return bytes
  }
}
