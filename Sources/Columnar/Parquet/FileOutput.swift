/// Where a file's bytes go, in order.
package protocol ByteSink: AnyObject {
  /// Takes all of `bytes`; they are valid only during the call.
  func write(_ bytes: UnsafeRawBufferPointer) throws
}

/// Counts and collects a file's bytes: small writes reach the sink together.
final class FileOutput {
  private let sink: any ByteSink
  private let collected = GrowingBytes()
  /// Bytes of the file so far, collected ones included.
  private(set) var offset: Int64 = 0

  init(sink: any ByteSink) {
    self.sink = sink
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    offset += Int64(bytes.count)
    if bytes.count >= ColumnarLimits.directWriteBytes {
      try flush()
      try sink.write(bytes)
      return
    }
    collected.append(bytes)
    if collected.count >= ColumnarLimits.writeBufferBytes { try flush() }
  }

  func flush() throws {
    guard collected.count > 0 else { return }
    try sink.write(collected.bytes)
    collected.reset()
  }
}
