import Foundation
import KubeIndex

/// Hides the service's own credentials in text that comes from elsewhere.
///
/// Debug mode logs whole objects of the API server. One of them is our own pod, whose environment
/// (and its last-applied annotation) may hold the keys as literal values.
struct SecretMask: Sendable {
  static let mark = "***"
  /// A shorter value would hide text that only happens to look like it.
  static let minimumCharacterCount = 6

  private let values: [String]

  /// The credentials that `environment` and `endpoint` hold.
  init(environment: [String: String], endpoint: APIServerEndpoint) {
    var secrets = SettingsTable.variables.filter(\.isSecret).compactMap { environment[$0.name] }
    if case .token(let token) = endpoint.credentials { secrets.append(token) }
    self.init(secrets: secrets)
  }

  /// Each secret is known as it is, as JSON writes it, and as JSON inside a JSON string does.
  init(secrets: [String]) {
    var values: Set<String> = []
    for secret in secrets where secret.count >= Self.minimumCharacterCount {
      let once = Self.escaped(secret)
      values.formUnion([secret, once, Self.escaped(once)])
    }
    // The longest first: one may be a part of another.
    self.values = values.sorted { ($0.count, $0) > ($1.count, $1) }
  }

  func mask(_ text: String) -> String {
    values.reduce(text) { $0.contains($1) ? $0.replacingOccurrences(of: $1, with: Self.mark) : $0 }
  }

  /// As Go's encoder writes it: the API server is one.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "<": result += "\\u003c"
      case ">": result += "\\u003e"
      case "&": result += "\\u0026"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
