/// The records of one kind by key, live and deleted, over a `ProbeTable`.
///
/// An entry's mark is the generation of the list in which the object was last seen; 0: deleted.
struct RecordTable<Record: AnyObject>: ~Copyable {
  var table = ProbeTable<Record>()
  /// Entries that are not deleted.
  private(set) var liveCount = 0
  private var generation: UInt32 = 1
  /// A list has been taken in whole at least once.
  private(set) var isReady = false

  static var deleted: UInt32 { 0 }

  /// What `apply` replaced: nil if the key was new.
  mutating func apply(
    _ record: Record, hash: UInt64, matches: (Record) -> Bool
  ) -> Record? {
    guard let bucket = table.find(hash: hash, matches: matches) else {
      table.insert(hash: hash, value: record, mark: generation)
      liveCount += 1
      return nil
    }
    if table.mark(at: bucket) == Self.deleted { liveCount += 1 }
    let old = table.value(at: bucket)
    table.replace(at: bucket, with: record)
    table.setMark(generation, at: bucket)
    return old
  }

  enum Deletion {
    /// Now a tombstone; `replaced` is what was known before, nil if nothing was.
    case buried(replaced: Record?)
    /// Deleted before, or another object has taken its place: nothing changed.
    case ignored
  }

  /// Keeps `record`, the last state, as deleted. `isSameObject` tells a live entry of the same key
  /// from a younger object that took the name.
  mutating func delete(
    _ record: Record, hash: UInt64, matches: (Record) -> Bool, isSameObject: (Record) -> Bool
  ) -> Deletion {
    guard let bucket = table.find(hash: hash, matches: matches) else {
      table.insert(hash: hash, value: record, mark: Self.deleted)
      return .buried(replaced: nil)
    }
    guard table.mark(at: bucket) != Self.deleted else { return .ignored }
    let old = table.value(at: bucket)
    guard isSameObject(old) else { return .ignored }
    liveCount -= 1
    table.replace(at: bucket, with: record)
    table.setMark(Self.deleted, at: bucket)
    return .buried(replaced: old)
  }

  mutating func beginRelist() {
    // 0 means deleted; 2^32 lists later it is skipped.
    generation = generation == .max ? 1 : generation + 1
  }

  /// Marks what the list did not hold as deleted, and returns it.
  mutating func endRelist() -> [Record] {
    isReady = true
    var missing: [Record] = []
    let current = generation
    table.replaceMarks(
      with: Self.deleted, where: { $0 != Self.deleted && $0 != current }
    ) { missing.append($0) }
    liveCount -= missing.count
    return missing
  }

  /// Forgets `record` if it is still there as deleted; true if it was.
  mutating func forget(_ record: Record, hash: UInt64) -> Bool {
    guard let bucket = table.find(hash: hash, matches: { $0 === record }),
      table.mark(at: bucket) == Self.deleted
    else { return false }
    table.remove(at: bucket)
    return true
  }

  func find(hash: UInt64, matches: (Record) -> Bool) -> Record? {
    table.find(hash: hash, matches: matches).map { table.value(at: $0) }
  }

  var deletedCount: Int { table.count - liveCount }
}
