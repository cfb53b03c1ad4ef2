import Foundation
import KubeIndex

/// The role of the EC2 instance, from its metadata service, version 2 only.
/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
struct InstanceCredentials: CredentialProvider {
  let settings: CredentialSettings

  var name: String { "instance metadata (IMDSv2)" }

  func load() -> CredentialAnswer {
    guard settings.environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() != "true" else {
      return .absent("AWS_EC2_METADATA_DISABLED is true")
    }
    let token: String
    do {
      let response = try ask(
        "PUT", "/latest/api/token", [("X-aws-ec2-metadata-token-ttl-seconds", "21600")])
      guard response.status == 200 else {
        return .absent("\(endpoint) answered \(response.status) when asked for a token")
      }
      token = String(decoding: response.body, as: UTF8.self)
    } catch {
      // No answer is the usual case away from EC2, and within pods whose hop limit is 1.
      return .absent(error.message)
    }
    do {
      return try role([("X-aws-ec2-metadata-token", token)])
    } catch {
      return .failed(error.message)
    }
  }

  private func role(
    _ headers: [(name: String, value: String)]
  ) throws(TransportError) -> CredentialAnswer {
    let path = "/latest/meta-data/iam/security-credentials/"
    let list = try ask("GET", path, headers)
    let role =
      String(decoding: list.body, as: UTF8.self).split(whereSeparator: \.isNewline).first
    guard list.status == 200, let role else {
      return list.status == 404 || list.status == 200
        ? .absent("the instance has no role")
        : .failed("\(endpoint) answered \(list.status) when asked for the role")
    }
    let response = try ask("GET", path + URIEncoding.path(String(role)), headers)
    let document = try? JSONDecoder().decode(CredentialDocument.self, from: Data(response.body))
    guard response.status == 200, let document, (document.code ?? "Success") == "Success",
      let credentials = document.credentials
    else {
      return .failed("\(endpoint) gave no credentials for role \(role) (\(response.status))")
    }
    return .found(credentials)
  }

  private var endpoint: String {
    if let endpoint = settings.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] {
      return endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    }
    let mode = settings.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased()
    return mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254"
  }

  private func ask(
    _ method: String, _ path: String, _ headers: [(name: String, value: String)]
  ) throws(TransportError) -> HTTPResponse {
    try settings.send(
      HTTPRequest(
        method: method, url: endpoint + path, headers: headers, connectTimeout: .seconds(1),
        totalTimeout: .seconds(2)))
  }
}
