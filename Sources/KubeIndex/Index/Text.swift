import CShims
import Glibc

/// Immutable UTF-8 text that many records share.
///
/// A `TextPool` makes each distinct text once; two texts of one pool are equal exactly when they
/// are the same object. Texts that are never shared (a pod's UID) are made without a pool.
///
/// One allocation: 16 bytes of object header, 12 of `Head`, then the bytes.
///
/// `Sendable`: the bytes are written before `init` returns and never again.
package final class Text: TailAllocated, @unchecked Sendable {
  /// What stands before the bytes.
  package struct Head {
    var hash: UInt64
    var count: UInt32
  }

  /// One byte of UTF-8.
  package typealias Element = UInt8

  /// Made by `allocate` alone: an object without a tail has no bytes to read.
  private init() {}

  /// XXH3-64 of the bytes under `seed`.
  package var hash: UInt64 { withExtendedLifetime(self) { head.pointee.hash } }
  /// UTF-8 bytes, without a terminator.
  package var count: Int { withExtendedLifetime(self) { Int(head.pointee.count) } }

  /// One random seed a process, so that names chosen by others cannot be made to collide.
  package static let seed = UInt64.random(in: .min ... .max)

  /// The hash that a text of these bytes has.
  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    cshims_xxh3_64(bytes.baseAddress, bytes.count, seed)
  }

  /// The bytes, valid during the call.
  package func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    // `self` must outlive the pointer that `body` reads.
    try withExtendedLifetime(self) {
      try body(UnsafeRawBufferPointer(start: tail, count: count))
    }
  }

  /// True when the text is exactly `bytes`.
  package func equals(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard count == bytes.count else { return false }
    guard let other = bytes.baseAddress else { return true }
    return withExtendedLifetime(self) { memcmp(tail, other, count) == 0 }
  }

  /// The text as a `String`, for messages.
  package var string: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

extension TailAllocated where Self == Text {
  /// Copies `bytes`, which must be UTF-8.
  package init(_ bytes: UnsafeRawBufferPointer) { self.init(bytes, hash: Text.hash(bytes)) }

  /// Copies `bytes`, whose hash is known already: fewer than 4 GiB, as all that is parsed is.
  package init(_ bytes: UnsafeRawBufferPointer, hash: UInt64) {
    self = Text.allocate(
      Text.Head(hash: hash, count: UInt32(bytes.count)), tailCount: bytes.count)
    if let source = bytes.baseAddress {
      UnsafeMutableRawPointer(tail).copyMemory(from: source, byteCount: bytes.count)
    }
  }

  /// The text of a string.
  package init(_ string: String) {
    var string = string
    self = string.withUTF8 { Text(UnsafeRawBufferPointer($0)) }
  }
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
///
/// One allocation: 16 bytes of object header, 16 of `Head`, then the references.
package final class TextList: TailAllocated, @unchecked Sendable {
  /// What stands before the references.
  package struct Head {
    var hash: UInt64
    var count: Int
  }

  /// A text of the same pool.
  package typealias Element = Text

  /// The list of no texts.
  package static let empty = TextList([])

  /// Made by `allocate` alone: an object without a tail has no references to give back.
  private init() {}

  /// Mixed from the elements' hashes, in order.
  package var hash: UInt64 { withExtendedLifetime(self) { head.pointee.hash } }

  /// The texts in order.
  package var elements: Elements { Elements(list: self) }

  /// Calls `body` with the bytes of each text in order, valid during the call, and counts no
  /// references.
  package func forEachText(_ body: (UnsafeRawBufferPointer) -> Void) {
    withExtendedLifetime(self) {
      let texts = UnsafeRawPointer(tail).assumingMemoryBound(to: Unmanaged<Text>.self)
      let count = head.pointee.count
      // Each is a place of its own: asked for together, they are waited for once.
      for index in 0..<count { cshims_prefetch(texts[index].toOpaque()) }
      for index in 0..<count { texts[index]._withUnsafeGuaranteedRef { $0.withBytes(body) } }
    }
  }

  /// The hash that a list of these elements has.
  package static func hash(_ elements: [Text]) -> UInt64 {
    var hash = HashMixer(seed: UInt64(truncatingIfNeeded: elements.count))
    for element in elements { hash.mix(element.hash) }
    return hash.value
  }

  deinit { tail.deinitialize(count: head.pointee.count) }

  package struct Elements: RandomAccessCollection {
    fileprivate let list: TextList

    package var startIndex: Int { 0 }
    package var endIndex: Int { withExtendedLifetime(list) { list.head.pointee.count } }

    package subscript(index: Int) -> Text {
      precondition(index >= 0 && index < endIndex, "no such text")
      return withExtendedLifetime(list) { list.tail[index] }
    }
  }
}

extension TailAllocated where Self == TextList {
  package init(_ elements: [Text]) {
    self = TextList.allocate(
      TextList.Head(hash: TextList.hash(elements), count: elements.count),
      tailCount: elements.count)
    for (index, element) in elements.enumerated() {
      (tail + index).initialize(to: element)
    }
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
