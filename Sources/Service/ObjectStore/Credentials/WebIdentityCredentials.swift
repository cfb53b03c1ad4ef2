import KubeIndex

/// A service account's token exchanged for credentials of a role (EKS: IRSA).
/// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
struct WebIdentityCredentials: CredentialProvider {
  let settings: CredentialSettings

  var name: String { "web identity" }

  func load() -> CredentialAnswer {
    let environment = settings.environment
    switch (environment["AWS_WEB_IDENTITY_TOKEN_FILE"], environment["AWS_ROLE_ARN"]) {
    case (let file?, let role?):
      return assume(
        role: role, tokenFile: file, sessionName: environment["AWS_ROLE_SESSION_NAME"])
    case (nil, nil):
      return .absent("AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not set")
    case (_, nil): return .failed("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN")
    case (nil, _):
      // AWS_ROLE_ARN alone is what other tools use with a profile.
      return .absent("AWS_WEB_IDENTITY_TOKEN_FILE is not set")
    }
  }

  /// Also for a profile that names a role and a token file.
  func assume(role: String, tokenFile: String, sessionName: String?) -> CredentialAnswer {
    let token: String
    switch SmallFile.readTrimmed(tokenFile) {
    case .success(let text): token = text
    case .failure(let failure): return .failed("the token file \(tokenFile) \(failure.text)")
    }
    guard !token.isEmpty else { return .failed("the token file \(tokenFile) is empty") }
    let form = [
      ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
      ("RoleSessionName", sessionName ?? "aggregator"), ("WebIdentityToken", token),
    ]
    let body = form.map { "\($0)=\(URIEncoding.component($1))" }.joined(separator: "&")
    let request = HTTPRequest(
      method: "POST", url: endpoint + "/",
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "text/xml"),
      ],
      body: .bytes(Array(body.utf8)), tls: settings.tls, connectTimeout: .seconds(5),
      totalTimeout: .seconds(15))
    do {
      return read(try settings.send(request))
    } catch {
      return .failed("STS at \(endpoint): \(TLSAdvice.text(error))")
    }
  }

  private var endpoint: String {
    if let endpoint = settings.environment["AWS_ENDPOINT_URL_STS"] {
      return endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
    }
    return "https://sts.\(settings.region).\(S3Address.domain(ofRegion: settings.region))"
  }

  private func read(_ response: HTTPResponse) -> CredentialAnswer {
    let document = XMLElement.parse(response.body)
    guard response.status == 200 else {
      let error = document?["Error"]
      let code = error?["Code"]?.text ?? ""
      let message = error?["Message"]?.text ?? ""
      return .failed("STS at \(endpoint) answered \(response.status) \(code) \(message)")
    }
    guard
      let found = document?["AssumeRoleWithWebIdentityResult"]?["Credentials"],
      let id = found["AccessKeyId"]?.text, let secret = found["SecretAccessKey"]?.text,
      let token = found["SessionToken"]?.text, !id.isEmpty, !secret.isEmpty,
      let expiration = found["Expiration"].flatMap({ UTCTime(extendedFormat: $0.text) })
    else { return .failed("STS at \(endpoint) answered 200 without credentials") }
    return .found(
      Credentials(
        accessKeyID: id, secretAccessKey: secret, sessionToken: token,
        expiration: expiration.secondsSince1970))
  }
}
