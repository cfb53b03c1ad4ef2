/// What a medium keeps of a file, and what it loses when power goes.
final class Inode {
  struct Write {
    var offset: Int
    var bytes: [UInt8]
  }

  enum Change {
    case write(Write)
    case truncate(Int)
  }

  static let sectorByteCount = 512
  /// What memory holds and gives up of a file at once.
  static let pageByteCount = 4_096

  /// As reads show it.
  var visible: [UInt8] = []
  /// As it is on the medium for certain.
  var durable: [UInt8] = []
  /// What was done since the last sync, in order.
  var unsynced: [Change] = []
  var reserved = 0
  /// Bytes that the medium does not give any more.
  var unreadable: Range<Int>?
  /// A sync failed: what is visible may be gone from memory, and is not on the medium.
  var isPoisoned = false

  var byteCount: Int { max(visible.count, reserved) }

  func write(_ bytes: [UInt8], at offset: Int) {
    let write = Write(offset: offset, bytes: bytes)
    Self.put(write, into: &visible)
    unsynced.append(.write(write))
  }

  func truncate(to byteCount: Int) {
    reserved = 0
    Self.resize(&visible, to: byteCount)
    unsynced.append(.truncate(byteCount))
  }

  func sync() {
    for change in unsynced { Self.apply(change, to: &durable) }
    unsynced.removeAll(keepingCapacity: true)
  }

  /// Some of the pages reached the medium, and all count as clean from here on: no later sync
  /// brings the others there, and only a power cut, or their leaving memory, shows it.
  func failSync(_ random: inout SeededRandom) {
    var dirty: Set<Int> = []
    for change in unsynced {
      switch change {
      case .truncate(let byteCount):
        if Bool.random(using: &random) { Self.resize(&durable, to: byteCount) }
      case .write(let write):
        let end = write.offset + write.bytes.count
        dirty.formUnion(
          write.offset / Self.pageByteCount..<(end + Self.pageByteCount - 1) / Self.pageByteCount)
      }
    }
    let kept = Self.some(of: dirty.sorted(), &random)
    for page in kept {
      let range = Self.range(ofPage: page).clamped(to: visible.indices)
      guard !range.isEmpty else { continue }
      Self.put(Write(offset: range.lowerBound, bytes: Array(visible[range])), into: &durable)
    }
    unsynced.removeAll(keepingCapacity: true)
    isPoisoned = true
  }

  /// The memory of a file whose sync has failed is given up, whole or in part: what has gone is
  /// read from the medium.
  func evict(_ random: inout SeededRandom) {
    guard isPoisoned, unsynced.isEmpty else { return }
    guard Bool.random(using: &random) else {
      visible = durable
      isPoisoned = false
      return
    }
    let count = (visible.count + Self.pageByteCount - 1) / Self.pageByteCount
    for page in 0..<count where Bool.random(using: &random) {
      for offset in Self.range(ofPage: page).clamped(to: visible.indices) {
        visible[offset] = durable.indices.contains(offset) ? durable[offset] : 0
      }
    }
  }

  private static func range(ofPage page: Int) -> Range<Int> {
    page * pageByteCount..<(page + 1) * pageByteCount
  }

  /// None, all, or any.
  private static func some(of pages: [Int], _ random: inout SeededRandom) -> [Int] {
    switch Int.random(in: 0..<3, using: &random) {
    case 0: []
    case 1: pages
    default: pages.filter { _ in Bool.random(using: &random) }
    }
  }

  /// Power goes. Of what was not synced the medium has whole writes, single sectors of them, or
  /// nothing, in any order.
  func losePower(_ random: inout SeededRandom) {
    for change in unsynced {
      switch change {
      case .truncate:
        if Bool.random(using: &random) { Self.apply(change, to: &durable) }
      case .write(let write):
        switch Int.random(in: 0..<3, using: &random) {
        case 0: continue
        case 1: Self.apply(change, to: &durable)
        default: Self.tear(write, into: &durable, &random)
        }
      }
    }
    visible = durable
    unsynced = []
    reserved = 0
    isPoisoned = false
  }

  /// Each sector on its own.
  private static func tear(
    _ write: Write, into content: inout [UInt8], _ random: inout SeededRandom
  ) {
    var start = 0
    while start < write.bytes.count {
      let rest = sectorByteCount - (write.offset + start) % sectorByteCount
      let end = min(start + rest, write.bytes.count)
      if Bool.random(using: &random) {
        put(
          Write(offset: write.offset + start, bytes: Array(write.bytes[start..<end])),
          into: &content)
      }
      start = end
    }
  }

  private static func apply(_ change: Change, to content: inout [UInt8]) {
    switch change {
    case .write(let write): put(write, into: &content)
    case .truncate(let byteCount): resize(&content, to: byteCount)
    }
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
}

/// The names of a directory, and which of its changes are on the medium.
struct Directory: ~Copyable {
  enum Change {
    case set(String, Inode)
    case remove(String)
  }

  private(set) var names: [String: Inode] = [:]
  private var durable: [String: Inode] = [:]
  private var unsynced: [Change] = []

  subscript(_ name: String) -> Inode? { names[name] }

  /// `name` is made, or becomes another file's.
  mutating func set(_ name: String, _ inode: Inode) {
    names[name] = inode
    unsynced.append(.set(name, inode))
  }

  mutating func rename(_ old: String, to new: String) -> Bool {
    guard let inode = names.removeValue(forKey: old) else { return false }
    set(new, inode)
    return true
  }

  mutating func remove(_ name: String) {
    if names.removeValue(forKey: name) != nil { unsynced.append(.remove(name)) }
  }

  mutating func sync() {
    durable = names
    unsynced.removeAll(keepingCapacity: true)
  }

  /// The file is there, also after a power cut.
  mutating func plant(_ name: String, _ inode: Inode) {
    names[name] = inode
    durable[name] = inode
  }

  /// Power goes: of the changes that were not synced a prefix is there, or any of them.
  mutating func losePower(_ random: inout SeededRandom) {
    let kept = Int.random(in: 0...unsynced.count, using: &random)
    let isOrdered = Bool.random(using: &random)
    for (position, change) in unsynced.enumerated() {
      let isKept = isOrdered ? position < kept : Bool.random(using: &random)
      if isKept { Self.apply(change, to: &durable) }
    }
    for name in durable.keys.sorted() { durable[name]?.losePower(&random) }
    names = durable
    unsynced = []
  }

  /// The process dies and the memory of files whose sync has failed may be given up.
  func evict(_ random: inout SeededRandom) {
    for name in names.keys.sorted() where Bool.random(using: &random) {
      names[name]?.evict(&random)
    }
  }

  private static func apply(_ change: Change, to names: inout [String: Inode]) {
    switch change {
    case .set(let name, let inode):
      // A rename takes the old name away.
      for (old, other) in names where other === inode && old != name { names[old] = nil }
      names[name] = inode
    case .remove(let name): names[name] = nil
    }
  }
}
