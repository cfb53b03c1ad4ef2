import CShims
import Glibc

/// The system's root certificates as text, for adding further ones. Read once.
enum SystemRoots {
  /// PEM; empty when libcurl was built without a file of roots (its directory of roots then
  /// counts).
  static let pem: [UInt8] = {
    guard let path = cshims_curl_system_roots_path().map({ String(cString: $0) }) else { return [] }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while bytes.count < KubeIndexLimits.maximumRootsByteCount {
      let got = read(descriptor, &piece, piece.count)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      bytes.append(contentsOf: piece[..<got])
    }
    return bytes
  }()
}
