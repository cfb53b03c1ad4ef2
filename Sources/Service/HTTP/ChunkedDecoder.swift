/// Takes a chunked body apart (RFC 9112, section 7.1), as strictly as the head was read.
///
/// The driver asks `next` what the bytes at the front are; nothing is kept but counts, except that
/// a line of the framing is asked for again once more of it has come.
struct ChunkedDecoder {
  enum Step: Equatable {
    /// More bytes are needed to tell.
    case needsMore
    /// The first `count` bytes are framing: drop them.
    case skip(Int)
    /// The first `count` bytes are data.
    case data(Int)
    /// The body has ended before these bytes.
    case end
    case refused(HTTPRefusal)
  }

  private enum State {
    case size
    case data(remaining: Int)
    case dataEnd
    case trailer
    case end
  }

  /// Data bytes that may still come.
  private var room: Int
  private var state = State.size
  private var overheadByteCount = 0
  private var trailerCount = 0

  /// The chunks together may hold `maximumByteCount` bytes; a size beyond that is refused with 413.
  init(maximumByteCount: Int) {
    room = maximumByteCount
  }

  private static func bad(_ message: String) -> Step {
    .refused(HTTPRefusal(status: 400, message: message))
  }

  /// What to do with the front of `bytes`; `skip` and `data` are taken as done.
  mutating func next(_ bytes: UnsafeRawBufferPointer) -> Step {
    switch state {
    case .end:
      return .end
    case .data(let remaining):
      guard !bytes.isEmpty else { return .needsMore }
      let count = min(remaining, bytes.count)
      state = count == remaining ? .dataEnd : .data(remaining: remaining - count)
      return .data(count)
    case .dataEnd:
      guard bytes.count >= 2 else { return .needsMore }
      guard bytes[0] == 0x0D, bytes[1] == 0x0A else {
        return Self.bad("a chunk is longer than its size says")
      }
      state = .size
      return .skip(2)
    case .size:
      return nextSize(bytes)
    case .trailer:
      return nextTrailer(bytes)
    }
  }

  private mutating func nextSize(_ bytes: UnsafeRawBufferPointer) -> Step {
    var size = 0
    var offset = 0
    while offset < bytes.count, let digit = bytes[offset].hexDigit {
      guard offset < ServiceLimits.maximumChunkSizeDigitCount else {
        return Self.bad("a chunk size has too many digits")
      }
      let (product, overflow) = size.multipliedReportingOverflow(by: 16)
      size = overflow ? Int.max : product | digit
      offset += 1
    }
    guard offset < bytes.count else { return .needsMore }
    guard offset > 0 else { return Self.bad("a chunk size is not hexadecimal") }
    switch endOfLine(bytes, from: offset) {
    case .failure(let step): return step
    case .success(let end):
      let isExtension =
        bytes[offset] == UInt8(ascii: ";") || bytes[offset] == 0x20
        || bytes[offset] == 0x09
      guard end == offset || isExtension else {
        return Self.bad("a chunk size is not followed by CR LF")
      }
      guard take(end - offset) else { return Self.bad("the chunk extensions are too long") }
      guard size <= room else {
        return .refused(HTTPRefusal(status: 413, message: "the chunks are too large together"))
      }
      room -= size
      state = size == 0 ? .trailer : .data(remaining: size)
      return .skip(end + 2)
    }
  }

  private mutating func nextTrailer(_ bytes: UnsafeRawBufferPointer) -> Step {
    switch endOfLine(bytes, from: 0) {
    case .failure(let step): return step
    case .success(let end):
      if end == 0 {
        state = .end
        return .skip(2)
      }
      trailerCount += 1
      guard trailerCount <= ServiceLimits.maximumFieldCount, take(end) else {
        return .refused(HTTPRefusal(status: 431, message: "the trailer fields are too many"))
      }
      do throws(HTTPRefusal) {
        _ = try FieldReader.split(UnsafeRawBufferPointer(rebasing: bytes[0..<end]))
      } catch {
        return .refused(error)
      }
      return .skip(end + 2)
    }
  }

  private enum LineEnd {
    case success(Int)
    case failure(Step)
  }

  /// Offset of the CR LF that ends the line which holds `start`.
  private func endOfLine(_ bytes: UnsafeRawBufferPointer, from start: Int) -> LineEnd {
    var offset = start
    while offset < bytes.count {
      let byte = bytes[offset]
      if byte == 0x0D {
        guard offset + 1 < bytes.count else { return .failure(.needsMore) }
        guard bytes[offset + 1] == 0x0A else {
          return .failure(Self.bad("a line of the chunked body does not end with CR LF"))
        }
        return .success(offset)
      }
      guard byte.isFieldCharacter else {
        return .failure(Self.bad("the chunked body's framing holds a control character"))
      }
      offset += 1
    }
    guard bytes.count - start <= ServiceLimits.maximumChunkOverheadByteCount else {
      return .failure(Self.bad("a line of the chunked body is too long"))
    }
    return .failure(.needsMore)
  }

  /// Counts framing bytes that carry nothing; false when there are too many.
  private mutating func take(_ byteCount: Int) -> Bool {
    overheadByteCount += byteCount
    return overheadByteCount <= ServiceLimits.maximumChunkOverheadByteCount
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit.
  @inline(__always) var hexDigit: Int? {
    switch self {
    case 0x30...0x39: Int(self) - 0x30
    case 0x41...0x46: Int(self) - 0x41 + 10
    case 0x61...0x66: Int(self) - 0x61 + 10
    default: nil
    }
  }
}
