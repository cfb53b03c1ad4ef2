import Foundation

/// Base64 for continue tokens (the URL alphabet without padding) and for kubeconfig (the plain
/// one).
enum Base64 {
  static func encode(_ text: String) -> String {
    Data(text.utf8).base64EncodedString()
      .replacingOccurrences(of: "+", with: "-")
      .replacingOccurrences(of: "/", with: "_")
      .replacingOccurrences(of: "=", with: "")
  }

  static func decode(_ text: String) -> String? {
    var plain = text.replacingOccurrences(of: "-", with: "+")
      .replacingOccurrences(of: "_", with: "/")
    plain += String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
    return Data(base64Encoded: plain).flatMap { String(data: $0, encoding: .utf8) }
  }

  static func encodePlain(_ text: String) -> String {
    Data(text.utf8).base64EncodedString()
  }
}
