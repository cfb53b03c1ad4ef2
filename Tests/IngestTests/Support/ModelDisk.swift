import Glibc
import Ingest
import Synchronization

/// A disk in memory that forgets what was not synced, and fails where it is told to.
///
/// Each call has a number, from 1; a plan gives faults by number. After a crash every call fails
/// until `restart`, which keeps what was synced and, of the rest, a part drawn from the seed: whole
/// writes, single sectors of them, and some of the directory's changes, a prefix or any. A failed
/// sync loses what it was asked to keep, though reads still show it, as Linux does.
final class ModelDisk: Disk {
  enum Fault: Sendable, Equatable {
    case error(Int32)
    /// Power goes before the call.
    case crash
    /// A write gets this many bytes to the disk, then power goes.
    case crashInWrite(byteCount: Int)
  }

  private struct Write {
    var offset: Int
    var bytes: [UInt8]
  }

  private enum Change {
    case write(Write)
    case truncate(Int)
  }

  private final class Inode {
    var visible: [UInt8] = []
    var durable: [UInt8] = []
    var unsynced: [Change] = []
    var reserved = 0
  }

  private enum NameChange {
    case set(String, Inode)
    case remove(String)
  }

  private struct State: ~Copyable {
    var names: [String: Inode] = [:]
    var durableNames: [String: Inode] = [:]
    var unsyncedNames: [NameChange] = []
    var callCount = 0
    var calls: [DiskError.Call] = []
    var faults: [Int: Fault] = [:]
    var isDown = false
    var isLocked = false
    /// Bytes that all files together may hold.
    var capacity = Int.max
  }

  // Inodes are only touched under the lock.
  private struct Box: @unchecked Sendable { let inode: Inode }

  private let state = Mutex(State())

  // MARK: Plan

  /// Calls so far.
  var callCount: Int { state.withLock { $0.callCount } }
  var isDown: Bool { state.withLock { $0.isDown } }

  func plan(_ faults: [Int: Fault]) { state.withLock { $0.faults = faults } }

  func setCapacity(_ byteCount: Int) { state.withLock { $0.capacity = byteCount } }

  /// Which call had this number.
  func call(_ number: Int) -> DiskError.Call? {
    state.withLock { $0.calls.indices.contains(number - 1) ? $0.calls[number - 1] : nil }
  }

  /// Comes back after a crash, or a power cut now, with what the medium kept. `keepingUnsynced`:
  /// only the process died, and what it wrote is still in memory, as undurable as before.
  func restart(keepingUnsynced: Bool = false, random: inout some RandomNumberGenerator) {
    let seed = random.next()
    state.withLock { state in
      var generator = SeededRandom(seed: seed)
      if !keepingUnsynced {
        let kept = Int.random(in: 0...state.unsyncedNames.count, using: &generator)
        let isOrdered = Bool.random(using: &generator)
        for (position, change) in state.unsyncedNames.enumerated() {
          let isKept = isOrdered ? position < kept : Bool.random(using: &generator)
          if isKept { Self.apply(change, to: &state.durableNames) }
        }
        state.names = state.durableNames
        for inode in state.names.values.sorted(by: { $0.durable.count < $1.durable.count }) {
          Self.lose(inode, &generator)
        }
        state.durableNames = state.names
        state.unsyncedNames = []
        for inode in state.names.values {
          inode.durable = inode.visible
          inode.unsynced = []
          inode.reserved = 0
        }
      }
      state.faults = [:]
      state.isDown = false
      state.isLocked = false
      state.callCount = 0
      state.calls = []
    }
  }

