import Glibc

/// What the four reflectors of one thread share: client, credentials, parser, and the changes on
/// their way to the writer.
final class ReflectorContext {
  let multi: HTTPMulti
  let endpoint: APIServerEndpoint
  let counters: KubeCounters
  let statuses: WatcherStatuses
  let isDebug: Bool
  let emit: @Sendable (KubeEvent) -> Void
  let parser = JSONParser()
  let builder = RecordBuilder()
  var credentials: CredentialSource

  private let mailbox: any IndexMailbox
  private var outbox: [IndexChange] = []
  /// Kinds whose list has ended in the outbox: ready once it is handed over.
  private var endingLists: [ObjectKind] = []
  private let clockStart = ContinuousClock.now
  /// How long handing over has kept the thread from reading what the server sends.
  private(set) var blockedTime = Duration.zero
  private var current: (kind: ObjectKind, object: JSONValue)?

  init(
    multi: HTTPMulti, endpoint: APIServerEndpoint, mailbox: any IndexMailbox,
    counters: KubeCounters, statuses: WatcherStatuses, isDebug: Bool,
    emit: @escaping @Sendable (KubeEvent) -> Void
  ) {
    self.multi = multi
    self.endpoint = endpoint
    self.mailbox = mailbox
    self.counters = counters
    self.statuses = statuses
    self.isDebug = isDebug
    self.emit = emit
    credentials = CredentialSource(endpoint) { path, reason in
      emit(.credentialsUnreadable(path: path, reason: reason))
    }
    builder.onFault = { [unowned self] reason in
      guard let current else { return }
      emit(.objectFault(current.kind, key: key(of: current.object), reason: reason))
    }
  }

  /// Time since the thread began.
  var now: Duration { ContinuousClock.now - clockStart }

  var nowSeconds: Int64 { now.components.seconds }

  var jitter: Double { .random(in: 0..<1) }

  // MARK: Objects

  /// The record of an object; throws when it is none.
  func record(
    _ kind: ObjectKind, _ object: JSONValue
  ) throws(RecordBuilder.Fault) -> ObjectRecord {
    current = (kind, object)
    defer { current = nil }
    return try builder.record(kind, object)
  }

  /// `namespace/name` or `name`, for messages.
  func key(of object: JSONValue) -> String {
    let metadata = object["metadata"]
    let name = metadata?["name"]?.string.map { String(decoding: $0, as: UTF8.self) } ?? "?"
    guard let namespace = metadata?["namespace"]?.filledString else { return name }
    return "\(String(decoding: namespace, as: UTF8.self))/\(name)"
  }

  /// Debug mode's two lines for an object that was received and taken in.
  func emitObject(_ kind: ObjectKind, type: String, _ object: JSONValue) {
    guard isDebug else { return }
    emit(.received(kind, type: type, object: object.text))
    emit(
      .cacheUpdated(
        kind, type: type, key: key(of: object),
        hits: counters.lookups.current - counters.misses.current,
        misses: counters.misses.current))
  }

  // MARK: Changes

  func send(_ change: IndexChange) {
    outbox.append(change)
    if case .relistEnded(let kind) = change { endingLists.append(kind) }
    if outbox.count >= KubeIndexLimits.maximumChangesPerSend { flush() }
  }

  /// Hands over what has gathered; blocks while the writer's mailbox is full.
  func flush() {
    guard !outbox.isEmpty else { return }
    let start = now
    mailbox.send(outbox)
    blockedTime += now - start
    outbox.removeAll(keepingCapacity: true)
    for kind in endingLists {
      statuses.succeeded(kind, isReady: true)
      counters.kind(kind).ready.set(1)
    }
    endingLists.removeAll(keepingCapacity: true)
  }
}
