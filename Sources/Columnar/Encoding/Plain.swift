/// The PLAIN encoding: numbers in little-endian bytes, text as a length in 4 bytes and its bytes.
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#PLAIN
package enum Plain {
  /// Bytes of one value of a fixed-width type.
  package static func width(of type: PhysicalType) -> Int {
    type == .int32 ? 4 : 8
  }

  /// Appends a value of an integer column; an INT32 column's values fit 32 bits.
  package static func append(_ value: Int64, as type: PhysicalType, to output: GrowingBytes) {
    if type == .int32 {
      output.appendLittleEndian(Int32(truncatingIfNeeded: value))
    } else {
      output.appendLittleEndian(value)
    }
  }

  /// Appends a text value.
  package static func append(_ text: UnsafeRawBufferPointer, to output: GrowingBytes) {
    output.appendLittleEndian(UInt32(text.count))
    output.append(text)
  }
}
