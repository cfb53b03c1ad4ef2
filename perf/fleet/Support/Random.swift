/// A small, fast generator (SplitMix64): the same seed gives the same cluster, reports and churn.
struct Random {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// A generator for one thing among many: `label` tells apart what one seed is used for.
  init(seed: UInt64, label: UInt64) {
    state = Random.mix(seed, label)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Random.finalize(state)
  }

  /// A number in `0..<bound`; `bound` is at least 1. The bias is below 2^-32.
  mutating func below(_ bound: UInt32) -> UInt32 {
    let high = next() >> 32
    return UInt32(truncatingIfNeeded: (high &* UInt64(bound)) >> 32)
  }

  mutating func below(_ bound: Int) -> Int {
    Int(below(UInt32(clamping: bound)))
  }

  /// True once in `n` calls, on average.
  mutating func oneIn(_ n: UInt32) -> Bool {
    below(n) == 0
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[below(elements.count)]
  }

  static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    finalize(finalize(first &+ 0x9E37_79B9_7F4A_7C15) ^ (second &* 0xD6E8_FEB8_6659_FD93))
  }

  private static func finalize(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
