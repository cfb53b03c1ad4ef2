import Synchronization

/// Set once, by any thread, when the service cannot go on. Thread-safe.
final class FatalFlag: Sendable {
  private let isSetValue = Atomic<Bool>(false)

  func set() { isSetValue.store(true, ordering: .relaxed) }
  var isSet: Bool { isSetValue.load(ordering: .relaxed) }
}
