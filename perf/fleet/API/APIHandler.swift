import NIOCore
import NIOHTTP1
import Synchronization

/// Answers one connection's requests as an API server does.
final class APIHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let cluster: Cluster
  private let token: String
  private let watchers: WatcherRegistry
  private let counters: APICounters
  private var head: HTTPRequestHead?
  private var stream: ObjectStream?
  private var context: ChannelHandlerContext?
  private var writer = ByteWriter(capacity: 256 * 1024)
  private var timers: [Scheduled<Void>] = []

  init(cluster: Cluster, token: String, watchers: WatcherRegistry, counters: APICounters) {
    self.cluster = cluster
    self.token = token
    self.watchers = watchers
    self.counters = counters
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    endStream()
    self.context = nil
  }

  func channelInactive(context: ChannelHandlerContext) {
    endStream()
    context.fireChannelInactive()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    pump()
    context.fireChannelWritabilityChanged()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      if let head { answer(head) }
    }
  }

  private func answer(_ head: HTTPRequestHead) {
    guard head.headers.first(name: "Authorization") == "Bearer \(token)" else {
      counters.unauthorized.add(1, ordering: .relaxed)
      respond(401, Status.unauthorized)
      return
    }
    guard head.method == .GET else {
      respond(405, Status.methodNotAllowed)
      return
    }
    if let text = Discovery.answer(to: head.uri) {
      respond(200, text)
      return
    }
    guard let query = ListQuery(target: head.uri) else {
      respond(404, Status.notFound)
      return
    }
    if query.name != nil {
      get(query)
    } else if query.isWatch {
      watch(query)
    } else {
      list(query)
    }
  }

  // MARK: Get

  private func get(_ query: ListQuery) {
    writer.clear()
    let found = cluster.read { cluster in
      let version = cluster.history.newest
      for slot in 0..<UInt32(cluster.slotCount(of: query.kind))
      where cluster.isListed(query.kind, slot: slot, at: version)
        && cluster.namespace(of: query.kind, slot: slot) == query.namespace
      {
        let start = writer.count
        cluster.appendObject(query.kind, slot: slot, at: version, withType: true, to: &writer)
        let name = "\"metadata\":{\"name\":\"\(query.name ?? "")\""
        if writer.text.contains(name) { return true }
        writer.truncate(to: start)
      }
      return false
    }
    respond(found ? 200 : 404, found ? writer.text : Status.notFound)
  }

  // MARK: List

  private func list(_ query: ListQuery) {
    let newest = cluster.read { $0.history.newest }
    var version = newest
    var slot = 0
    var remaining: Int?
    if let text = query.continueToken {
      guard let token = ContinueToken(text: text) else {
        respond(400, Status.badContinue)
        return
      }
      (slot, remaining) = (token.slot, token.remaining)
      if token.version >= 0 {
        version = token.version
        if version < cluster.read({ $0.history.start }) {
          counters.expired.add(1, ordering: .relaxed)
          let next = ContinueToken(version: -1, slot: token.slot, remaining: token.remaining)
          respond(410, Status.continueExpired(token: next.text))
          return
        }
      } else {
        remaining = nil
      }
    } else {
      counters.lists.add(1, ordering: .relaxed)
      if let text = query.resourceVersion, text != "0" {
        guard let asked = Int(text), asked >= 0 else {
          respond(400, Status.badVersion(text))
          return
        }
        if asked > newest {
          respond(504, Status.tooLarge(version: asked, current: newest))
          return
        }
        if query.resourceVersionMatch == "Exact" {
          version = asked
          if asked < cluster.read({ $0.history.start }) {
            counters.expired.add(1, ordering: .relaxed)
            respond(410, Status.listExpired)
            return
          }
        }
      }
    }
    counters.listPages.add(1, ordering: .relaxed)
    let left = cluster.read { cluster in
      if let remaining { return remaining }
      if slot == 0 && version == cluster.history.newest { return cluster.liveCount(of: query.kind) }
      return cluster.count(query.kind, nil, version, from: slot)
    }
    stream = .list(ListStream(query: query, version: version, slot: slot, remaining: left))
    beginStream()
  }

  // MARK: Watch

  private func watch(_ query: ListQuery) {
    let newest = cluster.read { $0.history.newest }
    if query.sendsInitialEvents && query.resourceVersionMatch != "NotOlderThan" {
      respond(422, Status.initialEventsInvalid)
      return
    }
    let text = query.resourceVersion ?? "0"
    guard let asked = Int(text), asked >= 0 else {
      respond(500, Status.badVersion(text))
      return
    }
    counters.watches.add(1, ordering: .relaxed)
    let startsWithObjects = query.sendsInitialEvents || asked == 0
    if query.sendsInitialEvents && asked > newest {
      endWatchAtOnce(Status.tooLarge(version: asked, current: newest))
      return
    }
    let version = startsWithObjects ? newest : asked
    stream = .watch(
      WatchStream(query: query, version: version, startsWithObjects: startsWithObjects))
    scheduleEnd(query)
    watchers.add(self)
    beginStream()
  }

  private func endWatchAtOnce(_ status: String) {
    write(head: 200, headers: [])
    writer.clear()
    writer.append("{\"type\":\"ERROR\",\"object\":")
    writer.append(status)
    writer.append("}\n")
    writeChunk()
    finish()
  }

  /// A bookmark a minute, one shortly before the end, and the end.
  private func scheduleEnd(_ query: ListQuery) {
    guard let context else { return }
    let seconds = Int64(max(query.timeoutSeconds ?? Int.random(in: 1800...3600), 1))
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    timers.append(
      context.eventLoop.scheduleTask(in: .seconds(seconds)) { handler.value.finishWatch() })
    guard query.allowsBookmarks else { return }
    var due = Array(
      stride(from: FleetLimits.bookmarkSeconds, to: seconds, by: Int(FleetLimits.bookmarkSeconds)))
    if seconds > 2 { due.append(seconds - 2) }
    for moment in due {
      timers.append(
        context.eventLoop.scheduleTask(in: .seconds(moment)) { handler.value.sendBookmark() })
    }
  }

  private func sendBookmark() {
    guard case .watch(let watch) = stream, context?.channel.isWritable == true,
      !cluster.read({ watch.isBehind($0) })
    else { return }
    writer.clear()
    watch.appendBookmark(to: &writer)
    counters.bookmarks.add(1, ordering: .relaxed)
    writeChunk()
  }

  /// Ends a watch in order, as a server does that goes down.
  func finishWatch() {
    guard stream != nil else { return }
    endStream()
    finish()
  }

  // MARK: Writing

  private func beginStream() {
    write(head: 200, headers: [])
    pump()
  }

  /// Writes what the stream has while the client keeps up.
  func pump() {
    while let context, context.channel.isActive, context.channel.isWritable, var current = stream {
      writer.clear()
      var isOver = false
      switch current {
      case .list(var list):
        cluster.read { list.appendChunk(of: $0, to: &writer) }
        isOver = list.isFinished
        current = .list(list)
      case .watch(var watch):
        let before = watch.eventCount
        let isBehind = cluster.read { cluster in
          watch.appendChunk(of: cluster, to: &writer)
          return watch.isBehind(cluster)
        }
        counters.watchEvents.add(watch.eventCount - before, ordering: .relaxed)
        isOver = watch.isExpired
        if isOver { counters.expired.add(1, ordering: .relaxed) }
        current = .watch(watch)
        if writer.count == 0 && !isBehind {
          stream = current
          return
        }
      }
      stream = current
      if writer.count > 0 { writeChunk() }
      if isOver {
        endStream()
        finish()
      }
    }
  }

  private func endStream() {
    if case .watch = stream { watchers.remove(self) }
    stream = nil
    for timer in timers { timer.cancel() }
    timers.removeAll()
  }

  private func write(head status: Int, headers extra: [(String, String)]) {
    guard let context else { return }
    var headers = HTTPHeaders([
      ("Cache-Control", "no-cache, private"), ("Content-Type", "application/json"),
    ])
    for (name, value) in extra { headers.add(name: name, value: value) }
    let head = HTTPResponseHead(
      version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
  }

  private func writeChunk() {
    guard let context else { return }
    counters.bytes.add(writer.count, ordering: .relaxed)
    let buffer = context.channel.allocator.buffer(bytes: writer.bytes)
    context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
  }

  private func finish() {
    guard let context else { return }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if head?.isKeepAlive == false { context.close(promise: nil) }
  }

  private func respond(_ status: Int, _ text: String) {
    write(head: status, headers: [("Content-Length", String(text.utf8.count))])
    writer.clear()
    writer.append(text)
    writeChunk()
    finish()
  }
}

/// The connections with an open watch; on their event loop only.
final class WatcherRegistry {
  private var handlers: [ObjectIdentifier: APIHandler] = [:]

  func add(_ handler: APIHandler) {
    handlers[ObjectIdentifier(handler)] = handler
  }

  func remove(_ handler: APIHandler) {
    handlers[ObjectIdentifier(handler)] = nil
  }

  func finishAll() {
    for handler in Array(handlers.values) { handler.finishWatch() }
  }

  func pumpAll() {
    for handler in Array(handlers.values) { handler.pump() }
  }
}
