import Glibc
import SimulationModels
import Synchronization
import Testing

@testable import Ingest

/// A medium that does not give some bytes of a file: nothing else is lost by it, no start is
/// stopped by it, and bytes that can be read later are not given up early.
@Suite struct UnreadableTests {
  private static let log = FileName.log(1).text
  private static let reports = (0..<12).map {
    TestReport(node: "node-\($0)", timestamp: "2026-11-24T10:00:\(10 + $0)Z", podCount: 20)
  }

  private func start(_ disk: ModelDisk, _ old: Harness? = nil) throws -> Harness {
    try Harness(
      disk: disk, time: old?.time ?? ManualTime(),
      delivery: old?.delivery ?? StoringDelivery(disk: disk))
  }

  private func restart(_ old: Harness) throws -> Harness {
    var random = SeededRandom(seed: 1)
    old.disk.restart(keepingUnsynced: true, random: &random)
    return try start(old.disk, old)
  }

  /// A process that has taken all reports while the index was not there.
  private func makeLog() throws -> Harness {
    let harness = try start(ModelDisk())
    for (number, report) in Self.reports.enumerated() {
      #expect(
        harness.submitAndRun(report, token: UInt64(number))
          == .accepted(rows: 20, duplicate: false))
    }
    return harness
  }

  /// Until replays that fail have been made again as often as they are.
  private func drain(_ harness: Harness) {
    harness.makeIndexReady()
    for _ in 0...IngestLimits.replayReadAttempts {
      harness.time.advance(IngestLimits.encodeRetryDelay)
      harness.run()
    }
    harness.flush()
  }

  private func unreadableEvents(_ harness: Harness) -> Int {
    harness.log.all.count { if case .logUnreadable = $0 { true } else { false } }
  }

  @Test(arguments: [9_000, 64, 20_000])
  func whatStaysUnreadableCostsItsOwnReportsAndIsKept(offset: Int) throws {
    var harness = try makeLog()
    let bytes = try #require(harness.disk.bytes(of: Self.log))
    harness.disk.setUnreadable(offset..<offset + 512, of: Self.log)
    harness = try restart(harness)
    #expect(unreadableEvents(harness) > 0)
    drain(harness)
    let missing = Self.reports.count * 20 - harness.delivery.rowCount
    #expect(missing > 0 && missing <= 5 * 20 && harness.delivery.faults == [])
    #expect(harness.counters.damagedFrames.current > 0)
    #expect(harness.disk.bytes(of: "\(Self.log).quarantine") == bytes)
    #expect(harness.disk.bytes(of: Self.log) == nil)
    harness = try restart(harness)
    drain(harness)
    #expect(Self.reports.count * 20 - harness.delivery.rowCount == missing)
  }

  /// The end of a log that cannot be read is not the end of a write that was cut short.
  @Test func anUnreadableEndIsNotCutOff() throws {
    var harness = try makeLog()
    let bytes = try #require(harness.disk.bytes(of: Self.log))
    let last = bytes.count - 1..<bytes.count
    harness.disk.setUnreadable(last, of: Self.log)
    harness = try restart(harness)
    #expect(harness.disk.bytes(of: Self.log) == bytes)
    harness.disk.setUnreadable(nil, of: Self.log)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
  }

  /// What the start could not read and the replay can is stored, but not if it was taken again in
  /// between, since the start did not know its id.
  @Test func whatCanBeReadLaterIsStoredOnce() throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    var isTakenAgain = false
    for (number, report) in Self.reports.enumerated() {
      let outcome = harness.submitAndRun(report, token: UInt64(100 + number))
      if outcome == .accepted(rows: 20, duplicate: false) { isTakenAgain = true }
      if isTakenAgain { break }
    }
    #expect(isTakenAgain)
    harness.makeIndexReady()
    harness.disk.setUnreadable(nil, of: Self.log)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
    #expect(!harness.disk.names.contains { $0.hasSuffix(".log.quarantine") })
  }

  /// The next process can read what the one could not that took it again, be it sealed by then or
  /// in its log only.
  @Test(arguments: [true, false])
  func whatTheNextProcessReadsIsStoredOnce(isSealed: Bool) throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    if isSealed { harness.makeIndexReady() }
    let outcomes = Self.reports.enumerated().map { number, report in
      harness.submitAndRun(report, token: UInt64(100 + number))
    }
    #expect(outcomes.contains(.accepted(rows: 20, duplicate: false)))
    if isSealed {
      harness.flush()
      #expect(harness.delivery.rowCount > 0)
    }
    #expect(harness.disk.names.contains(Self.log))

    harness.disk.setUnreadable(nil, of: Self.log)
    harness = try restart(harness)
    // And the one after that: what a seal carries is carried on.
    harness = try restart(harness)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
  }

  /// Logs of a process that could not read the first one either, met by a start that cannot.
  @Test func whatALogHoldsThatAnotherHidesIsStoredOnce() throws {
    var harness = try makeLog()
    for _ in 0..<2 {
      harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
      harness = try restart(harness)
      for (number, report) in Self.reports.enumerated() {
        harness.submit(report, token: UInt64(100 + number))
      }
      harness.run()
    }
    #expect(harness.disk.names.contains(FileName.log(2).text))
    harness.makeIndexReady()
    harness.disk.setUnreadable(nil, of: Self.log)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
  }

  /// The newest seal does not know what its process could not read, of which a start has to learn.
  @Test func whatTheNewestSealDoesNotKnowIsStoredOnceAndRemembered() throws {
    let other = TestReport(node: "node-12", timestamp: "2026-11-24T10:01:00Z", podCount: 20)
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(other, token: 99) == .accepted(rows: 20, duplicate: false))
    harness.flush()
    #expect(harness.disk.names.contains(FileName.seal(2).text))
    // One report of those that are hidden comes again, into a log that is not sealed.
    var takenAgain: Int?
    for (number, report) in Self.reports.enumerated() where takenAgain == nil {
      let outcome = harness.submitAndRun(report, token: UInt64(100 + number))
      if outcome == .accepted(rows: 20, duplicate: false) { takenAgain = number }
    }
    #expect(takenAgain != nil)

    harness.disk.setUnreadable(nil, of: Self.log)
    harness = try restart(harness)
    for (number, report) in Self.reports.enumerated() {
      let outcome = harness.submitAndRun(report, token: UInt64(200 + number))
      #expect(outcome == .accepted(rows: 0, duplicate: true), "report \(number)")
    }
    drain(harness)
    #expect(harness.delivery.rowCount == (Self.reports.count + 1) * 20)
    #expect(harness.delivery.faults == [])
  }

  /// The same when yet another process has sealed a segment before the log can be read.
  @Test func whatAnEarlierProcessTookAgainIsCarriedOn() throws {
    var harness = try makeLog()
    for round in 0..<2 {
      harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
      harness = try restart(harness)
      harness.makeIndexReady()
      for (number, report) in Self.reports.enumerated() where round == 0 {
        harness.submit(report, token: UInt64(100 + number))
      }
      let other = TestReport(
        node: "node-20", timestamp: "2026-11-24T10:01:0\(round)Z", podCount: 20)
      #expect(harness.submitAndRun(other, token: 200) == .accepted(rows: 20, duplicate: false))
      harness.flush()
    }
    harness.disk.setUnreadable(nil, of: Self.log)
    harness = try restart(harness)
    drain(harness)
    #expect(harness.delivery.rowCount == (Self.reports.count + 2) * 20)
    #expect(harness.delivery.faults == [])
  }

  /// A seal holds the ids of logs behind its own, too: that the id of a report is known does not
  /// say that its rows are stored.
  @Test func whatASealKnowsIsStoredWhenItCanBeReadLater() throws {
    let last = TestReport(node: "node-12", timestamp: "2026-11-24T10:01:00Z", podCount: 20)
    var harness = try restart(makeLog())
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness.makeIndexReady()
    #expect(harness.submitAndRun(last, token: 100) == .accepted(rows: 20, duplicate: false))
    harness.flush()
    #expect(harness.delivery.rowCount == 20)
    #expect(harness.disk.names.contains(FileName.seal(2).text))
    #expect(harness.disk.names.contains(Self.log))

    harness = try restart(harness)
    #expect(unreadableEvents(harness) > 0)
    harness.disk.setUnreadable(nil, of: Self.log)
    drain(harness)
    #expect(harness.delivery.rowCount == (Self.reports.count + 1) * 20)
    #expect(harness.delivery.faults == [])
  }

  /// A report found in the log while it is on its way to the disk again counts if that fails.
  @Test(arguments: [true, false])
  func whatIsOnItsWayAgainIsStoredOnce(isSynced: Bool) throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    harness.disk.setUnreadable(nil, of: Self.log)
    // The log is read ahead before they come, and gone through in the step that takes them.
    harness.core.inbox.send(Harness.indexReady)
    _ = harness.steps.runOnce()
    for (number, report) in Self.reports.enumerated() {
      harness.submit(report, token: UInt64(100 + number))
    }
    let isFailing = Mutex(!isSynced)
    harness.disk.observe { call in
      guard call.step.description == "sync log" else { return nil }
      return isFailing.withLock { isFailing in
        defer { isFailing = false }
        return isFailing ? .error(EIO) : nil
      }
    }
    drain(harness)
    let outcomes = Self.reports.indices.map { harness.sink.outcome(UInt64(100 + $0)) }
    #expect(outcomes.contains(.accepted(rows: 20, duplicate: false)) == isSynced)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
  }

  /// Its objects are neither sent by guess nor made again: they wait for a start that can read it.
  @Test func anUnreadableSealHoldsItsSegment() throws {
    let disk = try SampleDirectory().make()
    let (seal, object) = (FileName.seal(3).text, SampleDirectory.waiting.fileName)
    disk.setUnreadable(0..<1, of: seal)
    let names = try disk.list()
    var harness = try start(disk)
    #expect(harness.log.all.contains { if case .sealUnreadable(3, _) = $0 { true } else { false } })
    #expect(names.contains(object) && disk.names.contains(object) && disk.names.contains(seal))
    disk.setUnreadable(nil, of: seal)
    harness = try restart(harness)
    #expect(harness.core.writerID == SampleDirectory().writer)
    #expect(!harness.log.all.contains { if case .sealUnreadable = $0 { true } else { false } })
  }

  /// A new identity beside files of the old one would make all of them another's.
  @Test func anUnreadableIdentityIsFoundOrStopsTheStart() throws {
    let disk = try SampleDirectory().make()
    disk.setUnreadable(0..<1, of: FileName.writer.text)
    #expect(try start(disk).core.writerID == SampleDirectory().writer)

    let alone = ModelDisk()
    alone.setBytes(
      Array(WriterIdentity.text(SampleDirectory().writer).utf8), of: FileName.writer.text)
    alone.setUnreadable(0..<1, of: FileName.writer.text)
    #expect(throws: Aggregation.StartError.self) { try start(alone) }
    #expect(alone.names.contains(FileName.writer.text))
  }

  /// What a later version has sealed is not damage: nothing of it is touched.
  @Test func aSealOfAnotherVersionStopsTheStart() throws {
    let disk = try SampleDirectory().make()
    let name = FileName.seal(3).text
    var bytes = try #require(disk.bytes(of: name))
    bytes[8] = 2
    bytes[12] = ~2
    disk.setBytes(bytes, of: name)
    let names = disk.names
    do {
      _ = try start(disk)
      Issue.record("started")
    } catch let error as Aggregation.StartError {
      #expect("\(error)".contains("\(name) has seal format 2, this version reads 1"))
    }
    #expect(disk.bytes(of: name) == bytes && disk.names == names)
  }

  /// A bit of the version that rots is no other version: its complement tells, and the second list
  /// is as good.
  @Test(arguments: 0..<32)
  func aDamagedVersionStopsNoStart(bit: Int) throws {
    let disk = try SampleDirectory().make()
    let name = FileName.seal(3).text
    var bytes = try #require(disk.bytes(of: name))
    bytes[8 + bit / 8] ^= 1 << (bit % 8)
    disk.setBytes(bytes, of: name)
    _ = try start(disk)
  }
}
