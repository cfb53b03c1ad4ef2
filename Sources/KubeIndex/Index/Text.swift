import CShims
import Glibc

/// Immutable UTF-8 text that many records share.
///
/// A `TextPool` makes each distinct text once; two texts of one pool are equal exactly when they
/// are the same object. Texts that are never shared (a pod's UID, its name) are made without a
/// pool.
///
/// `Sendable`: the bytes are written before `init` returns and never again.
package final class Text: @unchecked Sendable {
  /// XXH3-64 of the bytes under `seed`.
  package let hash: UInt64
  /// UTF-8 bytes, without a terminator.
  package let count: Int
  private let start: UnsafeMutableRawPointer?

  /// One random seed a process, so that names chosen by others cannot be made to collide.
  package static let seed = UInt64.random(in: .min ... .max)

  /// The hash that a text of these bytes has.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    cshims_xxh3_64(bytes.baseAddress, bytes.count, seed)
  }

  /// Copies `bytes`, which must be UTF-8.
  package convenience init(_ bytes: UnsafeRawBufferPointer) {
    self.init(bytes, hash: Text.hash(bytes))
  }

  /// Copies `bytes`, whose hash is known already.
  package init(_ bytes: UnsafeRawBufferPointer, hash: UInt64) {
    self.hash = hash
    count = bytes.count
    if let source = bytes.baseAddress, bytes.count > 0 {
      let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 1)
      copy.copyMemory(from: source, byteCount: bytes.count)
      start = copy
    } else {
      start = nil
    }
  }

  /// The text of a string.
  package convenience init(_ string: String) {
    self.init(utf8: Array(string.utf8))
  }

  private convenience init(utf8 bytes: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    self.init(UnsafeRawBufferPointer(copy))
  }

  deinit { start?.deallocate() }

  /// The bytes, valid during the call.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    // `self` must outlive the pointer that `body` reads.
    try withExtendedLifetime(self) {
      try body(UnsafeRawBufferPointer(start: start, count: count))
    }
  }

  /// True when the text is exactly `bytes`.
  package func equals(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard count == bytes.count else { return false }
    guard count > 0, let start, let other = bytes.baseAddress else { return true }
    return memcmp(start, other, count) == 0
  }

  /// The text as a `String`, for messages.
  package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

extension Text: Equatable {
  package static func == (left: Text, right: Text) -> Bool {
    if left === right { return true }
    guard left.hash == right.hash else { return false }
    return right.withBytes { left.equals($0) }
  }
}

extension Text: CustomStringConvertible {
  package var description: String { string }
}

/// Texts in a fixed order: labels, annotations or claim names. Interned as a whole: two lists of
/// one pool are equal exactly when they are the same object.
package final class TextList: Sendable {
  package let elements: [Text]
  /// Mixed from the elements' hashes, in order.
  package let hash: UInt64

  package static let empty = TextList([])

  package init(_ elements: [Text]) {
    self.elements = elements
    hash = TextList.hash(elements)
  }

  /// The hash that a list of these elements has.
  package static func hash(_ elements: [Text]) -> UInt64 {
    var hash = HashMixer(seed: UInt64(truncatingIfNeeded: elements.count))
    for element in elements { hash.mix(element.hash) }
    return hash.value
  }
}

/// Folds 64-bit hashes into one; the order counts.
struct HashMixer {
  private(set) var value: UInt64

  init(seed: UInt64) { value = seed &+ 0x9E37_79B9_7F4A_7C15 }

  mutating func mix(_ other: UInt64) {
    // The 128-bit multiplication spreads every bit of both; wrapping is meant.
    let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(
      by: other ^ 0xE703_7ED1_A0B4_28DB)
    value = product.high ^ product.low ^ (value &<< 1)
  }

  mutating func mix(_ other: Int64) { mix(UInt64(bitPattern: other)) }
}
