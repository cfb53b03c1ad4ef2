/// Parquet's hybrid of run length and bit packing, for levels and dictionary indexes.
///
///     hybrid      := run*
///     run         := rle-run | packed-run
///     rle-run     := varint(count << 1)          value in ceil(width / 8) bytes
///     packed-run  := varint(groups << 1 | 1)     groups * width bytes, 8 values each, LSB first
///
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#RLE
///
/// Values come as runs, so the cost follows the number of runs, not of values. A run shorter than
/// `minimumRun` is packed with its neighbours; a packed run can only end on a multiple of 8, so
/// the values that fill its last group are taken from the run that ends it.
///
/// Exclusivity is not checked at run time, for the reason that `GrowingBytes` gives.
package final class RunLengthEncoder {
  /// The encoded runs; complete after `finish`.
  package let output = GrowingBytes()

  @exclusivity(unchecked) private var bitWidth = 1
  @exclusivity(unchecked) private var minimumRun = 8

  /// The run that may still grow.
  @exclusivity(unchecked) private var runValue: UInt32 = 0
  @exclusivity(unchecked) private var runCount = 0

  /// Packed values that are not in `output` yet: whole bytes, then fewer than 8 bits.
  private let packed = GrowingBytes()
  @exclusivity(unchecked) private var packedCount = 0
  @exclusivity(unchecked) private var accumulator: UInt64 = 0
  @exclusivity(unchecked) private var accumulatedBits = 0

  package init() {}

  /// Starts anew with values of `bitWidth` bits, 1 to 32.
  package func reset(bitWidth: Int) {
    precondition(bitWidth >= 1 && bitWidth <= 32)
    self.bitWidth = bitWidth
    // A run costs its header and value, and another header if packing goes on behind it.
    let runBits = 16 + 8 * ((bitWidth + 7) / 8)
    minimumRun = max(2, (runBits + bitWidth - 1) / bitWidth)
    output.reset()
    packed.reset()
    runCount = 0
    packedCount = 0
    accumulator = 0
    accumulatedBits = 0
  }

  /// Appends `value` `count` times; equal neighbours become one run.
  @inline(__always)
  package func append(_ value: UInt32, count: Int) {
    if value == runValue {
      runCount += count
    } else {
      if runCount > 0 { commitRun() }
      runValue = value
      runCount = count
    }
  }

  /// Appends `bitCount` one-bit values at once, the lowest bit first; at most 56.
  @inline(__always)
  package func appendBits(_ bits: UInt64, bitCount: Int) {
    assert(bitWidth == 1 && bitCount <= 56)
    if runCount > 0 { commitRun() }
    pack(bits, bitCount: bitCount)
    packedCount += bitCount
  }

  /// Ends the last run; `output` is complete.
  package func finish() {
    if runCount > 0 { commitRun() }
    flushPacked()
  }

  private func commitRun() {
    var count = runCount
    runCount = 0
    let open = packedCount & 7
    if open != 0 {
      let fill = min(count, 8 - open)
      packRun(fill)
      count -= fill
    }
    if count >= minimumRun {
      flushPacked()
      output.appendVarint(UInt64(count) << 1)
      output.reserve(8)
      output.base.storeBytes(
        of: runValue.littleEndian, toByteOffset: output.count, as: UInt32.self)
      output.count += (bitWidth + 7) / 8
    } else if count > 0 {
      packRun(count)
    }
  }

  private func packRun(_ count: Int) {
    for _ in 0..<count { pack(UInt64(runValue), bitCount: bitWidth) }
    packedCount += count
  }

  @inline(__always)
  private func pack(_ bits: UInt64, bitCount: Int) {
    packed.reserve(16)
    accumulator |= bits &<< UInt64(accumulatedBits)
    accumulatedBits += bitCount
    packed.base.storeBytes(
      of: accumulator.littleEndian, toByteOffset: packed.count, as: UInt64.self)
    packed.count += accumulatedBits >> 3
    // At most 7 + 56 bits: the shift is below 64.
    accumulator &>>= UInt64(accumulatedBits & ~7)
    accumulatedBits &= 7
  }

  private func flushPacked() {
    guard packedCount > 0 else { return }
    let groups = (packedCount + 7) / 8
    let byteCount = groups * bitWidth
    packed.reserve(byteCount - packed.count + 8)
    if accumulatedBits > 0 {
      packed.base.storeBytes(
        of: UInt8(truncatingIfNeeded: accumulator), toByteOffset: packed.count, as: UInt8.self)
      packed.count += 1
    }
    while packed.count < byteCount { packed.append(0) }
    output.appendVarint(UInt64(groups) << 1 | 1)
    output.append(packed.bytes)
    packed.reset()
    packedCount = 0
    accumulator = 0
    accumulatedBits = 0
  }
}
