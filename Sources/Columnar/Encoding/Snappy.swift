import CShims

/// The one caller of the Snappy shim.
package enum Snappy {
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
