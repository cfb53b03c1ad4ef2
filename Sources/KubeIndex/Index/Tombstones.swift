/// Deleted objects in the order of their deletion, oldest first.
///
/// An entry is only a note: whether its object is still deleted (and not back, or deleted again
/// since) is for the index to see, by the identity of the record.
struct Tombstones {
  struct Entry {
    var seconds: Int64
    var record: ObjectRecord
  }

  private var entries: [Entry?] = []
  private var head = 0

  var count: Int { entries.count - head }

  var first: Entry? { head < entries.count ? entries[head] : nil }

  mutating func append(_ entry: Entry) { entries.append(entry) }

  mutating func removeFirst() -> Entry? {
    guard head < entries.count else { return nil }
    let entry = entries[head]
    entries[head] = nil
    head += 1
    // The used-up front is cut off when it is half of the array: constant cost an entry.
    if head >= 1024, head * 2 >= entries.count {
      entries.removeFirst(head)
      head = 0
    }
    return entry
  }
}
