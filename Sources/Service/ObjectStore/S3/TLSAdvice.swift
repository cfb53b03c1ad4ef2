import KubeIndex

/// A transport error's text with what to do about it.
enum TLSAdvice {
  static func text(_ error: TransportError) -> String {
    guard error.reason == .tls else { return error.message }
    return "\(error.message) (a private CA belongs in the PEM file that AWS_CA_BUNDLE names)"
  }
}
