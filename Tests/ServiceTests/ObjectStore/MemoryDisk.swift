import Glibc
import Ingest
import Synchronization

/// DATA_DIR in memory, for delivery tests: whole writes, no faults.
final class MemoryDisk: Disk {
  private let files = Mutex<[String: MemoryFile]>([:])

  var names: [String] { files.withLock { $0.keys.sorted() } }

  func create(_ name: String) throws(DiskError) -> any DiskFile {
    try files.withLock { (files) throws(DiskError) in
      guard files[name] == nil else { throw DiskError(call: .create, name: name, errno: EEXIST) }
      let file = MemoryFile()
      files[name] = file
      return file
    }
  }

  func open(_ name: String) throws(DiskError) -> any DiskFile {
    guard let file = files.withLock({ $0[name] }) else {
      throw DiskError(call: .open, name: name, errno: ENOENT)
    }
    return file
  }

  func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile { try open(name) }
  func lock(_ name: String) throws(DiskError) {}
  func list() throws(DiskError) -> [String] { names }
  func allocatedByteCount(of name: String) throws(DiskError) -> Int { 0 }

  func rename(_ old: String, to new: String) throws(DiskError) {
    try files.withLock { (files) throws(DiskError) in
      guard let file = files.removeValue(forKey: old) else {
        throw DiskError(call: .rename, name: old, errno: ENOENT)
      }
      files[new] = file
    }
  }

  func remove(_ name: String) throws(DiskError) { files.withLock { $0[name] = nil } }
  func syncDirectory() throws(DiskError) {}
  func availableByteCount() throws(DiskError) -> Int { 1 << 40 }
}

final class MemoryFile: DiskFile {
  private let bytes = Mutex<[UInt8]>([])

  func byteCount() throws(DiskError) -> Int { bytes.withLock { $0.count } }

  func write(_ source: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    let source = Array(source)
    bytes.withLock { bytes in
      let missing = offset + source.count - bytes.count
      if missing > 0 { bytes += [UInt8](repeating: 0, count: missing) }
      bytes.replaceSubrange(offset..<offset + source.count, with: source)
    }
  }

  func write(pieces: [UnsafeRawBufferPointer], at offset: Int) throws(DiskError) {
    var offset = offset
    for piece in pieces {
      try write(piece, at: offset)
      offset += piece.count
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
    let piece = bytes.withLock { Array($0[min(offset, $0.count)...].prefix(buffer.count)) }
    buffer.copyBytes(from: piece)
    return piece.count
  }

  func preallocate(offset: Int, count: Int) throws(DiskError) {}
  func truncate(to byteCount: Int) throws(DiskError) {
    bytes.withLock { $0.removeLast(max(0, $0.count - byteCount)) }
  }

  func sync() throws(DiskError) {}
}
