import Synchronization

/// The API client: lists and watches the four kinds on one thread and sends what it learns to the
/// index's mailbox.
package final class Reflectors: Sendable {
  /// Whether each watcher is ready and, if not, why not.
  package let statuses = WatcherStatuses()

  private let endpoint: APIServerEndpoint
  private let mailbox: any IndexMailbox
  private let counters: KubeCounters
  private let isDebug: Bool
  private let events: @Sendable (KubeEvent) -> Void
  private let multi: HTTPMulti
  private let isStopping = Atomic<Bool>(false)

  /// `events` is called on the reflectors' thread; with `isDebug` also for every request, answer,
  /// object and update.
  package init(
    endpoint: APIServerEndpoint, mailbox: any IndexMailbox, counters: KubeCounters, isDebug: Bool,
    events: @escaping @Sendable (KubeEvent) -> Void
  ) throws {
    self.endpoint = endpoint
    self.mailbox = mailbox
    self.counters = counters
    self.isDebug = isDebug
    self.events = events
    multi = try HTTPMulti()
  }

  /// Works until `stop`, on the calling thread, which must be its own.
  package func run() {
    let context = ReflectorContext(
      multi: multi, endpoint: endpoint, mailbox: mailbox, counters: counters, statuses: statuses,
      isDebug: isDebug, emit: events)
    let reflectors = ObjectKind.allCases.map { Reflector(kind: $0, context: context) }
    for reflector in reflectors { reflector.start() }
    while !isStopping.load(ordering: .acquiring) {
      let now = context.now
      var timeout = Duration.seconds(60)
      for reflector in reflectors {
        if let deadline = reflector.deadline { timeout = min(timeout, deadline - now) }
      }
      multi.poll(timeout: max(.zero, timeout))
      let later = context.now
      for reflector in reflectors { reflector.tick(now: later) }
      context.flush()
    }
    for reflector in reflectors { reflector.stop() }
  }

  /// Makes `run` return soon. Safe on any thread. A mailbox that blocks must be closed first.
  package func stop() {
    isStopping.store(true, ordering: .releasing)
    multi.wakeup()
  }
}
