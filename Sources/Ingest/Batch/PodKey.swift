import CShims

/// Sixteen bytes that stand for a pod_id: a canonical lower-case UUID itself, packed, and anything
/// else by its XXH3-128, which is then only a hint: the text decides.
struct PodKey {
  var low: UInt64
  var high: UInt64
  var isUUID: Bool
  /// Where in a table the search begins, and what tells most others apart.
  var hash: UInt32

  static let uuidCharacterCount = 36

  @inline(__always)
  init(_ podID: UnsafeRawBufferPointer, seed: UInt64) {
    if podID.count == Self.uuidCharacterCount, let base = podID.baseAddress,
      let packed = Self.pack(base)
    {
      (low, high) = packed
      isUUID = true
    } else {
      let hash = cshims_xxh3_128(podID.baseAddress, podID.count, seed)
      low = hash.low
      high = hash.high
      isUUID = false
    }
    hash = Self.hash(low, high, seed)
  }

  /// The key of a record; what kind of text it came from makes no difference to its hash.
  init(low: UInt64, high: UInt64, seed: UInt64) {
    self.low = low
    self.high = high
    isUUID = false
    hash = Self.hash(low, high, seed)
  }

  /// The 36 characters at `text` as 16 bytes; nil unless they are `8-4-4-4-12` lower-case
  /// hexadecimal digits. Nothing but the same text packs to the same bytes.
  @inline(__always)
  static func pack(_ text: UnsafeRawPointer) -> (low: UInt64, high: UInt64)? {
    let dash = UInt8(ascii: "-")
    guard
      text.load(fromByteOffset: 8, as: UInt8.self) == dash,
      text.load(fromByteOffset: 13, as: UInt8.self) == dash,
      text.load(fromByteOffset: 18, as: UInt8.self) == dash,
      text.load(fromByteOffset: 23, as: UInt8.self) == dash
    else { return nil }
    func four(_ offset: Int) -> UInt64 {
      UInt64(text.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    let first = text.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    let second = four(9) | four(14) << 32
    let third = four(19) | four(24) << 32
    let fourth = text.loadUnaligned(fromByteOffset: 28, as: UInt64.self)
    let (a, b, c, d) = (
      Nibbles(first), Nibbles(second), Nibbles(third), Nibbles(fourth)
    )
    guard a.differences | b.differences | c.differences | d.differences == 0 else { return nil }
    return (a.packed | b.packed << 32, c.packed | d.packed << 32)
  }

  /// Eight lower-case hexadecimal characters, the first in the lowest byte, as 4 bytes in the same
  /// order; nil when one of them is something else.
  @inline(__always)
  static func packed(_ characters: UInt64) -> UInt64? {
    let nibbles = Nibbles(characters)
    return nibbles.differences == 0 ? nibbles.packed : nil
  }

  /// Eight lower-case hexadecimal characters, one a byte, turned to digits all at once.
  private struct Nibbles {
    let digits: UInt64
    /// 0 when the digits, written out again, give the characters.
    let differences: UInt64

    @inline(__always)
    init(_ characters: UInt64) {
      let ones: UInt64 = 0x0101_0101_0101_0101
      // A letter's low four bits are its digit less 9; bit 6 tells letters from digits.
      digits = (characters & (ones &* 0x0f)) &+ (((characters >> 6) & ones) &* 9)
      let isLetter = ((digits &+ (ones &* 0x76)) >> 7) & ones
      let written = digits &+ (ones &* 0x30) &+ (isLetter &* 0x27)
      differences = (written ^ characters) | (digits & (ones &* 0xf0))
    }

    /// The 32 bits of the eight digits.
    @inline(__always)
    var packed: UInt64 {
      var word = ((digits << 4) | (digits >> 8)) & 0x00ff_00ff_00ff_00ff
      word = (word | (word >> 8)) & 0x0000_ffff_0000_ffff
      return (word | (word >> 16)) & 0xffff_ffff
    }
  }

  /// Both factors are secret: no pod_id can be chosen to make one of them zero.
  @inline(__always)
  private static func hash(_ low: UInt64, _ high: UInt64, _ seed: UInt64) -> UInt32 {
    let second = (seed ^ (seed >> 32)) &* 0x9e37_79b9_7f4a_7c15
    return fold((low ^ seed).multipliedFullWidth(by: high ^ second))
  }

  @inline(__always)
  private static func fold(_ product: (high: UInt64, low: UInt64.Magnitude)) -> UInt32 {
    let folded = product.high ^ product.low
    return UInt32(truncatingIfNeeded: folded ^ (folded >> 32))
  }

  /// Where the search begins for a pod that shares its pod_id with an older one.
  func identityHash(
    namespace: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer, startMicros: Int64,
    seed: UInt64
  ) -> UInt32 {
    var hash = cshims_xxh3_64(namespace.baseAddress, namespace.count, seed ^ low)
    hash = cshims_xxh3_64(name.baseAddress, name.count, hash ^ high)
    hash = withUnsafeBytes(of: startMicros) { cshims_xxh3_64($0.baseAddress, $0.count, hash) }
    return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}
