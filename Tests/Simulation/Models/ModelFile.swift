import Glibc
import Ingest
import Synchronization

/// An open file of a `ModelDisk`.
final class ModelFile: DiskFile {
  private let disk: ModelDisk
  private let box: ModelDisk.Box
  private let name: String

  init(disk: ModelDisk, box: ModelDisk.Box, name: String) {
    self.disk = disk
    self.box = box
    self.name = name
  }

  func byteCount() throws(DiskError) -> Int {
    try disk.perform(.stat, name) { _ throws(DiskError) in self.box.inode.visible.count }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    try write(pieces: [bytes], at: offset)
  }

  func write(pieces: [UnsafeRawBufferPointer], at offset: Int) throws(DiskError) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(pieces.reduce(0) { $0 + $1.count })
    for piece in pieces { bytes.append(contentsOf: piece) }
    let fault = try disk.begin(.write, name, byteCount: bytes.count)
    let (inode, name) = (box.inode, name)
    try disk.state.withLock { state throws(DiskError) in
      var failure: Int32 = EIO
      switch fault {
      case nil, .crashAfter: break
      case .error(let code): throw DiskError(call: .write, name: name, errno: code)
      case .crash:
        state.isDown = true
        throw DiskError(call: .write, name: name, errno: EIO)
      case .shortWrite(let byteCount, let code):
        bytes.removeLast(max(0, bytes.count - byteCount))
        failure = code
      case .crashInWrite(let byteCount): bytes.removeLast(max(0, bytes.count - byteCount))
      }
      try state.take(offset + bytes.count - inode.byteCount, .write, name)
      inode.write(bytes, at: offset)
      switch fault {
      case nil: return
      case .shortWrite: break
      default: state.isDown = true
      }
      throw DiskError(call: .write, name: name, errno: failure)
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
    // The pointer is used under the lock, before this call returns.
    nonisolated(unsafe) let target = buffer
    let inode = box
    let name = name
    return try disk.perform(.read, name) { _ throws(DiskError) in
      if let unreadable = inode.inode.unreadable,
        unreadable.overlaps(offset..<offset + target.count)
      {
        throw DiskError(call: .read, name: name, errno: EIO)
      }
      let content = inode.inode.visible
      guard offset < content.count else { return 0 }
      let count = min(content.count - offset, target.count)
      target.copyBytes(from: content[offset..<offset + count])
      return count
    }
  }

  func preallocate(offset: Int, count: Int) throws(DiskError) {
    let (box, name) = (box, name)
    try disk.perform(.preallocate, name) { state throws(DiskError) in
      try state.take(offset + count - box.inode.byteCount, .preallocate, name)
      box.inode.reserved = max(box.inode.reserved, offset + count)
    }
  }

  func truncate(to byteCount: Int) throws(DiskError) {
    let box = box
    try disk.perform(.truncate, name) { _ throws(DiskError) in
      box.inode.truncate(to: byteCount)
    }
  }

  func sync() throws(DiskError) {
    let box = box
    do {
      try disk.perform(.sync, name) { _ throws(DiskError) in box.inode.sync() }
    } catch {
      if !disk.isDown { disk.state.withLock { box.inode.failSync(&$0.random) } }
      throw error
    }
  }
}
