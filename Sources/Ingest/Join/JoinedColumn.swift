import Columnar
import KubeIndex

/// A column of the row group in the making whose value is put in pod by pod.
final class PodColumn<Dictionary: ValueDictionary> {
  let dictionary: Dictionary
  @exclusivity(unchecked) private(set) var runs: [EntryRun] = []

  init(_ dictionary: Dictionary) {
    self.dictionary = dictionary
  }

  func append(_ entry: UInt32, rowCount: UInt32) {
    runs.append(entry, rowCount: rowCount)
  }

  /// Adds rows of the value before; there must be one.
  func repeatLast(rowCount: UInt32) { runs[runs.count - 1].rowCount += rowCount }

  func resetRuns() { runs.removeAll(keepingCapacity: true) }
}

extension PodColumn<TextDictionary> {
  func write(to group: RowGroupWriter) throws {
    try group.append(runs: runs, dictionary: dictionary)
  }

  func append(_ text: UnsafeRawBufferPointer, rowCount: UInt32) {
    append(dictionary.intern(text), rowCount: rowCount)
  }

  /// Adds a text that no other call of the row group adds.
  func append(distinct text: UnsafeRawBufferPointer, rowCount: UInt32) {
    append(dictionary.append(distinct: text), rowCount: rowCount)
  }

  /// The same as `append`, quicker where most texts are the one before.
  func append(sorted text: UnsafeRawBufferPointer, rowCount: UInt32) {
    if let last = runs.last, last.entry != nullEntry,
      TextOrder.compare(dictionary[last.entry], text) == 0
    {
      append(last.entry, rowCount: rowCount)
    } else {
      append(text, rowCount: rowCount)
    }
  }

  func reset() {
    dictionary.reset()
    resetRuns()
  }
}

extension PodColumn<NumberDictionary> {
  func write(to group: RowGroupWriter) throws {
    try group.append(runs: runs, dictionary: dictionary)
  }

  func append(_ number: Int64?, rowCount: UInt32) {
    append(number.map { dictionary.intern($0) } ?? nullEntry, rowCount: rowCount)
  }

  func reset() {
    dictionary.reset()
    resetRuns()
  }
}

/// A column whose value hangs on a key that pods share, a template or a host: one entry a key,
/// and the runs follow from the keys' runs.
final class KeyedColumn<Dictionary: ValueDictionary> {
  let dictionary: Dictionary
  /// Entry by key.
  @exclusivity(unchecked) private var entries: [UInt32] = []
  @exclusivity(unchecked) private var runs: [EntryRun] = []

  init(_ dictionary: Dictionary) {
    self.dictionary = dictionary
  }

  /// Gives the next key its entry.
  func append(_ entry: UInt32) { entries.append(entry) }

  /// The column's runs; a null key is a null value.
  fileprivate func runs(_ keyRuns: [EntryRun]) -> [EntryRun] {
    runs.removeAll(keepingCapacity: true)
    runs.append(keyRuns, mappedTo: entries)
    return runs
  }

  func resetEntries() { entries.removeAll(keepingCapacity: true) }
}

extension KeyedColumn<TextDictionary> {
  func write(_ keyRuns: [EntryRun], to group: RowGroupWriter) throws {
    try group.append(runs: runs(keyRuns), dictionary: dictionary)
  }

  func append(_ text: Text?) {
    append(text.map { dictionary.intern($0) } ?? nullEntry)
  }

  func reset() {
    dictionary.reset()
    resetEntries()
  }
}

extension KeyedColumn<NumberDictionary> {
  func write(_ keyRuns: [EntryRun], to group: RowGroupWriter) throws {
    try group.append(runs: runs(keyRuns), dictionary: dictionary)
  }

  func append(_ number: Int64) { append(dictionary.intern(number)) }

  func reset() {
    dictionary.reset()
    resetEntries()
  }
}

/// The lists of a list column and the texts they are made of.
final class ListColumn {
  let dictionary: TextDictionary
  @exclusivity(unchecked) private(set) var lists = ListTable()
  @exclusivity(unchecked) private var runs: [EntryRun] = []
  /// Lists that came as a whole, by identity.
  @exclusivity(unchecked) private var known = IdentityTable()

  init(_ meter: TextMeter) { dictionary = TextDictionary(meter: meter) }

  /// The ordinal of `list`; its texts are looked at once a row group.
  func ordinal(of list: Unmanaged<TextList>) -> UInt32 {
    known.number(of: list.toOpaque()) {
      list._withUnsafeGuaranteedRef { list in
        list.forEachText { lists.append(dictionary.intern($0)) }
      }
      return lists.endList()
    }
  }

  /// Adds a text to a list that no record holds as a whole; `endList` ends it.
  func append(element: Text) { lists.append(dictionary.intern(element)) }

  /// The ordinal of the list in the making.
  func endList() -> UInt32 { lists.endList() }

  /// Whether `list` is in already.
  func contains(_ list: Unmanaged<TextList>) -> Bool { known.contains(list.toOpaque()) }

  func append(_ list: UInt32, rowCount: UInt32) { runs.append(list, rowCount: rowCount) }

  /// Adds rows of the list before; there must be one.
  func repeatLast(rowCount: UInt32) { runs[runs.count - 1].rowCount += rowCount }

  func write(to group: RowGroupWriter) throws {
    try group.append(listRuns: runs, lists: lists, dictionary: dictionary)
  }

  /// Writes the column from runs of keys, `ordinals` holding each key's list.
  func write(_ keyRuns: [EntryRun], ordinals: [UInt32], to group: RowGroupWriter) throws {
    runs.removeAll(keepingCapacity: true)
    runs.append(keyRuns, mappedTo: ordinals)
    try write(to: group)
  }

  func reset() {
    dictionary.reset()
    lists.reset()
    runs.removeAll(keepingCapacity: true)
    known.reset()
  }
}

extension TextDictionary {
  /// The entry of a record's text.
  func intern(_ text: Text) -> UInt32 {
    text.withBytes { intern($0) }
  }
}

extension TextList {
  /// Bytes of the elements as a dictionary page holds them.
  var plainByteCount: Int { elements.reduce(0) { $0 + $1.count + 4 } }
}
