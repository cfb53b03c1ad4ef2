import Glibc
import KubeIndex
import Testing

@testable import Service

/// Protects what kubeconfig files mean, and that what cannot be honoured is refused in words.
@Suite struct KubeconfigTests {
  /// Files in a directory of their own, removed at the end.
  final class Files {
    let directory: String

    init() throws {
      var template = Array("/tmp/kubeconfig-test-XXXXXX".utf8CString)
      let path = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
      }
      directory = try #require(path)
    }

    deinit { removeAll(directory) }

    private func removeAll(_ path: String) {
      guard let handle = opendir(path) else { return }
      while let entry = readdir(handle) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != "." && name != ".." { unlink("\(path)/\(name)") }
      }
      closedir(handle)
      rmdir(path)
    }

    func write(_ name: String, _ text: String) throws -> String {
      let path = "\(directory)/\(name)"
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
      return path
    }
  }

  static func config(cluster: String, user: String) -> String {
    """
    apiVersion: v1
    kind: Config
    current-context: c
    contexts: [{name: c, context: {cluster: k, user: u}}]
    clusters:
    - name: k
      cluster: {\(cluster)}
    users:
    - name: u
      user: {\(user)}
    """
  }

  func endpoint(_ text: String) throws -> APIServerEndpoint {
    let files = try Files()
    return try Kubeconfig(files: [try files.write("config", text)]).endpoint()
  }

  @Test func token() throws {
    let endpoint = try endpoint(
      Self.config(
        cluster: "server: 'https://[::1]:6443/prefix/', certificate-authority-data: aGVsbG8=, "
          + "tls-server-name: api",
        user: "token: abc"))
    #expect(endpoint.baseURL == "https://[::1]:6443/prefix")
    #expect(endpoint.tls.rootsPEM == Array("hello".utf8) && endpoint.tls.serverName == "api")
    guard case .token("abc") = endpoint.credentials else {
      Issue.record("no token")
      return
    }
    #expect(!"\(endpoint)".contains("abc"))
  }

  @Test("Paths are relative to the file that names them; a token file is read again later")
  func files() throws {
    let files = try Files()
    for (name, text) in [("ca", "CA"), ("cert", "CERT"), ("key", "KEY"), ("token", "T")] {
      _ = try files.write(name, text)
    }
    let path = try files.write(
      "config",
      Self.config(
        cluster: "server: 'https://a', certificate-authority: ca",
        user: "client-certificate: cert, client-key: key, tokenFile: \(files.directory)/token"))
    let endpoint = try Kubeconfig(files: [path]).endpoint()
    #expect(endpoint.tls.rootsPEM == Array("CA".utf8))
    #expect(endpoint.rootsFile == "\(files.directory)/ca")
    #expect(endpoint.tls.clientCertificatePEM == Array("CERT".utf8))
    #expect(endpoint.tls.clientKeyPEM == Array("KEY".utf8))
    guard case .tokenFile("\(files.directory)/token") = endpoint.credentials else {
      Issue.record("no token file")
      return
    }
  }

  @Test("Of several files the first entry of a name counts")
  func several() throws {
    let files = try Files()
    let first = try files.write("1", "current-context: c\nusers: [{name: u, user: {token: first}}]")
    let second = try files.write("2", Self.config(cluster: "server: 'https://a'", user: "token: b"))
    let endpoint = try Kubeconfig(files: [first, second]).endpoint()
    guard case .token("first") = endpoint.credentials else {
      Issue.record("the second file's user was taken")
      return
    }
  }

  @Test(arguments: [
    ("server: 'https://a', insecure-skip-tls-verify: true", "token: t", "always verified"),
    ("server: 'http://a'", "token: t", "https://"),
    ("server: 'https://a b'", "token: t", "not a URL"),
    ("{}: x", "token: t", "no server"),
    ("server: 'https://a', certificate-authority-data: '*'", "token: t", "not base64"),
    ("server: 'https://a', certificate-authority: none", "token: t", "cannot be read"),
    ("server: 'https://a', proxy-url: 'http://p'", "token: t", "proxy-url"),
    ("server: 'https://a'", "exec: {command: aws}", "exec plug-ins"),
    ("server: 'https://a'", "auth-provider: {name: gcp}", "auth-provider plug-ins"),
    ("server: 'https://a'", "username: u, password: SECRET", "dropped"),
    ("server: 'https://a'", "client-key-data: aGVsbG8=", "belong together"),
    ("server: 'https://a'", "token: 'SECRET x'", "visible ASCII"),
    ("server: 'https://a'", "tokenFile: none", "cannot be read"),
  ])
  func refused(_ cluster: String, _ user: String, _ words: String) throws {
    do {
      _ = try endpoint(Self.config(cluster: cluster, user: user))
      Issue.record("accepted")
    } catch let error as ClusterAccessError {
      #expect(error.description.contains(words), "\(error)")
      #expect(!error.description.contains("SECRET"))
    }
  }

  @Test(arguments: [
    ("", "no current-context"), ("a: [", "not valid YAML"), ("- a", "not a mapping"),
    ("current-context: x", "no context named x"),
    ("current-context: c\ncontexts: [{name: c, context: {cluster: k}}]", "no cluster named k"),
  ])
  func broken(_ text: String, _ words: String) throws {
    do {
      _ = try endpoint(text)
      Issue.record("accepted")
    } catch let error as ClusterAccessError {
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test("In a cluster the mounted service account counts, before any kubeconfig")
  func inCluster() throws {
    let files = try Files()
    _ = try files.write("token", "t")
    _ = try files.write("ca.crt", "CA")
    let (endpoint, source) = try ClusterAccess.find(
      environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"],
      kubeconfig: nil, serviceAccountDirectory: files.directory)
    #expect(endpoint.baseURL == "https://[fd00::1]:443")
    #expect(endpoint.rootsFile == "\(files.directory)/ca.crt")
    #expect(source.contains(files.directory))
  }

  @Test("Neither: the error names both places")
  func neither() {
    do {
      _ = try ClusterAccess.find(
        environment: ["HOME": "/nonexistent"], kubeconfig: nil,
        serviceAccountDirectory: "/nonexistent/sa")
      Issue.record("found")
    } catch {
      #expect(error.description.contains("/nonexistent/sa"))
      #expect(error.description.contains("/nonexistent/.kube/config"))
    }
  }

  @Test("Only the variable that is wrong is blamed, and a mounted file is none")
  func blame() throws {
    func fault(
      _ environment: [String: String], _ kubeconfig: String?, _ directory: String
    ) -> ClusterAccessError? {
      do {
        _ = try ClusterAccess.find(
          environment: environment, kubeconfig: kubeconfig, serviceAccountDirectory: directory)
        return nil
      } catch {
        return error
      }
    }
    let files = try Files()
    _ = try files.write("token", "t")
    let cluster = ["KUBERNETES_SERVICE_HOST": "a", "KUBERNETES_SERVICE_PORT": "443"]
    let unreadable = try #require(fault(cluster, "/nonexistent/config", files.directory))
    #expect(unreadable.variable == nil)
    #expect(unreadable.settingDescription.hasPrefix("\(files.directory)/ca.crt cannot be read"))
    let missing = try #require(fault([:], "/nonexistent/config", "/nonexistent/sa"))
    #expect(missing.variable?.name == "KUBECONFIG")
    #expect(missing.settingDescription.hasPrefix("KUBECONFIG=/nonexistent/config: "))
    let broken = try #require(fault([:], files.write("config", "a: ["), "/nonexistent/sa"))
    #expect(broken.variable?.name == "KUBECONFIG")
    _ = try files.write("ca.crt", "CA")
    let port = ["KUBERNETES_SERVICE_HOST": "a", "KUBERNETES_SERVICE_PORT": "x"]
    #expect(fault(port, nil, files.directory)?.variable?.name == "KUBERNETES_SERVICE_PORT")
  }

  @Test(arguments: [
    ("", ""), ("aGVsbG8=", "hello"), ("aGVs\n bG8=", "hello"), ("YQ==", "a"), ("YWI=", "ab"),
  ])
  func base64(_ text: String, _ expected: String) {
    #expect(Base64.decode(text) == Array(expected.utf8))
  }

  @Test(arguments: ["a", "YQ", "YQ=", "YQ===", "Y=Q=", "YR==", "a_b="])
  func notBase64(_ text: String) {
    #expect(Base64.decode(text) == nil)
  }
}
