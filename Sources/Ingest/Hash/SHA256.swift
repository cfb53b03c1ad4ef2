import CShims

/// SHA-256 (FIPS 180-4), fed piece by piece. One thread at a time.
///
/// OpenSSL fails here only when memory is exhausted, which no caller can mend: it traps.
package struct SHA256: ~Copyable {
  package static let byteCount = Int(CSHIMS_SHA256_BYTE_COUNT)

  private let hash: OpaquePointer

  package init() {
    guard let hash = cshims_sha256_create() else {
      preconditionFailure("libcrypto gives no SHA-256")
    }
    self.hash = hash
  }

  deinit { cshims_sha256_destroy(hash) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    let done = cshims_sha256_update(hash, bytes.baseAddress, bytes.count)
    precondition(done, "libcrypto cannot hash")
  }

  /// The digest of what has come since the start or the last `finish`: 32 bytes.
  package func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Self.byteCount) { buffer, count in
      let done = cshims_sha256_finish(hash, buffer.baseAddress)
      precondition(done, "libcrypto cannot hash")
      count = Self.byteCount
    }
  }

  /// The digest of `bytes`: 32 bytes.
  package static func digest(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let done = cshims_sha256_digest(bytes.baseAddress, bytes.count, buffer.baseAddress)
      precondition(done, "libcrypto cannot hash")
      count = byteCount
    }
  }

  /// HMAC-SHA256 (RFC 2104) of `bytes` under `key`: 32 bytes.
  package static func hmac(key: [UInt8], _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let done = key.withUnsafeBytes {
        cshims_hmac_sha256(
          $0.baseAddress, $0.count, bytes.baseAddress, bytes.count, buffer.baseAddress)
      }
      precondition(done, "libcrypto cannot hash")
      count = byteCount
    }
  }

  /// `bytes` in lower-case hexadecimal.
  package static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
