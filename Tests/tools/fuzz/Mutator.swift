import SimulationModels

/// Changes bytes as damage and malice do, by one sequence of random numbers.
struct Mutator {
  /// Pieces of text that mean something to the parser at hand.
  var words: [[UInt8]]
  /// Inputs of the same kind, to take pieces from.
  var others: [[UInt8]]

  /// Bytes of an input at most, so that a case takes no more than milliseconds.
  static let maximumByteCount = 1 << 20
  private static let edges: [UInt8] = [
    0, 1, 9, 10, 13, 31, 32, 34, 44, 45, 48, 58, 91, 92, 93, 123, 125, 127, 128, 191, 192, 237,
    244, 255,
  ]

  func mutate(_ input: [UInt8], using random: inout SeededRandom) -> [UInt8] {
    var bytes = input
    // Mostly few changes: many only show that the first check works.
    let count = 1 << Int.random(in: 0...4, using: &random)
    for _ in 0..<count { change(&bytes, using: &random) }
    return Array(bytes.prefix(Self.maximumByteCount))
  }

  private func change(_ bytes: inout [UInt8], using random: inout SeededRandom) {
    guard !bytes.isEmpty else { return bytes.append(.random(in: 0...255, using: &random)) }
    let place = Int.random(in: 0..<bytes.count, using: &random)
    let length = min(bytes.count - place, 1 << Int.random(in: 0...10, using: &random))
    switch Int.random(in: 0..<11, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
    case 1: bytes[place] = Self.edges.randomElement(using: &random) ?? 0
    case 2: bytes[place] = .random(in: 0...255, using: &random)
    case 3: bytes.removeSubrange(place..<place + length)
    case 4: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
    case 5: bytes.removeSubrange(place...)
    case 6: insert(words.randomElement(using: &random) ?? [], at: place, in: &bytes, 1)
    case 7:
      let times = 1 << Int.random(in: 0...12, using: &random)
      insert(words.randomElement(using: &random) ?? [], at: place, in: &bytes, times)
    case 8: splice(&bytes, place, length, using: &random)
    case 9: fillWithZeros(&bytes, place..<place + length)
    default: replaceNumber(&bytes, place, using: &random)
    }
  }

  private func insert(_ word: [UInt8], at place: Int, in bytes: inout [UInt8], _ times: Int) {
    guard bytes.count + word.count * times <= Self.maximumByteCount else { return }
    bytes.insert(contentsOf: (0..<times).flatMap { _ in word }, at: place)
  }

  private func splice(
    _ bytes: inout [UInt8], _ place: Int, _ length: Int, using random: inout SeededRandom
  ) {
    guard let other = others.randomElement(using: &random), !other.isEmpty else { return }
    let start = Int.random(in: 0..<other.count, using: &random)
    let piece = other[start..<min(other.count, start + length)]
    bytes.replaceSubrange(place..<place + min(length, piece.count), with: piece)
  }

  private func fillWithZeros(_ bytes: inout [UInt8], _ range: Range<Int>) {
    for index in range { bytes[index] = 0 }
  }

  /// The next number as JSON spells it gets another value, which may be beyond any type.
  private func replaceNumber(
    _ bytes: inout [UInt8], _ place: Int, using random: inout SeededRandom
  ) {
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
    let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
    let numbers = [
      "0", "-0", "1e400", "-1e400", "1e-400", "9223372036854775807", "9223372036854775808",
      "18446744073709551616", "-9223372036854775809", "0.1", "1E999999999999", "4294967296",
      String(repeating: "9", count: 400), "0." + String(repeating: "0", count: 800) + "1",
    ]
    bytes.replaceSubrange(start..<end, with: (numbers.randomElement(using: &random) ?? "0").utf8)
  }
}
