import Glibc

/// A small file that is read whole: configuration, token, certificate.
struct ConfigurationFile {
  var bytes: [UInt8]

  /// nil when it is not UTF-8.
  var text: String? { String(validating: bytes, as: UTF8.self) }

  /// nil when it cannot be read or is larger than any such file has a reason to be; `errno` says
  /// why.
  static func read(_ path: String) -> ConfigurationFile? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    let limit = ServiceLimits.maximumConfigurationFileByteCount
    while bytes.count <= limit {
      let before = bytes.count
      bytes.append(contentsOf: repeatElement(0, count: 16384))
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress.map { $0 + before }, 16384)
      }
      if count < 0 && errno == EINTR {
        bytes.removeSubrange(before...)
        continue
      }
      guard count >= 0 else { return nil }
      bytes.removeSubrange((before + count)...)
      if count == 0 { return ConfigurationFile(bytes: bytes) }
    }
    errno = EFBIG
    return nil
  }
}
