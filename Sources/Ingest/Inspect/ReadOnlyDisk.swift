import Glibc

/// A disk that only reads: every call that would change something fails with EROFS before it
/// reaches the disk below. Files are opened by `open` alone, which is read-only.
package final class ReadOnlyDisk: Disk {
  private let disk: any Disk

  package init(_ disk: any Disk) { self.disk = disk }

  package func open(_ name: String) throws(DiskError) -> any DiskFile { try disk.open(name) }

  package func list() throws(DiskError) -> [String] { try disk.list() }

  package func allocatedByteCount(of name: String) throws(DiskError) -> Int {
    try disk.allocatedByteCount(of: name)
  }

  package func availableByteCount() throws(DiskError) -> Int { try disk.availableByteCount() }

  package func create(_ name: String) throws(DiskError) -> any DiskFile {
    throw refused(.create, name)
  }

  package func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile {
    throw refused(.open, name)
  }

  package func lock(_ name: String) throws(DiskError) { throw refused(.lock, name) }

  package func rename(_ old: String, to new: String) throws(DiskError) {
    throw refused(.rename, old)
  }

  package func remove(_ name: String) throws(DiskError) { throw refused(.remove, name) }

  package func syncDirectory() throws(DiskError) { throw refused(.syncDirectory, "") }

  private func refused(_ call: DiskError.Call, _ name: String) -> DiskError {
    DiskError(call: call, name: name, errno: EROFS)
  }
}

extension DiskError {
  /// The file is not there: beside a running service it may have gone since it was listed.
  var isAbsent: Bool { errno == ENOENT }
}
