import Glibc
import KubeIndex
import Synchronization
import Testing

@testable import Ingest

/// The same with real threads on a real directory.
@Suite struct AggregationTests {
  /// Stores nothing; counts.
  final class CountingDelivery: ObjectDelivery {
    private let rows = Atomic<Int>(0)
    var rowCount: Int { rows.load(ordering: .relaxed) }

    func objectOpened(_ id: ObjectID, key: String, fileName: String) {}
    func objectGrew(_ id: ObjectID, byteCount: Int) {}
    func segmentAbandoned(_ segment: UInt64) {}
    func segmentSealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool) {
      rows.wrappingAdd(objects.reduce(0) { $0 + $1.rowCount }, ordering: .relaxed)
    }
  }

  /// A clock that is slow, so that a busy machine is not taken for a disk that hangs.
  final class SlowTime: TimeSource {
    private let real = SystemTime()
    func monotonic() -> Duration { real.monotonic() / 50 }
    func epochSeconds() -> Int64 { real.epochSeconds() }
    func sleep(_ duration: Duration) { real.sleep(duration) }
  }

  @Test func manyReportsFromManyThreads() throws {
    var template = Array("/tmp/aggregation-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      Issue.record("mkdtemp: errno \(errno)")
      return
    }
    let path = String(
      decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let disk = try RealDisk(path: path)
    defer {
      for name in (try? disk.list()) ?? [] { unlink("\(path)/\(name)") }
      rmdir(path)
    }
    let delivery = CountingDelivery()
    let counters = IngestCounters()
    let aggregation = try Aggregation(
      settings: Harness.settings(rows: 3_000), disk: disk, delivery: delivery,
      counters: counters, kubeCounters: KubeCounters(), time: SlowTime(), events: { _ in })
    try aggregation.recover()
    aggregation.start()
    aggregation.mailbox.send(
      ObjectKind.allCases.flatMap { [.relistBegan($0), .relistEnded($0)] })
    let sink = RecordingSink()
    let senders = (0..<3).map { sender in
      WorkerThread(name: "sender-\(sender)") {
        for number in 0..<400 {
          let report = TestReport(
            node: "node-\(sender)", timestamp: "2026-11-24T10:00:00.\(1_000 + number)Z",
            podCount: 10)
          let body = report.body
          let token = UInt64(sender * 1_000 + number)
          while !aggregation.intake.trySubmit(body, token: token, sink: sink) {
            let room = Wakeup()
            aggregation.intake.whenRoom { room.set() }
            room.wait(timeout: .seconds(1))
          }
        }
      }
    }
    for sender in senders { sender.join() }
    #expect(aggregation.stop(deadline: .seconds(60)))
    for sender in 0..<3 {
      for number in 0..<400 {
        #expect(
          sink.outcome(UInt64(sender * 1_000 + number)) == .accepted(rows: 10, duplicate: false))
      }
    }
    #expect(delivery.rowCount == 12_000)
    #expect(counters.rowsAccepted.current == 12_000)
    #expect(aggregation.intake.refusal != nil)
  }
}
