/// Cuts a stream of bytes into lines, each with readable padding behind it as the JSON parser
/// needs.
///
/// A line that is not ended yet waits in the buffer, which is bounded by the longest line.
struct LineSplitter: ~Copyable {
  private var buffer: UnsafeMutableRawBufferPointer
  private var count = 0
  private let maximumLineByteCount: Int

  private static let initialCapacity = 64 << 10

  init(maximumLineByteCount: Int = KubeIndexLimits.maximumLineByteCount) {
    self.maximumLineByteCount = maximumLineByteCount
    buffer = LineSplitter.allocate(LineSplitter.initialCapacity)
  }

  deinit { buffer.deallocate() }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawBufferPointer {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity + JSONParser.paddingByteCount, alignment: 16)
    _ = buffer.initializeMemory(as: UInt8.self, repeating: 0)
    return buffer
  }

  private var capacity: Int { buffer.count - JSONParser.paddingByteCount }

  /// Bytes of a line that has not ended.
  var pendingByteCount: Int { count }

  enum Result: Equatable {
    case taken
    /// `onLine` wanted no more; what is left of the bytes is lost.
    case stopped
    /// A line is longer than the limit.
    case tooLong
  }

  /// Takes bytes and calls `onLine` for every line that ends in them, without its line break; empty
  /// lines are left out. The line is valid during the call. False from `onLine` stops.
  mutating func take(
    _ bytes: UnsafeRawBufferPointer, onLine: (UnsafeRawBufferPointer) -> Bool
  ) -> Result {
    var rest = bytes
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      guard append(UnsafeRawBufferPointer(rebasing: rest[..<end])) else { return .tooLong }
      let length = count
      count = 0
      if length > 0, !onLine(UnsafeRawBufferPointer(rebasing: buffer[..<length])) {
        return .stopped
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
    }
    return append(rest) ? .taken : .tooLong
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= maximumLineByteCount - count else { return false }
    if count + bytes.count > capacity {
      let grown = LineSplitter.allocate(max(count + bytes.count, capacity * 2))
      grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      buffer.deallocate()
      buffer = grown
    }
    guard let source = bytes.baseAddress, let start = buffer.baseAddress else { return true }
    (start + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
    return true
  }
}
