/// Numbers as text, as Python and Go write them.

/// The pairs "00" to "99": two digits a step halve the divisions.
private let digitPairs: StaticString = """
  00010203040506070809101112131415161718192021222324252627282930313233343536373839\
  40414243444546474849505152535455565758596061626364656667686970717273747576777879\
  8081828384858687888990919293949596979899
  """

/// The letters that Kubernetes uses for generated names: no vowels, no look-alikes.
private let nameLetters: StaticString = "bcdfghjklmnpqrstvwxz2456789"

/// Number of texts of five such letters.
let nameSuffixCount: UInt32 = 14_348_907

extension ByteWriter {
  mutating func append(decimal value: UInt64) {
    var length = 1
    var limit: UInt64 = 10
    while value >= limit {
      length += 1
      if length == 20 { break }
      limit &*= 10
    }
    append(decimal: value, digits: length)
  }

  mutating func append(decimal value: Int) {
    if value < 0 { append(byte: UInt8(ascii: "-")) }
    append(decimal: UInt64(value.magnitude))
  }

  /// Exactly `digits` digits, zeros in front.
  @inline(__always)
  mutating func append(decimal value: UInt64, digits: Int) {
    let start = reserve(digits)
    let pairs = digitPairs.utf8Start
    var rest = value
    var position = digits
    while position >= 2 {
      let pair = Int(rest % 100) &* 2
      rest /= 100
      position &-= 2
      start[position] = pairs[pair]
      start[position &+ 1] = pairs[pair &+ 1]
    }
    if position == 1 { start[0] = UInt8(ascii: "0") &+ UInt8(rest % 10) }
    advance(digits)
  }

  /// `json.dumps(nanocores / 1e9)`: the shortest text that reads back as the same double, which
  /// below 2^53 nanocores is the decimal fraction itself, with an exponent below 0.0001.
  mutating func append(coresFromNano nanocores: UInt64) {
    if nanocores < 100_000 && nanocores > 0 {
      appendSmallCores(nanocores)
      return
    }
    append(decimal: nanocores / 1_000_000_000)
    append(byte: UInt8(ascii: "."))
    var fraction = nanocores % 1_000_000_000
    var digits = 9
    while digits > 1 && fraction % 10 == 0 {
      fraction /= 10
      digits -= 1
    }
    append(decimal: fraction, digits: digits)
  }

  /// Python's `repr` below 0.0001: `5.1e-07`.
  private mutating func appendSmallCores(_ nanocores: UInt64) {
    var significand = nanocores
    while significand % 10 == 0 { significand /= 10 }
    var digits = 0
    var rest = nanocores
    while rest > 0 {
      digits += 1
      rest /= 10
    }
    var significantDigits = 0
    rest = significand
    while rest > 0 {
      significantDigits += 1
      rest /= 10
    }
    var scale: UInt64 = 1
    for _ in 1..<max(significantDigits, 1) { scale *= 10 }
    append(decimal: significand / scale)
    if significantDigits > 1 {
      append(byte: UInt8(ascii: "."))
      append(decimal: significand % scale, digits: significantDigits - 1)
    }
    append("e-")
    append(decimal: UInt64(10 - digits), digits: 2)
  }

  /// Eight lower-case hexadecimal digits.
  @inline(__always)
  static func hexDigits(_ value: UInt32) -> UInt64 {
    var spread = UInt64(value)
    spread = (spread | (spread << 16)) & 0x0000_FFFF_0000_FFFF
    spread = (spread | (spread << 8)) & 0x00FF_00FF_00FF_00FF
    spread = (spread | (spread << 4)) & 0x0F0F_0F0F_0F0F_0F0F
    let letters = ((spread &+ 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101
    // '0' is 48; a letter is 39 further on ('a' = 97 = 48 + 10 + 39).
    return (spread &+ 0x3030_3030_3030_3030 &+ letters &* 39).byteSwapped
  }

  /// A UUID of 36 characters.
  mutating func append(uid: UID) {
    let start = UnsafeMutableRawPointer(reserve(40))
    let first = ByteWriter.hexDigits(UInt32(truncatingIfNeeded: uid.high >> 32))
    let second = ByteWriter.hexDigits(UInt32(truncatingIfNeeded: uid.high))
    let third = ByteWriter.hexDigits(UInt32(truncatingIfNeeded: uid.low >> 32))
    let fourth = ByteWriter.hexDigits(UInt32(truncatingIfNeeded: uid.low))
    let dash = UInt8(ascii: "-")
    start.storeBytes(of: first, as: UInt64.self)
    for (digits, offset) in [(second, 9), (second >> 32, 14), (third, 19), (third >> 32, 24)] {
      start.storeBytes(of: dash, toByteOffset: offset - 1, as: UInt8.self)
      start.storeBytes(
        of: UInt32(truncatingIfNeeded: digits), toByteOffset: offset, as: UInt32.self)
    }
    start.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
    advance(36)
  }

  /// 32 hexadecimal digits, as the kubelet identifies a static pod.
  mutating func append(plainHex uid: UID) {
    append(hex: uid.high, digits: 16)
    append(hex: uid.low, digits: 16)
  }

  /// The last `digits` (at most 16) hexadecimal digits of a number.
  mutating func append(hex value: UInt64, digits: Int) {
    let start = reserve(16)
    for position in 0..<digits {
      let nibble = UInt8((value >> UInt64((digits - 1 - position) * 4)) & 15)
      start[position] = nibble &+ (nibble < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") &- 10)
    }
    advance(digits)
  }

  /// `count` letters of a generated name, a function of `value`.
  mutating func append(nameLettersOf value: UInt64, count: Int) {
    let start = reserve(count)
    let letters = nameLetters.utf8Start
    var rest = value
    for position in 0..<count {
      start[position] = letters[Int(rest % 27)]
      rest /= 27
    }
    advance(count)
  }
}

/// A UUID; always of version 4, as the API server makes them.
struct UID: Equatable {
  var high: UInt64
  var low: UInt64

  init(from random: inout Random) {
    self.init(random.next(), random.next())
  }

  /// The UUID of something that is named by a number and kept nowhere, such as an owner.
  init(of thing: UInt64, label: UInt64) {
    self.init(Random.mix(thing, label), Random.mix(label, thing))
  }

  private init(_ first: UInt64, _ second: UInt64) {
    high = (first & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
    low = (second & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
  }
}
