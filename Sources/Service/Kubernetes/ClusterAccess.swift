import Glibc
import KubeIndex

/// Why there is no way to the API server. The message names files and fields, never a secret.
struct ClusterAccessError: Error, Equatable, CustomStringConvertible {
  var description: String
  /// The variable that is to blame, and its value; nil: none is.
  var variable: (name: String, value: String)?

  init(_ description: String) {
    self.description = description
  }

  init(variable: String, value: String, accepted: String) {
    self.init(accepted)
    self.variable = (variable, value)
  }

  /// As the faults of settings are told.
  var settingDescription: String {
    guard let variable else { return description }
    return SettingError(variable: variable.name, value: variable.value, accepted: description)
      .description
  }

  static func == (left: ClusterAccessError, right: ClusterAccessError) -> Bool {
    left.settingDescription == right.settingDescription
  }
}

/// Where the API server is and as whom we come: in a cluster from the mounted service account, else
/// from a kubeconfig.
enum ClusterAccess {
  /// Where kubelet mounts the service account of a pod.
  static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"

  /// The endpoint, and the words that the start logs about it.
  static func find(
    environment: [String: String], kubeconfig: String?,
    serviceAccountDirectory: String = ClusterAccess.serviceAccountDirectory
  ) throws(ClusterAccessError) -> (endpoint: APIServerEndpoint, source: String) {
    if let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
      access("\(serviceAccountDirectory)/token", F_OK) == 0
    {
      return (
        try inCluster(
          host: host, port: environment["KUBERNETES_SERVICE_PORT"] ?? "443",
          directory: serviceAccountDirectory),
        "service account in \(serviceAccountDirectory)"
      )
    }
    do {
      return try fromKubeconfig(
        kubeconfigPaths(kubeconfig, home: environment["HOME"]), serviceAccountDirectory)
    } catch {
      guard let kubeconfig else { throw error }
      throw ClusterAccessError(
        variable: "KUBECONFIG", value: kubeconfig, accepted: error.description)
    }
  }

  private static func fromKubeconfig(
    _ paths: [String], _ serviceAccountDirectory: String
  ) throws(ClusterAccessError) -> (endpoint: APIServerEndpoint, source: String) {
    let present = paths.filter { access($0, F_OK) == 0 }
    guard !present.isEmpty else {
      let looked = paths.isEmpty ? "~/.kube/config" : paths.joined(separator: ", ")
      throw ClusterAccessError(
        "no way to the Kubernetes API: no service account at \(serviceAccountDirectory) with "
          + "KUBERNETES_SERVICE_HOST set (inside a cluster), and no kubeconfig at \(looked) "
          + "(outside one; KUBECONFIG names another)")
    }
    let config = try Kubeconfig(files: present)
    return (try config.endpoint(), "kubeconfig \(present.joined(separator: ":"))")
  }

  /// KUBECONFIG's paths, or the default one.
  static func kubeconfigPaths(_ kubeconfig: String?, home: String?) -> [String] {
    if let kubeconfig {
      return kubeconfig.split(separator: ":").map(String.init)
    }
    guard let home, !home.isEmpty else { return [] }
    return ["\(home)/.kube/config"]
  }

  private static func inCluster(
    host: String, port: String, directory: String
  ) throws(ClusterAccessError) -> APIServerEndpoint {
    let roots = "\(directory)/ca.crt"
    guard let file = ConfigurationFile.read(roots) else {
      throw ClusterAccessError(
        "\(roots) cannot be read (errno \(errno)): the API server's certificate must be verified")
    }
    guard let number = Int(port), (1...65535).contains(number) else {
      throw ClusterAccessError(
        variable: "KUBERNETES_SERVICE_PORT", value: port, accepted: "a port from 1 to 65535")
    }
    // An IPv6 address stands in brackets in a URL.
    let authority = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
    guard HostPort.isValid(authority) else {
      throw ClusterAccessError(
        variable: "KUBERNETES_SERVICE_HOST", value: host,
        accepted: "a host name or an IP address")
    }
    return APIServerEndpoint(
      baseURL: "https://\(authority):\(number)", tls: TLSTrust(rootsPEM: file.bytes),
      rootsFile: roots, credentials: .tokenFile("\(directory)/token"))
  }
}
