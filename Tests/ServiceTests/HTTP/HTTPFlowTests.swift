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
