import CShims

/// Numbers that grow at the end and keep their memory over `reset`: an array that has one owner by
/// its type, so that appending asks no one whether it is shared.
package struct GrowingColumn<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  private var capacity: Int
  package private(set) var count = 0

  /// `capacity` is at least 1.
  package init(capacity: Int = 64) {
    precondition(capacity > 0)
    base = .allocate(capacity: capacity)
    self.capacity = capacity
  }

  deinit { base.deallocate() }

  package subscript(_ index: Int) -> Element {
    @inline(__always)
    get {
      precondition(index >= 0 && index < count)
      return base[index]
    }
  }

  /// Asks for the memory of an element; any index is allowed.
  @inline(__always)
  package func prefetch(_ index: Int) { cshims_prefetch(base + index) }

  @inline(__always)
  package mutating func append(_ element: Element) {
    if count == capacity { grow() }
    base[count] = element
    count += 1
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
    capacity *= 2
  }

  package mutating func reset() { count = 0 }
}
