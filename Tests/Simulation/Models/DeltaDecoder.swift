/// Slow decoders of DELTA_BINARY_PACKED and BYTE_STREAM_SPLIT for 64-bit values, bit by bit and
/// byte by byte, after the format's text: nothing of them is shared with the encoders.
/// https://github.com/apache/parquet-format/blob/master/Encodings.md#DELTAENC
package enum DeltaDecoder {
  package struct Damaged: Error {
    package var reason: String
  }

  /// The values of a page that holds exactly `count`; nothing may be behind them, and what fills
  /// the last miniblock must be zero.
  package static func decode(_ bytes: [UInt8], count: Int) throws -> [Int64] {
    var position = 0
    let blockCount = try number(bytes, &position)
    let miniblocks = try number(bytes, &position)
    guard blockCount > 0, blockCount % 128 == 0, miniblocks > 0, blockCount % miniblocks == 0,
      blockCount / miniblocks % 32 == 0
    else { throw Damaged(reason: "block of \(blockCount) in \(miniblocks)") }
    guard try number(bytes, &position) == count else { throw Damaged(reason: "count") }
    var values = [try signed(bytes, &position)]
    while values.count < count {
      let least = try signed(bytes, &position)
      guard position + miniblocks <= bytes.count else { throw Damaged(reason: "widths") }
      let widths = bytes[position..<position + miniblocks].map { Int($0) }
      position += miniblocks
      for width in widths {
        if values.count >= count {
          guard width == 0 else { throw Damaged(reason: "width of a miniblock without values") }
          continue
        }
        let size = blockCount / miniblocks
        guard width <= 64, position + size * width / 8 <= bytes.count else {
          throw Damaged(reason: "miniblock")
        }
        for index in 0..<size {
          var difference: UInt64 = 0
          for bit in 0..<width {
            let place = index * width + bit
            let isSet = bytes[position + place / 8] >> UInt8(place % 8) & 1
            difference |= UInt64(isSet) << UInt64(bit)
          }
          if values.count < count {
            values.append(values[values.count - 1] &+ least &+ Int64(bitPattern: difference))
          } else if difference != 0 {
            throw Damaged(reason: "padding")
          }
        }
        position += size * width / 8
      }
    }
    guard position == bytes.count else { throw Damaged(reason: "bytes behind the last block") }
    return Array(values.prefix(count))
  }

  /// The PLAIN form of a BYTE_STREAM_SPLIT page of `count` values of 8 bytes.
  package static func joined(_ bytes: [UInt8], count: Int) throws -> [UInt8] {
    guard bytes.count == count * 8 else { throw Damaged(reason: "streams") }
    var plain: [UInt8] = []
    for index in 0..<count {
      for stream in 0..<8 { plain.append(bytes[stream * count + index]) }
    }
    return plain
  }

  private static func number(_ bytes: [UInt8], _ position: inout Int) throws -> Int {
    let raw = try HybridDecoder.varint(bytes, &position)
    guard let value = Int(exactly: raw) else { throw Damaged(reason: "number") }
    return value
  }

  /// A zigzag number: 0, -1, 1, -2, …
  private static func signed(_ bytes: [UInt8], _ position: inout Int) throws -> Int64 {
    let raw = try HybridDecoder.varint(bytes, &position)
    let half = Int64(bitPattern: raw / 2)
    return raw % 2 == 0 ? half : -1 - half
  }
}
