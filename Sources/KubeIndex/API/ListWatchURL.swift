/// URLs of list and watch requests. See
/// https://kubernetes.io/docs/reference/using-api/api-concepts/
extension WatchRequest {
  /// The absolute URL. `timeoutSeconds` is what the server is asked to end a stream after.
  func url(base: String, kind: ObjectKind, timeoutSeconds: Int) -> String {
    var query: [(String, String)] = []
    switch self {
    case .stream(let notOlderThan):
      query = [
        ("watch", "true"), ("allowWatchBookmarks", "true"), ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"), ("timeoutSeconds", String(timeoutSeconds)),
      ]
      if let notOlderThan { query.append(("resourceVersion", notOlderThan)) }
    case .list(let limit, let notOlderThan):
      query = [("limit", String(limit))]
      if let notOlderThan {
        query.append(("resourceVersion", notOlderThan))
        query.append(("resourceVersionMatch", "NotOlderThan"))
      }
    case .listMore(let limit, let token):
      query = [("limit", String(limit)), ("continue", token)]
    case .watch(let version):
      query = [
        ("watch", "true"), ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", String(timeoutSeconds)), ("resourceVersion", version),
      ]
    }
    let text = query.map { "\($0)=\($1.percentEncoded)" }.joined(separator: "&")
    return "\(base)/api/v1/\(kind.resource)?\(text)"
  }
}

extension String {
  /// Percent-encoded for a query value: RFC 3986's unreserved characters stay.
  fileprivate var percentEncoded: String {
    let hex = Array("0123456789ABCDEF".unicodeScalars)
    var result = ""
    for byte in utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        result.unicodeScalars.append("%")
        result.unicodeScalars.append(hex[Int(byte >> 4)])
        result.unicodeScalars.append(hex[Int(byte & 15)])
      }
    }
    return result
  }
}
