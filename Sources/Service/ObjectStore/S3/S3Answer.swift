import KubeIndex

/// One request to S3 before it is dated and signed.
struct S3Request {
  enum Body {
    case none
    case bytes([UInt8])
    case source(PartSource)
  }

  var method = "GET"
  /// nil: the bucket itself.
  var key: String?
  var query: [(name: String, value: String)] = []
  /// Sent and signed as they are.
  var headers: [(name: String, value: String)] = []
  var body = Body.none
  /// Carries `If-None-Match: *` while the store knows it.
  var createsOnce = false
  /// Whether doing it twice is the same as doing it once. If not, it is sent again only when it
  /// certainly was not done.
  var isIdempotent = true
  /// Longest body of an answer that is of use.
  var maximumAnswerByteCount = ServiceLimits.maximumXMLByteCount
  /// Longest duration of the whole exchange.
  var totalTimeout: Duration = .seconds(60)
}

/// What an error answer says.
struct S3Error: Equatable {
  var status: Int
  /// Empty when the answer is not S3's XML: HEAD, or something in between.
  var code: String
  var message: String
  var region: String?

  /// nil: the answer is no error. An `<Error>` counts whatever the status.
  init?(_ response: HTTPResponse) {
    let isFailure = !(200...299).contains(response.status)
    let root = response.body.isEmpty ? nil : XMLElement.parse(response.body)
    guard isFailure || root?.name == "Error" else { return nil }
    status = response.status
    code = root?.name == "Error" ? root?["Code"]?.text ?? "" : ""
    message = root?.name == "Error" ? root?["Message"]?.text ?? "" : ""
    region = root?["Region"]?.text ?? response.head["x-amz-bucket-region"]
    if code.isEmpty, isFailure, !response.body.isEmpty, root?.name != "Error" {
      message = "the answer is not S3's; is something between this machine and the store?"
    }
  }

  var isThrottling: Bool {
    status == 429
      || [
        "SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests",
        "ServiceUnavailable",
      ].contains(code)
  }

  /// The store refuses the credentials as such; others may do.
  var asksForOtherCredentials: Bool {
    [
      "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken",
      "InvalidAccessKeyId", "InvalidClientTokenId",
    ].contains(code)
  }

  var kind: StoreFailure.Kind {
    switch code {
    case "NoSuchKey": return .noSuchKey
    case "NoSuchBucket": return .noSuchBucket
    case "NoSuchUpload": return .noSuchUpload
    case "PreconditionFailed": return .preconditionFailed
    case "ConditionalRequestConflict", "OperationAborted": return .conflict
    case "InvalidPart", "InvalidPartOrder", "EntityTooSmall": return .invalidPart
    case "NotImplemented": return .notImplemented
    case "BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody",
      "RequestTimeout":
      return .unreachable
    default: break
    }
    if isThrottling { return .throttled }
    switch status {
    case 200...299: return .unknown
    case 401, 403: return .accessDenied
    case 404: return .noSuchKey
    case 409: return .conflict
    case 412: return .preconditionFailed
    case 501: return .notImplemented
    case 408, 500...599: return .unknown
    default: return .rejected
    }
  }

  var text: String {
    let parts = [String(status), code, message].filter { !$0.isEmpty }
    return String(parts.joined(separator: " ").prefix(ServiceLimits.maximumErrorTextCount))
  }
}
