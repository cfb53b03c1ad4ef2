import CLibZ

/// Gzip, level 1, one member per call.
final class Compressor {
  private let stream: UnsafeMutablePointer<z_stream>

  struct Failure: Error {}

  init() throws {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window; 16 more ask for gzip's frame.
    let code = deflateInit2_(
      stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else { throw Failure() }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Appends `source`, compressed. It fits what zlib says it needs at most, so it takes one step.
  func append(_ source: UnsafeMutableRawBufferPointer, to writer: inout ByteWriter) {
    deflateReset(stream)
    let bound = Int(deflateBound(stream, UInt(source.count)))
    stream.pointee.next_in = source.bindMemory(to: UInt8.self).baseAddress
    stream.pointee.avail_in = UInt32(clamping: source.count)
    stream.pointee.next_out = writer.reserve(bound)
    stream.pointee.avail_out = UInt32(clamping: bound)
    let code = deflate(stream, Z_FINISH)
    precondition(code == Z_STREAM_END, "deflateBound is an upper bound")
    writer.advance(bound - Int(stream.pointee.avail_out))
  }
}
