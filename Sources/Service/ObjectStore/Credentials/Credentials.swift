/// A text that must not reach a log: printing it in any way gives three stars.
struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  /// The text itself, for the one place that needs it.
  let revealed: String

  init(_ text: String) { revealed = text }

  var description: String { "***" }
  var debugDescription: String { "***" }
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a request is signed with.
struct Credentials: Sendable, Equatable {
  var accessKeyID: String
  var secretAccessKey: Secret
  var sessionToken: Secret?
  /// Seconds since 1970 from which on they are refused; nil: never.
  var expiration: Double?

  init(
    accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil,
    expiration: Double? = nil
  ) {
    self.accessKeyID = accessKeyID
    self.secretAccessKey = Secret(secretAccessKey)
    self.sessionToken = sessionToken.map(Secret.init)
    self.expiration = expiration
  }
}

/// One place where credentials may come from.
protocol CredentialProvider: Sendable {
  /// For people, as in "web identity (IRSA)".
  var name: String { get }
  func load() -> CredentialAnswer
}

/// What a place gave.
enum CredentialAnswer: Sendable {
  case found(Credentials)
  /// It is not set up for use: the next place is asked. The text says why.
  case absent(String)
  /// It is set up and did not answer, or not well. The next place is not asked, since it may stand
  /// for someone else. The text says why.
  case failed(String)
}

/// The JSON that container and instance endpoints answer with.
/// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
struct CredentialDocument: Decodable {
  var accessKeyID: String?
  var secretAccessKey: String?
  var token: String?
  var expiration: String?
  /// "Success", of the instance endpoint only.
  var code: String?

  private enum CodingKeys: String, CodingKey {
    case accessKeyID = "AccessKeyId"
    case secretAccessKey = "SecretAccessKey"
    case token = "Token"
    case expiration = "Expiration"
    case code = "Code"
  }

  /// nil: a member is missing or malformed.
  var credentials: Credentials? {
    guard let accessKeyID, let secretAccessKey, !accessKeyID.isEmpty, !secretAccessKey.isEmpty
    else { return nil }
    var moment: Double?
    if let expiration {
      guard let time = UTCTime(extendedFormat: expiration) else { return nil }
      moment = time.secondsSince1970
    }
    return Credentials(
      accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token,
      expiration: moment)
  }
}
