import Synchronization

/// Set once, by whoever ends a thread.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  func set() { flag.store(true, ordering: .releasing) }

  var isSet: Bool { flag.load(ordering: .acquiring) }
}

/// Carries an object that is not thread-safe to the one thread that will use it.
///
/// `@unchecked Sendable`: the maker gives the object up before the thread starts.
final class Handover<Value>: @unchecked Sendable {
  let value: Value

  init(_ value: Value) { self.value = value }
}
