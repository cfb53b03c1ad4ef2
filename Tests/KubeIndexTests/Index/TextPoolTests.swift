import Testing

@testable import KubeIndex

/// Equal texts are one object, and what nobody uses does not pile up.
@Suite struct TextPoolTests {
  /// A pool behind a reference, so that expectations can call it.
  final class Pool {
    var pool = TextPool()

    func text(_ string: String) -> Text { Array(string.utf8).withUnsafeBytes { pool.text($0) } }

    func list(_ elements: [Text]) -> TextList { pool.list(elements) }
  }

  @Test func equalTextsAreOne() {
    let pool = Pool()
    let first = pool.text("app=web")
    #expect(pool.text("app=web") === first)
    #expect(pool.text("app=cart") !== first)
    #expect(first.string == "app=web")
    #expect(pool.text("").count == 0)
    #expect(pool.text("") === pool.text(""))
  }

  @Test func textEquality() {
    #expect(Text("a") == Text("a"))
    #expect(Text("a") != Text("b"))
    #expect(Text("") == Text(""))
    #expect(Text("a").equals(UnsafeRawBufferPointer(start: nil, count: 0)) == false)
  }

  @Test func equalListsAreOne() {
    let pool = Pool()
    let a = pool.text("a")
    let b = pool.text("b")
    #expect(pool.list([a, b]) === pool.list([a, b]))
    #expect(pool.list([a, b]) !== pool.list([b, a]))
    #expect(pool.list([]) === TextList.empty)
  }

  /// A list owns its texts, and lets go of each once.
  @Test func textsLiveAsLongAsTheirLists() {
    weak var weakText: Text?
    var list: TextList?
    do {
      let text = Text("a")
      weakText = text
      list = TextList([text, Text(""), text])
    }
    #expect(list?.elements.map(\.string) == ["a", "", "a"] && weakText != nil)
    list = nil
    #expect(weakText == nil)
  }

  @Test func unusedTextsAreDropped() {
    let pool = Pool()
    let kept = (0..<1000).map { pool.text("kept \($0)") }
    for number in 0..<100_000 { _ = pool.text("unused \(number)") }
    let count = pool.pool.count.texts
    #expect(count < 10_000)
    let fault = pool.pool.checkInvariants()
    #expect(fault == nil)
    for (number, text) in kept.enumerated() { #expect(pool.text("kept \(number)") === text) }
  }
}
