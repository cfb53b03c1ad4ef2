/// Makes each distinct text, list and template once. Owned by the thread that parses objects.
///
/// The pool holds what it made; what nobody else holds any more is dropped little by little: each
/// new value looks at a few slots, so that what is unused stays below a fraction of the table.
struct TextPool: ~Copyable {
  private var texts = ProbeTable<Text>()
  private var lists = ProbeTable<TextList>()
  private var templates = ProbeTable<PodTemplate>()
  private var textCursor = 0
  private var listCursor = 0
  private var templateCursor = 0

  /// Distinct values held.
  var count: (texts: Int, lists: Int, templates: Int) {
    (texts.count, lists.count, templates.count)
  }

  mutating func text(_ bytes: UnsafeRawBufferPointer) -> Text {
    let hash = Text.hash(bytes)
    if let bucket = texts.find(hash: hash, matches: { $0.equals(bytes) }) {
      return texts.value(at: bucket)
    }
    texts.purge(from: &textCursor)
    let text = Text(bytes, hash: hash)
    texts.insert(hash: hash, value: text)
    return text
  }

  mutating func text(_ string: StaticString) -> Text {
    text(UnsafeRawBufferPointer(start: string.utf8Start, count: string.utf8CodeUnitCount))
  }

  /// The elements must come from this pool.
  mutating func list(_ elements: [Text]) -> TextList {
    if elements.isEmpty { return .empty }
    let hash = TextList.hash(elements)
    let found = lists.find(hash: hash) { list in
      list.elements.count == elements.count
        && zip(list.elements, elements).allSatisfy { $0 === $1 }
    }
    if let found { return lists.value(at: found) }
    lists.purge(from: &listCursor)
    let list = TextList(elements)
    lists.insert(hash: hash, value: list)
    return list
  }

  /// `template` itself, or the one like it that the pool has. Its texts must come from this pool.
  mutating func intern(_ template: PodTemplate) -> PodTemplate {
    if let bucket = templates.find(hash: template.hash, matches: { $0.isSame(as: template) }) {
      return templates.value(at: bucket)
    }
    templates.purge(from: &templateCursor)
    templates.insert(hash: template.hash, value: template)
    return template
  }

  func checkInvariants() -> String? {
    texts.checkInvariants() ?? lists.checkInvariants() ?? templates.checkInvariants()
  }
}

extension ProbeTable {
  /// Drops, among the next few slots, the values that only the table holds.
  ///
  /// A value found so cannot be retained by another thread meanwhile: only the owner of the table
  /// could give it one.
  fileprivate mutating func purge(from cursor: inout Int) {
    for _ in 0..<KubeIndexLimits.purgeSlotsPerInsertion {
      cursor = current.next(cursor < slotCount ? cursor : 0)
      while slots[cursor].value != nil, isKnownUniquelyReferenced(&slots[cursor].value) {
        // The gap may be filled by the entry behind: looked at as well.
        remove(at: Bucket(offset: cursor))
      }
    }
    if cursor == 0 { trim() }
  }
}
