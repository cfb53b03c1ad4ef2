import SimulationModels
import Synchronization
import Testing

@testable import Ingest

/// A report's way through writer, log and encoder, and what it is answered.
@Suite struct WriterTests {
  private func makeHarness(
    disk: ModelDisk = ModelDisk(), settings: IngestSettings = Harness.settings()
  ) throws -> Harness {
    try Harness(
      disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk), settings: settings)
  }

  /// The same directory after a process's end.
  private func restart(
    _ old: Harness, settings: IngestSettings = Harness.settings(), powerCut: UInt64? = nil
  ) throws -> Harness {
    var random = SeededRandom(seed: powerCut ?? 0)
    old.disk.restart(keepingUnsynced: powerCut == nil, random: &random)
    return try Harness(
      disk: old.disk, time: old.time, delivery: old.delivery, settings: settings)
  }

  private func rows(_ count: Int) -> ReportOutcome { .accepted(rows: count, duplicate: false) }
  private let retry = ReportOutcome.accepted(rows: 0, duplicate: true)

  @Test func anAcceptedReportIsDurableThenStored() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
    #expect(harness.disk.bytes(of: FileName.log(1).text) != nil)
    #expect(harness.delivery.rowCount == 0, "the interval is not over")
    #expect(harness.counters.rowsUnsealed.current == 3)
    harness.time.advance(.seconds(301))
    harness.run()
    #expect(harness.delivery.rowCount == 3)
    #expect(harness.disk.bytes(of: FileName.log(1).text) == nil)
    let object = try #require(harness.delivery.stored.values.first)
    #expect(object.object.key.hasPrefix("usage/cluster_name=blue/dt=2026-11-24/"))
    #expect(object.bytes.prefix(4) == [0x50, 0x41, 0x52, 0x31])
    #expect(object.object.oldestRowSeconds == 1_700_001_000)
    #expect(harness.counters.oldestUnsentRowSeconds.current == 0)
    #expect(harness.counters.rowsUnsealed.current == 0)
    #expect(harness.delivery.faults == [])
  }

  @Test func aRetryIsAnsweredAndAddsNothing() throws {
    var harness = try makeHarness()
    harness.makeIndexReady()
    let report = TestReport(podCount: 3)
    #expect(harness.submitAndRun(report, token: 1) == rows(3))
    #expect(harness.submitAndRun(TestReport(podCount: 5), token: 2) == retry)
    harness.flush()
    #expect(harness.submitAndRun(report, token: 3) == retry, "known from memory")
    harness = try restart(harness)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(report, token: 4) == retry, "known from the seal")
    #expect(harness.submitAndRun(TestReport(node: "node-2", podCount: 1), token: 5) == rows(1))
    harness = try restart(harness)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(node: "node-2"), token: 6) == retry, "from the log")
    harness.flush()
    #expect(harness.delivery.rowCount == 4)
    #expect(harness.counters.reportsDuplicate.current == 1)
  }

  @Test func aRetryOfAReportOnItsWaySharesItsFate() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    harness.submit(TestReport(podCount: 2), token: 1)
    harness.submit(TestReport(podCount: 2), token: 2)
    #expect(harness.steps.writer.step() == .zero)
    #expect(harness.sink.outcome(1) == nil && harness.sink.outcome(2) == nil)
    harness.run()
    #expect(harness.sink.outcome(1) == rows(2) && harness.sink.outcome(2) == retry)
    harness.flush()
    #expect(harness.delivery.rowCount == 2)
  }

  @Test func aBadReportLeavesNothing() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(node: "", podCount: 2), token: 1) != nil)
    guard case .refused(let path, _) = harness.sink.outcome(1) else {
      Issue.record("not refused")
      return
    }
    #expect(path == "/node_name")
    harness.flush()
    #expect(harness.delivery.stored.isEmpty)
    #expect(harness.disk.bytes(of: FileName.log(1).text) == nil)
  }

  @Test func withoutPodsTheReportIsStillKnown() throws {
    var harness = try makeHarness()
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 0), token: 1) == rows(0))
    harness.flush()
    #expect(harness.delivery.stored.isEmpty && harness.delivery.faults == [])
    harness = try restart(harness)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 0), token: 2) == retry)
  }

  @Test func beforeTheIndexReportsWaitInTheLog() throws {
    var harness = try makeHarness()
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 2) == retry)
    harness.time.advance(.seconds(4_000))
    harness.run()
    #expect(harness.delivery.stored.isEmpty)
    #expect(harness.counters.reportsWaitingForIndex.current == 1)
    harness = try restart(harness)
    #expect(harness.submitAndRun(TestReport(node: "b", podCount: 4), token: 3) == rows(4))
    #expect(harness.counters.reportsWaitingForIndex.current == 2)
    harness.makeIndexReady()
    #expect(harness.delivery.rowCount == 7, "encoded as soon as the index is there")
    #expect(harness.submitAndRun(TestReport(node: "c", podCount: 5), token: 4) == rows(5))
    harness.flush()
    #expect(harness.delivery.rowCount == 12 && harness.delivery.faults == [])
    #expect(harness.counters.reportsWaitingForIndex.current == 0)
  }

  @Test func theBacklogStoresTheSameRowsAsTheLivePath() throws {
    func run(indexFirst: Bool) throws -> [String: [Int]] {
      let harness = try makeHarness(settings: Harness.settings(rows: 512))
      if indexFirst { harness.makeIndexReady() }
      for number in 0..<40 {
        let day = number % 3 == 0 ? "2026-11-23" : "2026-11-24"
        let report = TestReport(
          node: "node-\(number % 7)", timestamp: "\(day)T10:\(10 + number):00Z", podCount: 50)
        #expect(harness.submitAndRun(report, token: UInt64(number)) == rows(50))
      }
      harness.makeIndexReady()
      harness.flush()
      #expect(harness.delivery.faults == [])
      var rowsByDate: [String: [Int]] = [:]
      for stored in harness.delivery.stored.values {
        let date = stored.object.key.split(separator: "/")[2]
        rowsByDate[String(date), default: []].append(stored.object.rowCount)
      }
      return rowsByDate
    }
    let live = try run(indexFirst: true)
    #expect(live == ["dt=2026-11-23": [14 * 50], "dt=2026-11-24": [26 * 50]])
    #expect(try run(indexFirst: false) == live)
  }

  @Test func aFullBatchBecomesARowGroupOfTheSameObject() throws {
    let harness = try makeHarness(settings: Harness.settings(rows: 100))
    harness.makeIndexReady()
    for number in 0..<9 as Range<UInt64> {
      let report = TestReport(timestamp: "2026-11-24T10:0\(number):00Z", podCount: 40)
      #expect(harness.submitAndRun(report, token: number) == rows(40))
    }
    harness.flush()
    #expect(harness.delivery.stored.count == 1 && harness.delivery.rowCount == 360)
    #expect(harness.counters.rowGroups.current == 5)
  }

  /// A minute without rows gives back what row groups are made in, and again what a batch held that
  /// was sealed later; then there is nothing left to give.
  @Test func idleMemoryIsGivenBack() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    _ = harness.submitAndRun(TestReport(podCount: 3), token: 1)
    for (seconds, releases) in [(59, 0), (2, 1), (60, 1), (180, 2), (300, 2)] {
      harness.time.advance(.seconds(seconds))
      harness.run()
      #expect(harness.counters.memoryReleases.current == releases)
    }
    #expect(harness.delivery.rowCount == 3)
    #expect(harness.submitAndRun(TestReport(node: "node-2", podCount: 2), token: 2) == rows(2))
    harness.flush()
    #expect(harness.delivery.rowCount == 5)
  }

  @Test func aFailedSyncIsNeverRepeatedAndItsReportComesBack() throws {
    var harness = try makeHarness()
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 1), token: 1) == rows(1))
    harness.disk.plan([harness.disk.callCount + 2: .error(5)])  // write, then sync
    let lost = TestReport(node: "node-2", podCount: 4)
    guard case .unavailable = harness.submitAndRun(lost, token: 2) else {
      Issue.record("answered \(String(describing: harness.sink.outcome(2)))")
      return
    }
    #expect(harness.log.fatal == nil)
    #expect(harness.submitAndRun(lost, token: 3) == rows(4), "a retry is new")
    harness = try restart(harness)
    harness.makeIndexReady()
    harness.flush()
    #expect(harness.delivery.rowCount == 5 && harness.delivery.faults == [])
  }

  @Test func whatGot503StaysOutThoughItsBytesAreStillRead() throws {
    // Without the index nothing is sealed, so the failed file is what the next start finds.
    var harness = try makeHarness()
    #expect(harness.submitAndRun(TestReport(podCount: 1), token: 1) == rows(1))
    harness.disk.plan([harness.disk.callCount + 2: .error(5)])
    let lost = TestReport(node: "node-2", podCount: 4)
    guard case .unavailable = harness.submitAndRun(lost, token: 2) else {
      Issue.record("answered \(String(describing: harness.sink.outcome(2)))")
      return
    }
    #expect(harness.submitAndRun(lost, token: 3) == rows(4))
    for _ in 0..<2 { harness = try restart(harness) }
    #expect(harness.submitAndRun(lost, token: 4) == retry)
    harness.makeIndexReady()
    harness.flush()
    #expect(harness.delivery.rowCount == 5 && harness.delivery.faults == [])
  }

  /// The file that records the cut may hold no report, and goes at the next start: what it said has
  /// to outlive it.
  @Test func aCutOutlivesTheFileThatRecordsIt() throws {
    var harness = try makeHarness()
    #expect(harness.submitAndRun(TestReport(podCount: 1), token: 1) == rows(1))
    harness.disk.plan([harness.disk.callCount + 1: .shortWrite(byteCount: 1 << 20, 5)])
    let lost = TestReport(node: "node-2", podCount: 4)
    guard case .unavailable = harness.submitAndRun(lost, token: 2) else {
      Issue.record("answered \(String(describing: harness.sink.outcome(2)))")
      return
    }
    // The next file has its header, with the cut, when the process is killed.
    harness.disk.observe { $0.step.description == "sync log" ? .crashAfter : nil }
    harness.submit(lost, token: 3)
    harness.run()
    harness.disk.observe { _ in nil }
    harness = try restart(harness)
    #expect(harness.submitAndRun(lost, token: 4) == rows(4))
    harness = try restart(harness)
    harness.makeIndexReady()
    harness.flush()
    #expect(harness.delivery.rowCount == 5 && harness.delivery.faults == [])
  }

  @Test func twoLogFilesFailingInARowEndTheProcess() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 1), token: 1) == rows(1))
    let next = harness.disk.callCount + 1
    harness.disk.plan(Dictionary(uniqueKeysWithValues: (next...next + 40).map { ($0, .error(5)) }))
    _ = harness.submitAndRun(TestReport(node: "b"), token: 2)
    _ = harness.submitAndRun(TestReport(node: "c"), token: 3)
    #expect(harness.log.fatal != nil)
    #expect(harness.core.inbox.refusal != nil)
    guard case .unavailable = harness.submitAndRun(TestReport(node: "d"), token: 4) else {
      Issue.record("taken")
      return
    }
  }

  @Test func aFullDiskAnswers503UntilThereIsRoom() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    harness.disk.setCapacity(1 << 20)
    guard case .unavailable = harness.submitAndRun(TestReport(podCount: 1), token: 1) else {
      Issue.record("taken")
      return
    }
    #expect(harness.core.inbox.refusal != nil)
    harness.time.advance(.seconds(2))
    harness.run()
    #expect(harness.core.inbox.refusal != nil)
    harness.disk.setCapacity(.max)
    harness.time.advance(.seconds(2))
    harness.run()
    #expect(harness.core.inbox.refusal == nil && harness.log.fatal == nil)
    #expect(harness.submitAndRun(TestReport(podCount: 1), token: 2) == rows(1))
    harness.flush()
    #expect(harness.delivery.rowCount == 1)
  }

  @Test func aSlowLogIsGivenUpAfterFourSecondsButMayStillStore() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    harness.submit(TestReport(podCount: 2), token: 1)
    _ = harness.steps.writer.step()
    harness.time.advance(.seconds(5))
    _ = harness.steps.writer.step()
    guard case .unavailable = harness.sink.outcome(1) else {
      Issue.record("not given up")
      return
    }
    harness.run()
    #expect(harness.sink.answerCount(1) == 1)
    #expect(harness.submitAndRun(TestReport(podCount: 2), token: 2) == retry)
    harness.flush()
    #expect(harness.delivery.rowCount == 2)
  }

  @Test func aFullSpoolRefusesUntilItIsEmptied() throws {
    let harness = try makeHarness(settings: Harness.settings(spool: 20 << 20))
    harness.makeIndexReady()
    harness.delivery.setReachable(false)
    var token: UInt64 = 0
    while harness.core.inbox.refusal == nil, token < 100 {
      token += 1
      let report = TestReport(node: "node-\(token)", podCount: 400)
      #expect(harness.submitAndRun(report, token: token) == rows(400))
      // A log of its own for each, which the sealed object outlives.
      if token % 2 == 0 { harness.time.advance(.seconds(301)) }
      harness.core.spool.set("other", byteCount: Int(token) << 20)
    }
    #expect(token < 100)
    harness.core.spool.remove("other")
    harness.run()
    #expect(harness.core.inbox.refusal == nil)
  }

  /// Reports that came before the index may fill the spool alone; only storing them makes room.
  @Test func aSpoolFullOfLogStillDrains() throws {
    let harness = try makeHarness(
      settings: Harness.settings(spool: IngestLimits.minimumSpoolByteCount))
    var token: UInt64 = 0
    while harness.core.inbox.refusal == nil, token < 200 {
      token += 1
      let report = TestReport(node: "node-\(token)", podCount: 4_000)
      #expect(harness.submitAndRun(report, token: token) == rows(4_000))
    }
    #expect(harness.counters.spoolBytes.current >= IngestLimits.minimumSpoolByteCount)
    let others = harness.counters.spoolBytes.current - harness.counters.logBytes.current
    #expect(others < 1_000, "all of it is log")
    harness.makeIndexReady()
    #expect(harness.core.inbox.refusal == nil)
    harness.flush()
    #expect(harness.delivery.rowCount == Int(token) * 4_000 && harness.delivery.faults == [])
  }

  @Test func aSyncOfTenSecondsKeepsItsRowsAndAnswersTheRetry() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    let report = TestReport(podCount: 2)
    for token in 1...3 as ClosedRange<UInt64> {
      // The log thread is in fdatasync; the writer goes on.
      harness.submit(report, token: token)
      _ = harness.steps.writer.step()
      harness.time.advance(.milliseconds(4_001))
      _ = harness.steps.writer.step()
      guard case .unavailable = harness.sink.outcome(token) else {
        Issue.record("token \(token): \(String(describing: harness.sink.outcome(token)))")
        return
      }
    }
    harness.run()
    #expect((1...3).allSatisfy { harness.sink.answerCount($0) == 1 }, "no second answer")
    #expect(harness.submitAndRun(report, token: 4) == retry)
    harness.flush()
    #expect(harness.delivery.rowCount == 2 && harness.counters.rowsAccepted.current == 0)
  }

  /// What is reserved up front fails before anything is written, so nothing has to be undone.
  @Test func aFullDiskFailsAtTheReservation() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    harness.disk.setCapacity(IngestLimits.preallocationStep - 1)
    guard case .unavailable = harness.submitAndRun(TestReport(), token: 1) else {
      Issue.record("taken")
      return
    }
    let calls = (1...harness.disk.callCount).compactMap { harness.disk.call($0) }
    #expect(calls.last { $0 == .preallocate || $0 == .write || $0 == .sync } == .preallocate)
    #expect(harness.disk.bytes(of: FileName.log(1).text) == nil, "no empty file is left")
    // Room comes back: the first report after at most five seconds is taken.
    harness.disk.setCapacity(.max)
    harness.time.advance(.seconds(1))
    harness.run()
    #expect(harness.submitAndRun(TestReport(), token: 2) == rows(1))
  }

  @Test func aFailedObjectFileIsEncodedAgainFromTheLog() throws {
    for failing in 1...14 {
      let harness = try makeHarness()
      harness.makeIndexReady()
      #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
      harness.time.advance(.milliseconds(200))
      harness.run()
      harness.time.advance(.seconds(301))
      harness.disk.plan([harness.disk.callCount + failing: .error(5)])
      harness.run()
      harness.flush()
      #expect(harness.delivery.rowCount == 3, "call \(failing)")
      #expect(harness.delivery.faults == [], "call \(failing)")
      #expect(harness.disk.bytes(of: FileName.log(1).text) == nil, "call \(failing)")
    }
  }

  @Test func manyDatesEndASegmentAfterTenSeconds() throws {
    let harness = try makeHarness()
    harness.makeIndexReady()
    for day in 0..<50 as Range<UInt64> {
      let date = CivilDate(day: Int32(20_000 + day))
      let report = TestReport(timestamp: "\(date)T00:00:00Z", podCount: 1)
      #expect(harness.submitAndRun(report, token: day) == rows(1))
    }
    #expect(harness.delivery.stored.isEmpty, "not before ten seconds")
    harness.time.advance(.seconds(11))
    harness.run()
    #expect(harness.delivery.stored.count == 50)
  }

  @Test func whatIsSealedIsSentAgainAfterARestart() throws {
    var harness = try makeHarness()
    harness.makeIndexReady()
    harness.delivery.setReachable(false)
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
    harness.flush()
    #expect(harness.delivery.stored.isEmpty && harness.counters.segmentsUndelivered.current == 1)
    harness.delivery.setReachable(true)
    harness = try restart(harness, powerCut: 3)
    harness.run()
    #expect(harness.delivery.rowCount == 3 && harness.counters.segmentsUndelivered.current == 0)
    #expect(harness.disk.bytes(of: FileName.seal(1).text) != nil, "it carries the retry ids")
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(node: "b", podCount: 3), token: 2) == rows(3))
    harness.flush()
    #expect(harness.disk.bytes(of: FileName.seal(1).text) == nil, "the newer seal has them now")
  }

  @Test func unknownFilesAreLeftAlone() throws {
    let disk = ModelDisk()
    disk.setBytes([1, 2, 3], of: "lost+found")
    let harness = try makeHarness(disk: disk)
    #expect(harness.counters.unknownFiles.current == 1)
    #expect(disk.bytes(of: "lost+found") == [1, 2, 3])
  }

  @Test func aDamagedIdentityIsFoundAgain() throws {
    var harness = try makeHarness()
    let id = harness.core.writerID
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
    harness.disk.setBytes(Array("garbage".utf8), of: FileName.writer.text)
    harness = try restart(harness)
    #expect(harness.core.writerID == id)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 2) == retry)
    #expect(harness.delivery.rowCount == 3)
  }

  /// A start reads each log once for it: a second reading that fails must not stop the process.
  @Test func anIdentityIsFoundThoughALogCanBeReadOnce() throws {
    let harness = try makeHarness()
    let id = harness.core.writerID
    #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
    let disk = harness.disk
    disk.setBytes(Array("garbage".utf8), of: FileName.writer.text)
    let reads = Mutex(0)
    disk.observe { call in
      guard call.step.description == "read log" else { return nil }
      return reads.withLock { reads in
        reads += 1
        return reads > 1 ? .error(5) : nil
      }
    }
    let names = try disk.list().map { FileName($0) }
    let found = try WriterIdentity(disk: disk).load(names: names, random: { 1 }, damaged: {})
    #expect(found == id)
  }

  @Test func anIdentityDamagedBesideItsOnlyLogsHeaderIsKnown() throws {
    let whole = try makeHarness()
    let size = try #require(whole.disk.bytes(of: FileName.writer.text)).count
    for place in 0..<size {
      var harness = try makeHarness()
      let id = harness.core.writerID
      #expect(harness.submitAndRun(TestReport(podCount: 3), token: 1) == rows(3))
      for (name, offset) in [(FileName.writer.text, place), (FileName.log(1).text, 3)] {
        var bytes = try #require(harness.disk.bytes(of: name))
        bytes[offset] ^= 1 << UInt8(place % 8)
        harness.disk.setBytes(bytes, of: name)
      }
      harness = try restart(harness)
      #expect(harness.core.writerID == id, "byte \(place)")
      #expect(harness.disk.bytes(of: FileName.writer.text)?.count == size)
      harness.makeIndexReady()
      #expect(harness.submitAndRun(TestReport(podCount: 3), token: 2) == retry)
    }
  }

  @Test func anIdentityOfAnEarlierVersionIsKept() throws {
    var harness = try makeHarness()
    let id = harness.core.writerID
    let bytes = try #require(harness.disk.bytes(of: FileName.writer.text))
    harness.disk.setBytes(Array(bytes[..<(bytes.count / 2)]), of: FileName.writer.text)
    harness = try restart(harness)
    #expect(harness.core.writerID == id)
    #expect(harness.counters.quarantinedFiles.current == 0)
  }

  @Test func aSecondProcessIsRefused() throws {
    let harness = try makeHarness()
    #expect(throws: Aggregation.StartError.self) {
      try Harness(disk: harness.disk, time: harness.time, delivery: harness.delivery)
    }
  }
}
