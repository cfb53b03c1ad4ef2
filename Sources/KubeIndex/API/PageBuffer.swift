/// Collects one document, up to a limit, with readable padding behind it.
struct PageBuffer: ~Copyable {
  private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private(set) var count = 0
  private let maximumByteCount: Int

  init(maximumByteCount: Int) { self.maximumByteCount = maximumByteCount }

  deinit { buffer.deallocate() }

  /// False: the document is larger than the limit.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= maximumByteCount - count else { return false }
    let needed = count + bytes.count + JSONParser.paddingByteCount
    if needed > buffer.count {
      let grown = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(needed, buffer.count * 2, 64 << 10), alignment: 16)
      grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      // Padding is read by the parser and must have been written once.
      _ = UnsafeMutableRawBufferPointer(rebasing: grown[count...])
        .initializeMemory(as: UInt8.self, repeating: 0)
      buffer.deallocate()
      buffer = grown
    }
    guard let source = bytes.baseAddress, let start = buffer.baseAddress else { return true }
    (start + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
    return true
  }

  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
  }
}