  private static func lose(_ inode: Inode, _ generator: inout SeededRandom) {
    var content = inode.durable
    for change in inode.unsynced {
      switch change {
      case .truncate(let byteCount):
        if Bool.random(using: &generator) { resize(&content, to: byteCount) }
      case .write(let write):
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: continue
        case 1: put(write, into: &content)
        default:
          // Each sector of 512 bytes on its own.
          var start = 0
          while start < write.bytes.count {
            let end = min(start + 512 - (write.offset + start) % 512, write.bytes.count)
            if Bool.random(using: &generator) {
              put(
                Write(offset: write.offset + start, bytes: Array(write.bytes[start..<end])),
                into: &content)
            }
            start = end
          }
        }
      }
    }
    inode.visible = content
  }

  private static func put(_ write: Write, into content: inout [UInt8]) {
    let end = write.offset + write.bytes.count
    if content.count < end { resize(&content, to: end) }
    content.replaceSubrange(write.offset..<end, with: write.bytes)
  }

  private static func resize(_ content: inout [UInt8], to byteCount: Int) {
    if content.count > byteCount {
      content.removeLast(content.count - byteCount)
    } else {
      content.append(contentsOf: repeatElement(0, count: byteCount - content.count))
    }
  }

  private static func apply(_ change: NameChange, to names: inout [String: Inode]) {
    switch change {
    case .set(let name, let inode):
      // A rename takes the old name away.
      for (old, other) in names where other === inode && old != name { names[old] = nil }
      names[name] = inode
    case .remove(let name): names[name] = nil
    }
  }

  // MARK: For tests

  /// Bytes of a file as reads show them; nil when there is none.
  func bytes(of name: String) -> [UInt8]? { state.withLock { $0.names[name]?.visible } }

  func setBytes(_ bytes: [UInt8], of name: String) {
    state.withLock { state in
      let inode = Inode()
      inode.visible = bytes
      inode.durable = bytes
      state.names[name] = inode
      state.durableNames[name] = inode
    }
  }

  // MARK: Disk

  func create(_ name: String) throws(DiskError) -> any DiskFile {
    let box = try perform(.create, name) { state throws(DiskError) in
      guard state.names[name] == nil else {
        throw DiskError(call: .create, name: name, errno: EEXIST)
      }
      let inode = Inode()
      state.names[name] = inode
      state.unsyncedNames.append(.set(name, inode))
      return Box(inode: inode)
    }
    return File(disk: self, box: box, name: name)
  }

  func open(_ name: String) throws(DiskError) -> any DiskFile {
    let box = try perform(.open, name) { state throws(DiskError) in
      guard let inode = state.names[name] else {
        throw DiskError(call: .open, name: name, errno: ENOENT)
      }
      return Box(inode: inode)
    }
    return File(disk: self, box: box, name: name)
  }

  func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile { try open(name) }

  func lock(_ name: String) throws(DiskError) {
    try perform(.lock, name) { state throws(DiskError) in
      guard !state.isLocked else {
        throw DiskError(call: .lock, name: name, errno: EWOULDBLOCK)
      }
      state.isLocked = true
    }
  }

  func list() throws(DiskError) -> [String] {
    try perform(.list, "") { state throws(DiskError) in Array(state.names.keys).sorted() }
  }

  func allocatedByteCount(of name: String) throws(DiskError) -> Int {
    try perform(.stat, name) { state throws(DiskError) in
      guard let inode = state.names[name] else {
        throw DiskError(call: .stat, name: name, errno: ENOENT)
      }
      return max(inode.visible.count, inode.reserved)
    }
  }

  func rename(_ old: String, to new: String) throws(DiskError) {
    try perform(.rename, old) { state throws(DiskError) in
      guard let inode = state.names.removeValue(forKey: old) else {
        throw DiskError(call: .rename, name: old, errno: ENOENT)
      }
      state.names[new] = inode
      state.unsyncedNames.append(.set(new, inode))
    }
  }

  func remove(_ name: String) throws(DiskError) {
    try perform(.remove, name) { state throws(DiskError) in
      if state.names.removeValue(forKey: name) != nil {
        state.unsyncedNames.append(.remove(name))
      }
    }
  }

  func syncDirectory() throws(DiskError) {
    try perform(.syncDirectory, "") { state throws(DiskError) in
      state.durableNames = state.names
      state.unsyncedNames = []
    }
  }

  func availableByteCount() throws(DiskError) -> Int {
    try perform(.space, "") { state throws(DiskError) in
      state.capacity == .max ? 1 << 40 : max(0, state.capacity - Self.used(state))
    }
  }

  private static func used(_ state: borrowing State) -> Int {
    state.names.values.reduce(0) { $0 + max($1.visible.count, $1.reserved) }
  }

  private func perform<Result: Sendable>(
    _ call: DiskError.Call, _ name: String,
    _ body: (inout State) throws(DiskError) -> Result
  ) throws(DiskError) -> Result {
    try state.withLock { state throws(DiskError) in
      switch Self.fault(&state, call) {
      case nil: return try body(&state)
      case .error(let code): throw DiskError(call: call, name: name, errno: code)
      default:
        state.isDown = true
        throw DiskError(call: call, name: name, errno: EIO)
      }
    }
  }

  private static func fault(_ state: inout State, _ call: DiskError.Call) -> Fault? {
    if state.isDown { return .crash }
    state.callCount += 1
    state.calls.append(call)
    return state.faults[state.callCount]
  }

  // MARK: File

  private final class File: DiskFile {
    let disk: ModelDisk
    let box: Box
    let name: String

    init(disk: ModelDisk, box: Box, name: String) {
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
      for piece in pieces { bytes.append(contentsOf: piece) }
      let inode = box.inode
      let name = name
      try disk.state.withLock { state throws(DiskError) in
        let fault = ModelDisk.fault(&state, .write)
        switch fault {
        case .error(let code): throw DiskError(call: .write, name: name, errno: code)
        case .crash:
          state.isDown = true
          throw DiskError(call: .write, name: name, errno: EIO)
        case .crashInWrite(let byteCount): bytes = Array(bytes.prefix(byteCount))
        case nil: break
        }
        let growth = max(0, offset + bytes.count - max(inode.visible.count, inode.reserved))
        guard growth <= state.capacity - ModelDisk.used(state) else {
          throw DiskError(call: .write, name: name, errno: ENOSPC)
        }
        let write = Write(offset: offset, bytes: bytes)
        ModelDisk.put(write, into: &inode.visible)
        inode.unsynced.append(.write(write))
        if fault != nil {
          state.isDown = true
          throw DiskError(call: .write, name: name, errno: EIO)
        }
      }
    }

    func read(
      into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(DiskError) -> Int {
      let bytes = try disk.perform(.read, name) { _ throws(DiskError) in
        let content = self.box.inode.visible
        guard offset < content.count else { return [UInt8]() }
        return Array(content[offset..<min(content.count, offset + buffer.count)])
      }
      buffer.copyBytes(from: bytes)
      return bytes.count
    }

    func preallocate(offset: Int, count: Int) throws(DiskError) {
      let inode = box.inode
      let name = name
      try disk.perform(.preallocate, name) { state throws(DiskError) in
        let growth = max(0, offset + count - max(inode.visible.count, inode.reserved))
        guard growth <= state.capacity - ModelDisk.used(state) else {
          throw DiskError(call: .preallocate, name: name, errno: ENOSPC)
        }
        inode.reserved = max(inode.reserved, offset + count)
      }
    }

    func truncate(to byteCount: Int) throws(DiskError) {
      let inode = box.inode
      try disk.perform(.truncate, name) { _ throws(DiskError) in
        inode.reserved = 0
        ModelDisk.resize(&inode.visible, to: byteCount)
        inode.unsynced.append(.truncate(byteCount))
      }
    }

    func sync() throws(DiskError) {
      let inode = box.inode
      do {
        try disk.perform(.sync, name) { _ throws(DiskError) in
          for change in inode.unsynced {
            switch change {
            case .write(let write): ModelDisk.put(write, into: &inode.durable)
            case .truncate(let byteCount): ModelDisk.resize(&inode.durable, to: byteCount)
            }
          }
          inode.unsynced = []
        }
      } catch {
        // The pages count as clean from here on; only a power cut shows that they are not there.
        if !disk.isDown { disk.state.withLock { _ in inode.unsynced = [] } }
        throw error
      }
    }
  }
}
