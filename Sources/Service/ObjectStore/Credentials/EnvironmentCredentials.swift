/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
struct EnvironmentCredentials: CredentialProvider {
  let environment: [String: String]

  var name: String { "environment" }

  func load() -> CredentialAnswer {
    switch (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) {
    case (let id?, let secret?):
      .found(
        Credentials(
          accessKeyID: id, secretAccessKey: secret,
          sessionToken: environment["AWS_SESSION_TOKEN"]))
    case (nil, nil): .absent("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
    case (_, nil): .failed("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY")
    case (nil, _): .failed("AWS_SECRET_ACCESS_KEY is set without AWS_ACCESS_KEY_ID")
    }
  }
}
