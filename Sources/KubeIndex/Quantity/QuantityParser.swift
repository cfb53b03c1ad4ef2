/// Parses the text of a quantity:
///
///     quantity  = [sign] number [suffix]
///     number    = digits ["." [digits]] | "." digits
///     suffix    = "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei"
///               | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E"
///               | ("e" | "E") [sign] digits
///
/// Where the server's parser is laxer than that grammar (a number without any digit is 0, spaces
/// around the text are dropped), so is this one. Any number of digits is read exactly.
extension Quantity {
  /// nil: not a quantity.
  package init?(_ text: String) {
    var text = text
    let parsed = text.withUTF8 { Quantity(utf8: UnsafeRawBufferPointer($0)) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// nil: not a quantity.
  package init?(utf8 text: UnsafeRawBufferPointer) {
    let bytes = text.trimmed
    guard !bytes.isEmpty else { return nil }
    var at = 0
    var isNegative = false
    if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
      isNegative = bytes[0] == UInt8(ascii: "-")
      at = 1
    }
    let whole = bytes.digits(from: at)
    at = whole.upperBound
    var fraction = at..<at
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      fraction = bytes.digits(from: at + 1)
      at = fraction.upperBound
    }
    guard let suffix = Suffix(UnsafeRawBufferPointer(rebasing: bytes[at...])) else { return nil }
    let digits = Digits(
      whole: UnsafeRawBufferPointer(rebasing: bytes[whole]),
      fraction: UnsafeRawBufferPointer(rebasing: bytes[fraction]))
    let size =
      switch suffix {
      case .decimal(let exponent): digits.nanos(timesTenTo: Int(exponent))
      case .binary(let exponent): digits.nanos(timesTwoTo: exponent)
      }
    self.init(nanos: isNegative ? -size : size)
  }
}

/// What the number is multiplied by.
private enum Suffix {
  /// 10^exponent.
  case decimal(Int32)
  /// 2^exponent, 10 to 60.
  case binary(Int)

  init?(_ text: UnsafeRawBufferPointer) {
    guard let first = text.first else {
      self = .decimal(0)
      return
    }
    if text.count == 1 {
      guard let exponent = Suffix.decimalExponent(first) else { return nil }
      self = .decimal(exponent)
    } else if first == UInt8(ascii: "e") || first == UInt8(ascii: "E") {
      if text.count == 2, first == UInt8(ascii: "E"), text[1] == UInt8(ascii: "i") {
        self = .binary(60)
      } else if let exponent = Suffix.number(UnsafeRawBufferPointer(rebasing: text[1...])) {
        self = .decimal(exponent)
      } else {
        return nil
      }
    } else {
      guard text.count == 2, text[1] == UInt8(ascii: "i"),
        let exponent = Suffix.binaryExponent(first)
      else { return nil }
      self = .binary(exponent)
    }
  }

  private static func decimalExponent(_ letter: UInt8) -> Int32? {
    switch letter {
    case UInt8(ascii: "n"): -9
    case UInt8(ascii: "u"): -6
    case UInt8(ascii: "m"): -3
    case UInt8(ascii: "k"): 3
    case UInt8(ascii: "M"): 6
    case UInt8(ascii: "G"): 9
    case UInt8(ascii: "T"): 12
    case UInt8(ascii: "P"): 15
    case UInt8(ascii: "E"): 18
    default: nil
    }
  }

  private static func binaryExponent(_ letter: UInt8) -> Int? {
    switch letter {
    case UInt8(ascii: "K"): 10
    case UInt8(ascii: "M"): 20
    case UInt8(ascii: "G"): 30
    case UInt8(ascii: "T"): 40
    case UInt8(ascii: "P"): 50
    default: nil
    }
  }

  /// The server reads the exponent as 64 bits and keeps the low 32 of them; so do we.
  private static func number(_ text: UnsafeRawBufferPointer) -> Int32? {
    var at = 0
    var isNegative = false
    if text[0] == UInt8(ascii: "-") || text[0] == UInt8(ascii: "+") {
      isNegative = text[0] == UInt8(ascii: "-")
      at = 1
    }
    guard at < text.count, text.digits(from: at).upperBound == text.count else { return nil }
    var number: Int64 = 0
    for byte in text[at...] {
      let digit = Int64(byte - UInt8(ascii: "0"))
      let (tenfold, overflowed) = number.multipliedReportingOverflow(by: 10)
      let (next, overflow) =
        isNegative
        ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
      if overflowed || overflow { return nil }
      number = next
    }
    return Int32(truncatingIfNeeded: number)
  }
}

/// The digits before and behind the point.
private struct Digits {
  var whole: UnsafeRawBufferPointer
  var fraction: UnsafeRawBufferPointer

  /// Digits that `Quantity.maximumNanos` has: more are beyond it.
  private static let maximumDigits = 28

  private func digit(_ index: Int) -> UInt8 {
    (index < whole.count ? whole[index] : fraction[index - whole.count]) - UInt8(ascii: "0")
  }

  /// The number x 10^exponent in nano-units, rounded up, capped.
  func nanos(timesTenTo exponent: Int) -> Int128 {
    let count = whole.count + fraction.count
    var first = 0
    while first < count, digit(first) == 0 { first += 1 }
    guard first < count else { return 0 }
    // The point stands behind this digit when nano-units are counted.
    let end = whole.count + exponent + 9
    guard end > first else { return 1 }
    guard end - first <= Digits.maximumDigits else { return Quantity.maximumNanos }
    var nanos: Int128 = 0
    for index in first..<end { nanos = nanos * 10 + (index < count ? Int128(digit(index)) : 0) }
    if end < count, (max(end, 0)..<count).contains(where: { digit($0) != 0 }) { nanos += 1 }
    return min(nanos, Quantity.maximumNanos)
  }

  /// The number x 2^exponent in nano-units, rounded up, capped.
  func nanos(timesTwoTo exponent: Int) -> Int128 {
    var units: Int128 = 0
    for byte in whole {
      units = units * 10 + Int128(byte - UInt8(ascii: "0"))
      if units > Int128(Int64.max) { return Quantity.maximumNanos }
    }
    // At most 63 + 60 bits.
    units <<= Int128(exponent)
    if units > Int128(Int64.max) { return Quantity.maximumNanos }
    let factor = Int128(1_000_000_000) << Int128(exponent)
    // From the last digit to the first: part = (digit x factor + part) / 10. What a division drops
    // is less than one and so never reaches the next quotient; that there was some is enough.
    var part: Int128 = 0
    var isInexact = false
    for byte in fraction.reversed() {
      let (quotient, remainder) = (Int128(byte - UInt8(ascii: "0")) * factor + part)
        .quotientAndRemainder(dividingBy: 10)
      part = quotient
      isInexact = isInexact || remainder != 0
    }
    return min(units * 1_000_000_000 + part + (isInexact ? 1 : 0), Quantity.maximumNanos)
  }
}

extension UnsafeRawBufferPointer {
  /// Without spaces at both ends.
  fileprivate var trimmed: UnsafeRawBufferPointer {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var lower = 0
    var upper = count
    while lower < upper, isSpace(self[lower]) { lower += 1 }
    while upper > lower, isSpace(self[upper - 1]) { upper -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[lower..<upper])
  }

  /// The run of decimal digits that begins at `start`.
  fileprivate func digits(from start: Int) -> Range<Int> {
    var end = start
    while end < count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self[end]) { end += 1 }
    return start..<end
  }
}
