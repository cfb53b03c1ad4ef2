import Glibc

/// Text to the standard streams, unbuffered.
enum Console {
  static func note(_ text: String) {
    write(text, to: STDERR_FILENO)
  }

  static func print(_ text: String) {
    write(text, to: STDOUT_FILENO)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var writer = ByteWriter(capacity: text.utf8.count)
    writer.append(text)
    writer.write(to: descriptor)
  }
}

extension ByteWriter {
  /// Writes everything to a descriptor; returns false with `errno` set if that failed.
  @discardableResult
  func write(to descriptor: Int32) -> Bool {
    var offset = 0
    while offset < count {
      let written = Glibc.write(descriptor, base + offset, count - offset)
      if written < 0 {
        if errno == EINTR { continue }
        return false
      }
      offset += written
    }
    return true
  }
}

extension UnsafeRawBufferPointer {
  /// Where `pattern` begins at or after `start`; nil: nowhere. Meant for short buffers.
  func firstOffset(of pattern: StaticString, from start: Int = 0) -> Int? {
    guard let baseAddress else { return nil }
    let length = pattern.utf8CodeUnitCount
    var position = start
    while position + length <= count {
      let left = count - length + 1 - position
      guard let hit = memchr(baseAddress + position, Int32(pattern.utf8Start.pointee), left) else {
        return nil
      }
      position = UnsafeRawPointer(hit) - baseAddress
      if memcmp(baseAddress + position, pattern.utf8Start, length) == 0 { return position }
      position += 1
    }
    return nil
  }
}
