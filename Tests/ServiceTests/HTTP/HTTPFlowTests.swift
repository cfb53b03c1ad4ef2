import Glibc
import Ingest
import Synchronization
import Testing

@testable import Service

/// Protects order, waiting and memory: what happens between a report and its answer.
@Suite struct HTTPFlowTests {
  static let post = "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"

  @Test("A thousand pipelined reports are answered in order, one in flight")
  func pipeline() throws {
    let server = try TestServer()
    let client = try server.connect()
    client.setTimeout(milliseconds: 1000)
    var request = ""
    for index in 0..<1000 {
      let body = index % 10 == 9 ? "bad" : "{}"
      request += "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
    }
    client.send(request)
    let all = statuses(client.readAll())
    #expect(all == (0..<1000).map { $0 % 10 == 9 ? 400 : 200 })
  }

  @Test("One request is in flight: the next is not submitted before the answer")
  func oneInFlight() throws {
    let server = try TestServer()
    server.intake.state.withLock { $0.holds = true }
    let client = try server.connect()
    client.send(Self.post + Self.post)
    #expect(client.readAll() == "")
    #expect(server.intake.bodies.count == 1)
    server.intake.release()
    #expect(statuses(client.readAll()) == [200, 200])
    #expect(server.intake.bodies.count == 2)
  }

