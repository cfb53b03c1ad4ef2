import Glibc
import Ingest
import Synchronization

/// A disk in memory that forgets what was not synced, and fails where it is told to.
///
/// Each call has a number, from 1; faults come from a plan by number, or from whoever observes the
/// calls. After a crash every call fails until `restart`, which keeps what was synced and, of the
/// rest, a part drawn from the seed: whole writes, single sectors of them, and some of the
/// directory's changes, a prefix or any. A failed sync of a file keeps some
/// of its pages, drawn from the seed; reads still show all of them, and no later sync mends it, as
/// on Linux.
package final class ModelDisk: Disk {
  package enum Fault: Sendable, Equatable {
    case error(Int32)
    /// A write gets this many bytes to the file, then fails.
    case shortWrite(byteCount: Int, Int32)
    /// Power goes before the call.
    case crash
    /// Power goes when the call has been done, before it returns.
    case crashAfter
    /// A write gets this many bytes to the disk, then power goes.
    case crashInWrite(byteCount: Int)
  }

  /// A call that is about to be made.
  package struct Call: Sendable {
    package var number: Int
    package var call: DiskError.Call
    package var name: String
    package var step: DiskStep
    /// Bytes that a write brings.
    package var byteCount = 0
  }

  struct State: ~Copyable {
    var directory = Directory()
    /// Decides what a failed sync keeps.
    var random: SeededRandom
    /// The directory's last change.
    var lastChange: String?
    /// Kinds by name: there are few names and many calls.
    var kinds: [String: String] = [:]
    var callCount = 0
    var calls: [DiskError.Call] = []
    var faults: [Int: Fault] = [:]
    var observer: (@Sendable (Call) -> Fault?)?
    var isDown = false
    var isLocked = false
    /// Bytes that all files together may hold.
    var capacity = Int.max
    var refusedForSpaceCount = 0
    /// Calls that were made to fail.
    var faultCount = 0

    init(random: SeededRandom) { self.random = random }

    mutating func kind(of name: String) -> String {
      if let kind = kinds[name] { return kind }
      let kind = DiskStep.kind(of: name)
      kinds[name] = kind
      return kind
    }

    /// Refuses what would take more than there is.
    mutating func take(
      _ byteCount: Int, _ call: DiskError.Call, _ name: String
    ) throws(DiskError) {
      guard byteCount > 0, byteCount > room else { return }
      refusedForSpaceCount += 1
      throw DiskError(call: call, name: name, errno: ENOSPC)
    }

    var room: Int {
      capacity == .max
        ? 1 << 40 : max(0, capacity - directory.names.values.reduce(0) { $0 + $1.byteCount })
    }
  }

  // Inodes are only touched under the lock.
  struct Box: @unchecked Sendable { let inode: Inode }

  let state: Mutex<State>

  package init(seed: UInt64 = 1) { state = Mutex(State(random: SeededRandom(seed: seed))) }

  // MARK: Plan

  /// Calls so far.
  package var callCount: Int { state.withLock { $0.callCount } }
  package var isDown: Bool { state.withLock { $0.isDown } }

  package func plan(_ faults: [Int: Fault]) { state.withLock { $0.faults = faults } }

  /// Asked before every call, outside the lock, so that it may let others work meanwhile.
  package func observe(_ observer: @escaping @Sendable (Call) -> Fault?) {
    state.withLock { $0.observer = observer }
  }

  package func setCapacity(_ byteCount: Int) { state.withLock { $0.capacity = byteCount } }

  /// Calls that failed for want of room since they were forgotten.
  package var refusedForSpaceCount: Int { state.withLock { $0.refusedForSpaceCount } }
  /// Calls so far that a plan, an observer or a cut of power made fail.
  package var faultCount: Int { state.withLock { $0.faultCount } }
  package func forgetRefusals() { state.withLock { $0.refusedForSpaceCount = 0 } }

  /// Bytes in all files, reservations included.
  package var usedByteCount: Int {
    state.withLock { $0.directory.names.values.reduce(0) { $0 + $1.byteCount } }
  }

  /// Which call had this number.
  package func call(_ number: Int) -> DiskError.Call? {
    state.withLock { $0.calls.indices.contains(number - 1) ? $0.calls[number - 1] : nil }
  }

  /// From here on every call fails.
  package func cutPower() { state.withLock { $0.isDown = true } }

  /// Comes back after a crash, or a power cut now, with what the medium kept. `keepingUnsynced`:
  /// only the process died, and what it wrote is still in memory, as undurable as before.
  package func restart(
    keepingUnsynced: Bool = false, random: inout some RandomNumberGenerator
  ) {
    var generator = SeededRandom(seed: random.next())
    state.withLock { state in
      if keepingUnsynced {
        state.directory.evict(&generator)
      } else {
        state.directory.losePower(&generator)
        state.lastChange = nil
      }
      state.faults = [:]
      state.isDown = false
      state.isLocked = false
      state.callCount = 0
      state.calls = []
      state.random = generator
    }
  }

  // MARK: For tests

  package var names: [String] { state.withLock { $0.directory.names.keys.sorted() } }

  /// Bytes of a file as reads show them; nil when there is none.
  package func bytes(of name: String) -> [UInt8]? {
    state.withLock { $0.directory[name]?.visible }
  }

  package func setBytes(_ bytes: [UInt8], of name: String) {
    state.withLock { state in
      let inode = Inode()
      inode.visible = bytes
      inode.durable = bytes
      state.directory.plant(name, inode)
    }
  }

  /// From here on reads of these bytes fail; nil: of none.
  package func setUnreadable(_ range: Range<Int>?, of name: String) {
    state.withLock { $0.directory[name]?.unreadable = range }
  }

  /// Another volume takes its place, with nothing on it.
  package func empty() {
    state.withLock { state in
      state.directory = Directory()
      state.lastChange = nil
    }
  }

  /// The medium changes bits of one byte, in memory too. False: the file is not as it is on the
  /// medium, or too short.
  package func flip(_ mask: UInt8, at offset: Int, of name: String) -> Bool {
    state.withLock { state in
      guard let inode = state.directory[name], inode.unsynced.isEmpty, !inode.isPoisoned,
        offset < inode.durable.count, offset < inode.visible.count
      else { return false }
      inode.visible[offset] ^= mask
      inode.durable[offset] ^= mask
      return true
    }
  }

  // MARK: Disk

  package func create(_ name: String) throws(DiskError) -> any DiskFile {
    let box = try perform(.create, name) { state throws(DiskError) in
      guard state.directory[name] == nil else {
        throw DiskError(call: .create, name: name, errno: EEXIST)
      }
      // A directory entry takes something.
      try state.take(1, .create, name)
      let inode = Inode()
      state.directory.set(name, inode)
      state.lastChange = "create \(DiskStep.kind(of: name))"
      return Box(inode: inode)
    }
    return ModelFile(disk: self, box: box, name: name)
  }

  package func open(_ name: String) throws(DiskError) -> any DiskFile {
    let box = try perform(.open, name) { state throws(DiskError) in
      guard let inode = state.directory[name] else {
        throw DiskError(call: .open, name: name, errno: ENOENT)
      }
      return Box(inode: inode)
    }
    return ModelFile(disk: self, box: box, name: name)
  }

  package func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile { try open(name) }

  package func lock(_ name: String) throws(DiskError) {
    try perform(.lock, name) { state throws(DiskError) in
      guard !state.isLocked else {
        throw DiskError(call: .lock, name: name, errno: EWOULDBLOCK)
      }
      state.isLocked = true
    }
  }

  package func list() throws(DiskError) -> [String] {
    try perform(.list, "") { state throws(DiskError) in state.directory.names.keys.sorted() }
  }

  package func allocatedByteCount(of name: String) throws(DiskError) -> Int {
    try perform(.stat, name) { state throws(DiskError) in
      guard let inode = state.directory[name] else {
        throw DiskError(call: .stat, name: name, errno: ENOENT)
      }
      return inode.byteCount
    }
  }

  package func rename(_ old: String, to new: String) throws(DiskError) {
    try perform(.rename, old) { state throws(DiskError) in
      guard state.directory.rename(old, to: new) else {
        throw DiskError(call: .rename, name: old, errno: ENOENT)
      }
      state.lastChange = "rename \(DiskStep.kind(of: old))"
    }
  }

  package func remove(_ name: String) throws(DiskError) {
    try perform(.remove, name) { state throws(DiskError) in
      guard state.directory[name] != nil else { return }
      state.directory.remove(name)
      state.lastChange = "remove \(DiskStep.kind(of: name))"
    }
  }

  package func syncDirectory() throws(DiskError) {
    try perform(.syncDirectory, "") { state throws(DiskError) in
      state.directory.sync()
      state.lastChange = nil
    }
  }

  package func availableByteCount() throws(DiskError) -> Int {
    try perform(.space, "") { state throws(DiskError) in state.room }
  }

  // MARK: Calls

  /// Makes one call, with whatever fault is due; `body` runs under the lock.
  func perform<Result: Sendable>(
    _ call: DiskError.Call, _ name: String,
    _ body: (inout State) throws(DiskError) -> Result
  ) throws(DiskError) -> Result {
    let fault = try begin(call, name, byteCount: 0)
    return try state.withLock { state throws(DiskError) in
      switch fault {
      case nil: return try body(&state)
      case .error(let code), .shortWrite(_, let code):
        throw DiskError(call: call, name: name, errno: code)
      case .crashAfter:
        // Whatever it came to, nobody learns of it.
        do throws(DiskError) { _ = try body(&state) } catch {}
        state.isDown = true
      case .crash, .crashInWrite: state.isDown = true
      }
      throw DiskError(call: call, name: name, errno: EIO)
    }
  }

  /// Counts the call and finds its fault; throws when there is no power.
  func begin(
    _ call: DiskError.Call, _ name: String, byteCount: Int
  ) throws(DiskError) -> Fault? {
    let (planned, made, observer) = state.withLock { state in
      guard !state.isDown else { return (Fault.crash as Fault?, nil as Call?, nil as Observer?) }
      state.callCount += 1
      state.calls.append(call)
      let step =
        call == .syncDirectory
        ? DiskStep(syncAfter: state.lastChange)
        : DiskStep("\(call.rawValue) \(state.kind(of: name))")
      return (
        state.faults[state.callCount],
        state.observer == nil
          ? nil
          : Call(
            number: state.callCount, call: call, name: name, step: step, byteCount: byteCount),
        state.observer
      )
    }
    var fault = planned
    // Without power there is nothing to observe.
    if let made, let observer {
      fault = observer(made) ?? planned
      guard !isDown else { throw DiskError(call: call, name: name, errno: EIO) }
    }
    if fault != nil { state.withLock { $0.faultCount += 1 } }
    return fault
  }

  private typealias Observer = @Sendable (Call) -> Fault?
}
