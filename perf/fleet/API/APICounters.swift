import Synchronization

/// What the API was asked for, for the summary.
final class APICounters: Sendable {
  let lists = Atomic<Int>(0)
  let listPages = Atomic<Int>(0)
  let watches = Atomic<Int>(0)
  let watchEvents = Atomic<Int>(0)
  let bookmarks = Atomic<Int>(0)
  let expired = Atomic<Int>(0)
  let unauthorized = Atomic<Int>(0)
  let bytes = Atomic<Int>(0)
}
