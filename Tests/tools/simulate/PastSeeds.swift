/// Seeds that once found a fault of the product. A change of the scenarios gives their numbers
/// other contents; the unit tests named in TRACK-RECORD.md hold what they found.
enum PastSeeds {
  static let all: [UInt64] = [
    2, 55, 100, 254, 335, 2_187, 2_773, 20_404, 20_610, 30_041, 1_021_412, 5_032_824, 5_042_007,
  ]
}
