import Glibc

/// The file system as log, seal and object code see it: few calls, each of which can fail.
///
/// `RealDisk` makes the system calls; a simulated disk loses unsynced writes, tears them and
/// returns errors. Code above this protocol runs unchanged on both. Calls block; all paths are
/// names inside one directory (DATA_DIR), never nested, so a name cannot escape it.
package protocol Disk: AnyObject, Sendable {
  /// Creates `name`, which must not exist, mode 0600, open for reading and writing.
  func create(_ name: String) throws(DiskError) -> any DiskFile
  /// Opens `name` for reading only.
  func open(_ name: String) throws(DiskError) -> any DiskFile
  /// Opens `name`, which exists, for reading and writing.
  func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile
  /// Takes the exclusive lock `name` (flock) until the process or the disk object ends; EWOULDBLOCK
  /// when another process holds it. The file then says which: its pid in decimal and a line feed.
  func lock(_ name: String) throws(DiskError)
  /// Names of all entries, in no order.
  func list() throws(DiskError) -> [String]
  /// Bytes allocated on the medium for `name` (st_blocks), preallocation included.
  func allocatedByteCount(of name: String) throws(DiskError) -> Int
  /// Atomically names `old` `new`, replacing `new`. Durable after `syncDirectory()`.
  func rename(_ old: String, to new: String) throws(DiskError)
  /// Removes `name`. Durable after `syncDirectory()`. No error when it does not exist.
  func remove(_ name: String) throws(DiskError)
  /// fsync of the directory itself.
  func syncDirectory() throws(DiskError)
  /// Bytes that the file system has left for this process.
  func availableByteCount() throws(DiskError) -> Int
}

/// One open file. Closed when the last reference goes.
package protocol DiskFile: AnyObject, Sendable {
  /// Bytes in the file.
  func byteCount() throws(DiskError) -> Int
  /// Writes all bytes at `offset`; a short write is continued, so it is whole or an error.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError)
  /// Writes the pieces one after the other at `offset` (pwritev), whole or an error.
  func write(pieces: [UnsafeRawBufferPointer], at offset: Int) throws(DiskError)
  /// Reads up to `buffer.count` bytes at `offset`; fewer only at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int
  /// Reserves the range without changing the file's size (fallocate KEEP_SIZE).
  func preallocate(offset: Int, count: Int) throws(DiskError)
  /// Gives the reservation behind the end of the file back.
  func truncate(to byteCount: Int) throws(DiskError)
  /// fdatasync. After an error this file must never be synced again: the kernel has marked the
  /// pages clean, so a second call would lie.
  func sync() throws(DiskError)
  /// Asks the system to begin writing the range to the medium, so that the next `sync()` has less
  /// to do. A hint: it promises nothing and cannot fail.
  func startWriteback(offset: Int, count: Int)
  /// Asks the system to forget its copy of the range, which is synced. A hint, as above.
  func dropCache(offset: Int, count: Int)
}

extension DiskFile {
  package func startWriteback(offset: Int, count: Int) {}
  package func dropCache(offset: Int, count: Int) {}
}

/// A failed disk call: which, on what, and the system's errno.
package struct DiskError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Call: String, Sendable {
    case create, open, lock, list, stat, rename, remove, syncDirectory, space
    case write, read, preallocate, truncate, sync
  }

  package var call: Call
  package var name: String
  package var errno: Int32

  package init(call: Call, name: String, errno: Int32) {
    self.call = call
    self.name = name
    self.errno = errno
  }

  package var description: String {
    "\(call.rawValue) \(name): \(String(cString: strerror(errno))) (errno \(errno))"
  }

  /// Someone else holds the lock.
  package var isWouldBlock: Bool { errno == EWOULDBLOCK }

  /// The disk or its quota is full: it may have room again later.
  package var isOutOfSpace: Bool { errno == ENOSPC || errno == EDQUOT }
}