  @Test("A full queue makes reports wait, in order, and never refuses them")
  func fullQueue() throws {
    let server = try TestServer()
    server.intake.makeRoom(0)
    let clients = try (0..<5).map { _ in try server.connect() }
    for client in clients { client.send(Self.post) }
    #expect(clients[0].readAll() == "")
    server.intake.makeRoom(2)
    usleep(200_000)
    #expect(server.intake.bodies.count == 2)
    server.intake.makeRoom(nil)
    for client in clients { #expect(statuses(client.readAll(until: "ok")) == [200]) }
    #expect(server.shared.budget.byteCount == 0)
  }

  @Test("Bodies wait for memory, and get it in turn")
  func memory() throws {
    let server = try TestServer(
      maximumBodyByteCount: 1_000_000,
      budget: BodyBudget(small: 100_000, large: 1_000_100, inflated: 1_000_100))
    server.intake.state.withLock { $0.holds = true }
    let body = String(repeating: "x", count: 60_000)
    let request =
      "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)"
    let clients = try (0..<4).map { _ in try server.connect() }
    for client in clients { client.send(request) }
    usleep(200_000)
    #expect(server.intake.bodies.count == 1)
    #expect(server.shared.isMemoryShort)
    server.intake.release()
    for client in clients { #expect(statuses(client.readAll(until: "ok")) == [200]) }
    #expect(server.shared.budget.byteCount == 0)
    #expect(!server.shared.isMemoryShort)
  }

  @Test("A chunked body grows beyond the small share")
  func grows() throws {
    let server = try TestServer(maximumBodyByteCount: 1_000_000)
    let chunk = "2710\r\n" + String(repeating: "y", count: 10000) + "\r\n"
    let text = try server.exchange(
      "POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        + String(repeating: chunk, count: 50) + "0\r\n\r\n")
    #expect(statuses(text) == [200])
    #expect(server.intake.bodies.map(\.count) == [500_000])
    #expect(server.shared.budget.byteCount == 0)
  }

  @Test("A refusal is told before the body is read")
  func refusal() throws {
    let server = try TestServer()
    server.intake.state.withLock { $0.refusal = "the spool is full" }
    let text = try server.exchange(
      "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\nExpect: 100-continue\r\n\r\n")
    #expect(statuses(text) == [503])
    #expect(text.contains("Retry-After: ") && text.contains("the spool is full"))
    let small = try server.exchange(Self.post + Self.post)
    #expect(statuses(small) == [503, 503])
    #expect(server.intake.bodies.isEmpty)
  }

  @Test("A report that is not durable after 4 s gets 503, and its late answer harms nobody")
  func lateReply() throws {
    let server = try TestServer()
    server.intake.state.withLock { $0.holds = true }
    let client = try server.connect()
    client.setTimeout(milliseconds: 5500)
    client.send(Self.post)
    #expect(statuses(client.readAll(until: "durable")) == [503])
    #expect(server.shared.budget.byteCount > 0)
    server.intake.release()
    client.setTimeout(milliseconds: 300)
    client.send(Self.post)
    #expect(statuses(client.readAll()) == [200])
    #expect(server.shared.budget.byteCount == 0)
  }

  @Test("While draining reports are taken and connections closed; then they are refused")
  func draining() throws {
    let server = try TestServer()
    server.shared.phase = .draining
    let text = try server.exchange(Self.post)
    #expect(statuses(text) == [200] && text.contains("Connection: close\r\n"))
    try #expect(statuses(server.exchange("GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")) == [503])
    try #expect(statuses(server.exchange("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")) == [200])
    server.shared.phase = .refusing
    try #expect(statuses(server.exchange(Self.post)) == [503])
  }

  @Test("Clients that leave while they wait leave nothing behind")
  func leaves() throws {
    let server = try TestServer()
    server.intake.state.withLock { $0.holds = true }
    for _ in 0..<50 {
      let client = try server.connect()
      client.send(Self.post)
      usleep(2000)
    }
    usleep(200_000)
    server.intake.release()
    usleep(200_000)
    #expect(server.shared.gate.openCount == 0)
    #expect(server.shared.budget.byteCount == 0)
  }

  @Test("Accepting pauses at the limit of connections and goes on below it")
  func acceptGate() throws {
    let server = try TestServer(connectionLimit: 4)
    var clients = try (0..<8).map { _ in try server.connect() }
    for client in clients { client.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n") }
    usleep(200_000)
    #expect(server.shared.gate.openCount >= 4)
    clients.removeFirst(4)
    for client in clients { #expect(statuses(client.readAll(until: "ok")) == [200]) }
  }

  @Test("Pausing and counting are one step, however loops interleave", arguments: [1, 4, 100])
  func acceptGateRaces(limit: Int) {
    let gate = AcceptGate(limit: limit)
    let orders = Mutex<[Bool]>([])
    gate.attach { isPaused in orders.withLock { $0.append(isPaused) } }
    for round in 1...300 {
      // Around the limit, so that every step may be the one that decides.
      let threads = (0..<4).map { index in
        WorkerThread(name: "loop-\(index)") {
          for step in 0..<50 { if (step + index) % 2 == 0 { gate.opened() } else { gate.closed() } }
        }
      }
      for thread in threads { thread.join() }
      let isPaused = orders.withLock { $0.last ?? false }
      let count = gate.openCount
      #expect(isPaused ? count > limit - max(1, limit / 64) : count < limit, "round \(round)")
      // Up and down by turns: the next round starts from just below or above the limit.
      while gate.openCount < limit - round % 3 { gate.opened() }
      while gate.openCount > limit - round % 3 { gate.closed() }
    }
    orders.withLock { orders in
      #expect(orders.count > 2)
      for (index, order) in orders.enumerated() { #expect(order == (index % 2 == 0)) }
    }
  }

  @Test("A client that ends its side cannot make the server hold more than its bound")
  func halfClosedFlood() throws {
    let server = try TestServer(maximumBodyByteCount: 1_000_000)
    let flood = try server.connect()
    // A connection that has taken much gets a large receive window from the system.
    let large = String(repeating: "x", count: 1_000_000)
    for _ in 0..<10 {
      flood.send("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n\(large)")
      #expect(statuses(flood.readAll(until: "ok")) == [200])
    }
    server.intake.state.withLock { $0.holds = true }
    let modest = try server.connect()
    flood.send(Self.post + String(repeating: "x", count: 400_000))
    modest.send(Self.post + String(repeating: Self.post, count: 200))
    flood.endOutput()
    modest.endOutput()
    for _ in 0..<40 where server.shared.gate.openCount > 1 { usleep(50_000) }
    // Where the window stayed small the client's system holds the rest, and the end behind it.
    let isHeldBack = flood.unsentByteCount > 0
    #expect(isHeldBack || server.shared.gate.openCount == 1)
    server.intake.release()
    if !isHeldBack { #expect(flood.readAll() == "") }
    modest.setTimeout(milliseconds: 2000)
    #expect(statuses(modest.readAll()).count == 201)
  }

  @Test("A reader that does not read is given up, also when little is unsent")
  func stuckReader() throws {
    let server = try TestServer(writeTimeout: .seconds(1), sendBufferByteCount: 4096)
    server.content.schemaBytes.withLock { $0 = [UInt8](repeating: 0x78, count: 40_000) }
    let stuck = try server.connect(receiveBufferByteCount: 2048)
    let good = try server.connect()
    for client in [stuck, good] { client.send("GET /schema HTTP/1.1\r\nHost: a\r\n\r\n") }
    good.setTimeout(milliseconds: 600)
    #expect(good.readAll().utf8.count > 40_000)
    #expect(server.shared.gate.openCount == 2)
    usleep(1_500_000)
    #expect(server.shared.gate.openCount == 1)
    #expect(server.shared.counters.slowConnections.total == 1)
    #expect(stuck.readAll().utf8.count < 40_000)
  }

  @Test("A head that waits for the reader of earlier answers is not slow")
  func pausedReader() throws {
    let server = try TestServer(sendBufferByteCount: 4096)
    server.content.schemaBytes.withLock { $0 = [UInt8](repeating: 0x78, count: 40_000) }
    let client = try server.connect(receiveBufferByteCount: 2048)
    client.send(String(repeating: "GET /schema HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
    sleep(11)
    client.setTimeout(milliseconds: 2000)
    #expect(statuses(client.readAll()) == [Int](repeating: 200, count: 20))
    #expect(server.shared.counters.slowConnections.total == 0)
  }

  @Test("What is refused before the writer sees it is counted by its reason")
  func refusals() throws {
    let server = try TestServer()
    func send(_ fields: String, _ body: String = "") throws {
      _ = try server.exchange("POST /metrics HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\(body)")
    }
    try send("")
    try send("Content-Length: 100001\r\n")
    try send("Transfer-Encoding: chunked\r\n", "186A1\r\n")
    try send("Content-Length: 2\r\nContent-Type: text/plain\r\n", "{}")
    try send("Content-Length: 2\r\nContent-Encoding: br\r\n", "{}")
    try send("Content-Length: 2\r\nExpect: wonders\r\n", "{}")
    try send("Content-Length: 2\r\nContent-Encoding: gzip\r\n", "{}")
    try send("Transfer-Encoding: chunked\r\n", "z\r\n")
    server.intake.state.withLock { $0.refusal = "the spool is full" }
    try send("Content-Length: 2\r\n", "{}")
    server.intake.state.withLock { $0.refusal = nil }
    // What the writer refuses, and what is no report, is not among them.
    try send("Content-Length: 3\r\n", "bad")
    _ = try server.exchange("POST /health HTTP/1.1\r\nHost: a\r\n\r\n")
    let counts = server.shared.counters.refusedReports.map { "\($0.refusal.rawValue) \($0.count)" }
    #expect(
      counts == [
        "too_large 2", "no_length 1", "unsupported 3", "bad_encoding 2", "too_slow 0",
        "turned_away 1",
      ])
  }

  @Test("A client that does not read stops being read from, and then gets everything")
  func slowReader() throws {
    let server = try TestServer()
    let client = try server.connect()
    client.setTimeout(milliseconds: 1000)
    let count = 30_000
    let sender = WorkerThread(name: "sender") {
      client.send(String(repeating: "GET /schema HTTP/1.1\r\nHost: a\r\n\r\n", count: count))
    }
    usleep(500_000)
    #expect(server.shared.counters.answers.map(\.count).reduce(0, +) < count)
    let all = statuses(client.readAll())
    sender.join()
    #expect(all.count == count && Set(all) == [200])
  }

  @Test("A head that takes longer than 10 s is given up, drip by drip or not")
  func slowHead() throws {
    let server = try TestServer()
    let client = try server.connect()
    let start = time(nil)
    for byte in "GET /livez HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaa".utf8 where !client.isAtEnd {
      client.send([byte])
      let text = client.readAll()
      if !text.isEmpty {
        #expect(statuses(text) == [408])
        break
      }
    }
    let elapsed = time(nil) - start
    #expect(elapsed >= 9 && elapsed <= 12)
  }
}
