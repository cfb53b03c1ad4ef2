import Glibc
import Synchronization

/// One directory of the real file system. Symbolic links are never followed, files are private to
/// this user, interrupted calls are repeated.
package final class RealDisk: Disk {
  private let path: String
  private let directory: CInt
  private let locks = Mutex<[CInt]>([])

  /// Opens `path`, which is made durably, mode 0700, with what is missing above it.
  package convenience init(path: String) throws(DiskError) {
    try DirectoryMaking.make(path)
    try self.init(existing: path)
  }

  /// Opens `path`, which exists.
  package init(existing path: String) throws(DiskError) {
    let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError(call: .open, name: path, errno: errno) }
    self.path = path
    directory = descriptor
  }

  deinit {
    for descriptor in locks.withLock({ $0 }) { close(descriptor) }
    close(directory)
  }

  package func create(_ name: String) throws(DiskError) -> any DiskFile {
    RealDiskFile(
      descriptor: try openFile(name, O_RDWR | O_CREAT | O_EXCL, call: .create), name: name)
  }

  package func open(_ name: String) throws(DiskError) -> any DiskFile {
    RealDiskFile(descriptor: try openFile(name, O_RDONLY, call: .open), name: name)
  }

  package func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile {
    RealDiskFile(descriptor: try openFile(name, O_RDWR, call: .open), name: name)
  }

  package func lock(_ name: String) throws(DiskError) {
    let descriptor = try openFile(name, O_RDWR | O_CREAT, call: .lock)
    guard retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
      let failure = errno
      close(descriptor)
      throw DiskError(call: .lock, name: name, errno: failure)
    }
    // For whoever is refused; nothing depends on it.
    let holder = Array("\(getpid())\n".utf8)
    if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, holder, holder.count, 0) }
    locks.withLock { $0.append(descriptor) }
  }

  package func list() throws(DiskError) -> [String] {
    // A descriptor of its own: the directory stream has a position.
    let descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError(call: .list, name: path, errno: errno) }
    guard let stream = fdopendir(descriptor) else {
      let failure = errno
      close(descriptor)
      throw DiskError(call: .list, name: path, errno: failure)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw DiskError(call: .list, name: path, errno: errno) }
        return names
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }

  package func allocatedByteCount(of name: String) throws(DiskError) -> Int {
    var status = stat()
    guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw DiskError(call: .stat, name: name, errno: errno)
    }
    // st_blocks counts units of 512 bytes whatever the file system's block is.
    let (bytes, overflow) = Int(status.st_blocks).multipliedReportingOverflow(by: 512)
    return overflow ? Int.max : bytes
  }

  package func rename(_ old: String, to new: String) throws(DiskError) {
    guard renameat(directory, old, directory, new) == 0 else {
      throw DiskError(call: .rename, name: old, errno: errno)
    }
  }

  package func remove(_ name: String) throws(DiskError) {
    guard unlinkat(directory, name, 0) == 0 || errno == ENOENT else {
      throw DiskError(call: .remove, name: name, errno: errno)
    }
  }

  package func syncDirectory() throws(DiskError) {
    // Not repeated after EIO: a second fsync would claim what the first one lost.
    guard retryingInterrupts({ fsync(directory) }) == 0 else {
      throw DiskError(call: .syncDirectory, name: path, errno: errno)
    }
  }

  package func availableByteCount() throws(DiskError) -> Int {
    var status = statvfs()
    guard fstatvfs(directory, &status) == 0 else {
      throw DiskError(call: .space, name: path, errno: errno)
    }
    let (bytes, overflow) = UInt(status.f_bavail).multipliedReportingOverflow(
      by: UInt(status.f_frsize))
    return overflow ? Int.max : Int(clamping: bytes)
  }

  private func openFile(
    _ name: String, _ flags: CInt, call: DiskError.Call
  ) throws(DiskError) -> CInt {
    let descriptor = retryingInterrupts {
      openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { throw DiskError(call: call, name: name, errno: errno) }
    return descriptor
  }
}

/// Repeats a system call for as long as a signal interrupts it.
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
