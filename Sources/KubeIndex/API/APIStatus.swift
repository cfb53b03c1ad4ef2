/// What the API server says when it refuses: a `Status` object, or plain text.
struct APIStatus: Equatable {
  var code: Int
  /// One line, without control characters, at most 256 bytes.
  var message: String
  /// `details.retryAfterSeconds`.
  var retryAfterSeconds: Int?

  /// A `Status`, as the body of an answer or the object of an ERROR event; nil: it is none.
  init?(_ object: JSONValue) {
    guard object["kind"]?.string?.equals("Status") == true, let code = object["code"]?.int,
      let small = Int(exactly: code)
    else { return nil }
    self.code = small
    message = APIStatus.line(object["message"]?.string ?? object["reason"]?.string)
    retryAfterSeconds = object["details"]?["retryAfterSeconds"]?.int.flatMap { Int(exactly: $0) }
  }

  /// An answer with an error status; the body may be a Status, plain text or nothing.
  init(status: Int, head: HTTPHead, body: UnsafeRawBufferPointer, parser: JSONParser) {
    let parsed = (try? parser.parse(body)).flatMap { APIStatus($0) }
    code = status
    message = parsed?.message ?? APIStatus.line(body)
    retryAfterSeconds = head["Retry-After"].flatMap { Int($0) } ?? parsed?.retryAfterSeconds
  }

  private static func line(_ bytes: UnsafeRawBufferPointer?) -> String {
    guard let bytes else { return "" }
    let text = String(decoding: bytes.prefix(256), as: UTF8.self)
    let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? " " : scalar
    }
    var line = String(String.UnicodeScalarView(scalars))
    while line.last == " " { line.removeLast() }
    return line
  }

  /// What a person reads: `403: cannot list persistentvolumeclaims`, with the verb that must be
  /// allowed where it is another: a streaming list is a watch to the server.
  func reason(request: WatchRequest, kind: ObjectKind) -> String {
    switch code {
    case 401, 403:
      if case .stream = request {
        "\(code): cannot list \(kind.resource) (the verb is watch)"
      } else {
        "\(code): cannot \(request.verb.rawValue) \(kind.resource)"
      }
    default: message.isEmpty ? "\(code)" : "\(code): \(message)"
    }
  }
}
