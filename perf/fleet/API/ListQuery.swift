/// A request to list, watch or get, as its target says.
struct ListQuery {
  var kind: ObjectKind
  var namespace: String?
  /// A single object.
  var name: String?
  var isWatch = false
  var limit: Int?
  var continueToken: String?
  var resourceVersion: String?
  var resourceVersionMatch: String?
  var allowsBookmarks = false
  var sendsInitialEvents = false
  var timeoutSeconds: Int?

  /// nil: not a path of the four kinds.
  init?(target: String) {
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var path = parts[0].split(separator: "/", omittingEmptySubsequences: true)[...]
    guard path.popFirst() == "api", path.popFirst() == "v1" else { return nil }
    var namespace: String?
    if path.first == "namespaces", path.count >= 3 {
      path.removeFirst()
      namespace = path.popFirst().map(String.init)
    }
    guard let resource = path.popFirst(), let kind = ObjectKind(resource: resource),
      namespace == nil || kind.isNamespaced, path.count <= 1
    else { return nil }
    self.kind = kind
    self.namespace = namespace
    name = path.popFirst().map(String.init)
    if parts.count > 1 {
      for pair in parts[1].split(separator: "&") { read(pair) }
    }
  }

  private mutating func read(_ pair: Substring) {
    let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let value = sides.count > 1 ? ListQuery.unescape(sides[1]) : ""
    let isTrue = value == "true" || value == "1"
    switch sides[0] {
    case "watch": isWatch = isTrue
    case "limit": limit = Int(value).flatMap { $0 > 0 ? $0 : nil }
    case "continue": continueToken = value.isEmpty ? nil : value
    case "resourceVersion": resourceVersion = value.isEmpty ? nil : value
    case "resourceVersionMatch": resourceVersionMatch = value.isEmpty ? nil : value
    case "allowWatchBookmarks": allowsBookmarks = isTrue
    case "sendInitialEvents": sendsInitialEvents = isTrue
    case "timeoutSeconds": timeoutSeconds = Int(value)
    default: break
    }
  }

  /// Undoes percent encoding; what is not well-formed stays as it is.
  private static func unescape(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Where the next page of a list begins. The real server's token has the version and the next key;
/// ours has the next slot instead, and like any client's business it is opaque.
struct ContinueToken {
  /// -1: whatever is there now, as in the token that comes with a 410.
  var version: Int
  var slot: Int
  /// How many objects are left.
  var remaining: Int

  var text: String {
    Base64.encode(
      "{\"v\":\"meta.k8s.io/v1\",\"rv\":\(version),\"start\":\"\(slot)/\(remaining)\\u0000\"}")
  }

  init(version: Int, slot: Int, remaining: Int) {
    self.version = version
    self.slot = slot
    self.remaining = remaining
  }

  init?(text: String) {
    guard let json = Base64.decode(text) else { return nil }
    let prefix = "{\"v\":\"meta.k8s.io/v1\",\"rv\":"
    let suffix = "\\u0000\"}"
    guard json.hasPrefix(prefix), json.hasSuffix(suffix) else { return nil }
    let inner = json.dropFirst(prefix.count).dropLast(suffix.count)
    let halves = inner.split(separator: ",")
    guard halves.count == 2, let version = Int(halves[0]), halves[1].hasPrefix("\"start\":\"")
    else { return nil }
    let numbers = halves[1].dropFirst("\"start\":\"".count).split(separator: "/")
    guard numbers.count == 2, let slot = Int(numbers[0]), let remaining = Int(numbers[1]),
      slot >= 0, remaining >= 0
    else { return nil }
    self.init(version: version, slot: slot, remaining: remaining)
  }
}
