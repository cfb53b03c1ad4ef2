import Foundation
import KubeIndex

/// The endpoint that a container's environment names (EKS Pod Identity, ECS).
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
struct ContainerCredentials: CredentialProvider {
  let settings: CredentialSettings

  var name: String { "container credentials" }

  func load() -> CredentialAnswer {
    let environment = settings.environment
    let url: String
    if let relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
      guard relative.hasPrefix("/") else {
        return .failed("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with /")
      }
      url = "http://169.254.170.2" + relative
    } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
      guard let authority = URLAuthority(of: full) else {
        return .failed("AWS_CONTAINER_CREDENTIALS_FULL_URI is no http or https URL")
      }
      guard authority.isSecure || Self.mayBePlain(authority.host) else {
        return .failed(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI is http to a host that is neither this machine nor a "
            + "container agent's address")
      }
      url = full
    } else {
      return .absent(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set")
    }
    return ask(url)
  }

  private func ask(_ url: String) -> CredentialAnswer {
    var headers: [(name: String, value: String)] = [("Accept", "application/json")]
    if let file = settings.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
      // Read anew each time: the kubelet rotates it.
      switch SmallFile.readTrimmed(file) {
      case .success(let token): headers.append(("Authorization", token))
      case .failure(let failure): return .failed("the token file \(file) \(failure.text)")
      }
    } else if let token = settings.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
      headers.append(("Authorization", token))
    }
    let place = URLAuthority(of: url)?.hostAndPort ?? "the endpoint"
    let request = HTTPRequest(
      url: url, headers: headers, tls: settings.tls, connectTimeout: .seconds(2),
      totalTimeout: .seconds(5))
    do {
      let response = try settings.send(request)
      guard response.status == 200 else { return .failed("\(place) answered \(response.status)") }
      let document = try? JSONDecoder().decode(
        CredentialDocument.self, from: Data(response.body))
      guard let credentials = document?.credentials else {
        return .failed("\(place) answered 200 without credentials")
      }
      return .found(credentials)
    } catch {
      return .failed(TLSAdvice.text(error))
    }
  }

  /// Loopback, ECS's address, and EKS Pod Identity's two: elsewhere the token would travel in the
  /// clear.
  static func mayBePlain(_ host: String) -> Bool {
    let isIPv4Loopback =
      host.hasPrefix("127.")
      && host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        .filter { $0 != nil }.count == 4
      && host.filter { $0 == "." }.count == 3
    return isIPv4Loopback || host == "localhost" || host == "[::1]" || host == "169.254.170.2"
      || host == "169.254.170.23" || host.lowercased() == "[fd00:ec2::23]"
  }
}
