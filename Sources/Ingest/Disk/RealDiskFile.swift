import CShims
import Glibc

/// One open file of a `RealDisk`; the descriptor is closed with the object.
final class RealDiskFile: DiskFile {
  private let descriptor: CInt
  private let name: String
  /// Pieces in one call of pwritev (IOV_MAX).
  private static let maximumPieces = 1_024

  init(descriptor: CInt, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  deinit { close(descriptor) }

  func byteCount() throws(DiskError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(.stat) }
    return Int(status.st_size)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = retryingInterrupts {
        pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      }
      done += try progress(count)
    }
  }

  func write(pieces: [UnsafeRawBufferPointer], at offset: Int) throws(DiskError) {
    // On the stack, if they are not many.
    let result = withUnsafeTemporaryAllocation(
      of: iovec.self, capacity: min(pieces.count, Self.maximumPieces)
    ) { vectors in
      Result { () throws(DiskError) in try write(pieces, vectors, at: offset) }
    }
    try result.get()
  }

  private func write(
    _ pieces: [UnsafeRawBufferPointer], _ room: UnsafeMutableBufferPointer<iovec>, at offset: Int
  ) throws(DiskError) {
    var position = offset
    // `next` is the first piece that is not done, `skipped` how much of it is.
    var next = 0
    var skipped = 0
    while next < pieces.count {
      let count = min(pieces.count - next, room.count)
      let vectors = UnsafeMutableBufferPointer(rebasing: room[..<count])
      for index in 0..<count {
        let piece = pieces[next + index]
        vectors.initializeElement(
          at: index,
          to: iovec(
            iov_base: UnsafeMutableRawPointer(mutating: piece.baseAddress), iov_len: piece.count))
      }
      if skipped > 0, let base = vectors[0].iov_base {
        vectors[0].iov_base = base + skipped
        vectors[0].iov_len -= skipped
      }
      if vectors.allSatisfy({ $0.iov_len == 0 }) {
        next += vectors.count
        skipped = 0
        continue
      }
      let result = retryingInterrupts {
        pwritev(descriptor, vectors.baseAddress, CInt(vectors.count), off_t(position))
      }
      var written = try progress(result)
      position += written
      while next < pieces.count, written >= pieces[next].count - skipped {
        written -= pieces[next].count - skipped
        next += 1
        skipped = 0
        if written == 0 { break }
      }
      skipped += written
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = retryingInterrupts {
        pread(
          descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
          off_t(offset + done))
      }
      guard count >= 0 else { throw failure(.read) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  func preallocate(offset: Int, count: Int) throws(DiskError) {
    if retryingInterrupts({ cshims_preallocate(descriptor, Int64(offset), Int64(count)) }) == 0 {
      return
    }
    // Not every file system reserves; writing then finds out that the disk is full.
    if errno != EOPNOTSUPP && errno != ENOSYS { throw failure(.preallocate) }
  }

  func truncate(to byteCount: Int) throws(DiskError) {
    guard retryingInterrupts({ ftruncate(descriptor, off_t(byteCount)) }) == 0 else {
      throw failure(.truncate)
    }
  }

  func sync() throws(DiskError) {
    guard retryingInterrupts({ fdatasync(descriptor) }) == 0 else { throw failure(.sync) }
  }

  func startWriteback(offset: Int, count: Int) {
    cshims_start_writeback(descriptor, Int64(offset), Int64(count))
  }

  func dropCache(offset: Int, count: Int) {
    posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
  }

  private func failure(_ call: DiskError.Call) -> DiskError {
    DiskError(call: call, name: name, errno: errno)
  }

  /// Bytes that a write call moved; 0 for a non-empty request would loop for ever.
  private func progress(_ count: Int) throws(DiskError) -> Int {
    if count > 0 { return count }
    throw DiskError(call: .write, name: name, errno: count == 0 ? EIO : errno)
  }
}
