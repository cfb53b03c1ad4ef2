import Columnar

/// The reports of a batch, in order of arrival.
struct ReportTable: ~Copyable {
  struct Entry {
    /// Microseconds since 1970; `PodTable.noInstant` before 1900.
    var collectedMicros: Int64
    var timestampOffset: UInt32
    var timestampCount: UInt32
    var instanceIDOffset: UInt32
    /// 0 when the report has none.
    var instanceIDCount: UInt32
    var day: Int32
    var node: UInt32
  }

  let capacity: Int
  private(set) var count = 0
  private let memory: MappedMemory
  private let entries: UnsafeMutablePointer<Entry>

  init(capacity: Int) {
    self.capacity = capacity
    memory = MappedMemory(byteCount: capacity * MemoryLayout<Entry>.stride)
    entries = memory.base.bindMemory(to: Entry.self, capacity: capacity)
  }

  subscript(_ ordinal: Int) -> Entry {
    precondition(ordinal >= 0 && ordinal < count)
    return entries[ordinal]
  }

  mutating func append(_ entry: Entry) -> UInt32 {
    precondition(count < capacity)
    entries[count] = entry
    count += 1
    return UInt32(count - 1)
  }

  mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  mutating func releaseMemory() {
    precondition(count == 0)
    memory.release()
  }
}
