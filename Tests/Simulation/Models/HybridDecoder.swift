/// A slow decoder of the hybrid of run length and bit packing, bit by bit: nothing of it is shared
/// with the encoder.
package enum HybridDecoder {
  package struct Damaged: Error {}

  /// The first `count` values; runs behind them must not begin.
  package static func decode(_ bytes: [UInt8], bitWidth: Int, count: Int) throws -> [UInt32] {
    var values: [UInt32] = []
    var position = 0
    while values.count < count {
      let header = try varint(bytes, &position)
      if header & 1 == 1 {
        let packedCount = Int(header >> 1) * 8
        let byteCount = packedCount * bitWidth / 8
        guard position + byteCount <= bytes.count else { throw Damaged() }
        for index in 0..<packedCount {
          var value: UInt32 = 0
          for bit in 0..<bitWidth {
            let place = index * bitWidth + bit
            let byte = bytes[position + place / 8]
            value |= UInt32(byte >> UInt8(place % 8) & 1) << UInt32(bit)
          }
          values.append(value)
        }
        position += byteCount
        // Padding is zeros, and only the last group has any.
        guard values.count - count < 8 || values.count <= count else { throw Damaged() }
      } else {
        let runCount = Int(header >> 1)
        guard runCount > 0 else { throw Damaged() }
        var value: UInt32 = 0
        for index in 0..<(bitWidth + 7) / 8 {
          guard position < bytes.count else { throw Damaged() }
          value |= UInt32(bytes[position]) << UInt32(8 * index)
          position += 1
        }
        values += [UInt32](repeating: value, count: runCount)
        guard values.count <= count else { throw Damaged() }
      }
    }
    guard position == bytes.count, values[count...].allSatisfy({ $0 == 0 }) else {
      throw Damaged()
    }
    return Array(values.prefix(count))
  }

  package static func varint(_ bytes: [UInt8], _ position: inout Int) throws -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < bytes.count, shift < 64 else { throw Damaged() }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }
}
