import Ingest

/// AWS Signature Version 4 in the Authorization field, payload hash given.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
struct SigV4: Sendable {
  var region: String
  var service: String

  /// One request to sign. Path and query are given as they are sent, already encoded.
  struct Request {
    var method: String
    /// At least "/".
    var path: String
    /// Encoded and sorted (`URIEncoding.query`).
    var query: String
    /// All fields to be signed, `host` among them.
    var headers: [(name: String, value: String)]
    /// Lower-case hex SHA-256 of the body.
    var payloadHash: String
  }

  /// Value of the Authorization field. `wallSeconds` must be what `x-amz-date` says.
  func authorization(
    _ request: Request, credentials: Credentials, wallSeconds: Double
  ) -> String {
    let time = UTCTime(secondsSince1970: wallSeconds).basicFormat
    let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
    let signedNames = Self.canonicalHeaders(request.headers).map(\.name).joined(separator: ";")
    let text = """
      AWS4-HMAC-SHA256
      \(time)
      \(scope)
      \(Self.hash(Self.canonicalRequest(request)))
      """
    let key = signingKey(credentials, day: String(time.prefix(8)))
    let signature = SHA256.hex(Self.hmac(key, text))
    return "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope),"
      + "SignedHeaders=\(signedNames),Signature=\(signature)"
  }

  static func canonicalRequest(_ request: Request) -> String {
    let headers = canonicalHeaders(request.headers)
    return """
      \(request.method)
      \(request.path)
      \(request.query)
      \(headers.map { "\($0.name):\($0.value)\n" }.joined())
      \(headers.map(\.name).joined(separator: ";"))
      \(request.payloadHash)
      """
  }

  /// Lower-case hex SHA-256 of a text.
  static func hash(_ text: String) -> String { hash(Array(text.utf8)) }

  /// Lower-case hex SHA-256 of bytes.
  static func hash(_ bytes: [UInt8]) -> String {
    SHA256.hex(bytes.withUnsafeBytes { SHA256.digest($0) })
  }

  /// Names in lower case, sorted; runs of spaces in values are one.
  private static func canonicalHeaders(
    _ headers: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    headers.map { header in
      let words = header.value.split { $0 == " " || $0 == "\t" }
      return (header.name.lowercased(), words.joined(separator: " "))
    }
    .sorted { Array($0.0.utf8).lexicographicallyPrecedes(Array($1.0.utf8)) }
  }

  private func signingKey(_ credentials: Credentials, day: String) -> [UInt8] {
    let start = Array("AWS4\(credentials.secretAccessKey.revealed)".utf8)
    return [day, region, service, "aws4_request"].reduce(start, Self.hmac)
  }

  private static func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
    Array(text.utf8).withUnsafeBytes { SHA256.hmac(key: key, $0) }
  }
}
