import CShims

/// The one caller of the Snappy shim.
package enum Snappy {
  /// The most bytes that `count` bytes can become.
  static func maximumByteCount(_ count: Int) -> Int { cshims_snappy_maximum_compressed(count) }

  /// Replaces what is in `output` by `input` as one literal: the same format, nothing searched.
  static func store(_ input: UnsafeRawBufferPointer, to output: GrowingBytes) {
    output.reset()
    output.reserve(maximumByteCount(input.count))
    output.appendVarint(UInt64(input.count))
    guard let base = input.baseAddress else { return }
    var elements = SnappyElements(target: output.base + output.count)
    elements.appendLiteral(base, input.count)
    output.count = elements.target - output.base
  }

  /// Replaces what is in `output` by the compressed form of `input`.
  package static func compress(_ input: UnsafeRawBufferPointer, to output: GrowingBytes) {
    output.reset()
    var count = cshims_snappy_maximum_compressed(input.count)
    output.reserve(count)
    let done = cshims_snappy_compress(input.baseAddress, input.count, output.base, &count)
    precondition(done, "the output has room for the maximum")
    output.count = count
  }
}
