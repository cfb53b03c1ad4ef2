import Glibc
import SimulationModels
import Synchronization
import Testing

@testable import Ingest

/// A medium that does not give some bytes of a file: nothing else is lost by it, a start waits for
/// what comes back, and what it gives up is given up for good.
@Suite struct UnreadableTests {
  private static let log = FileName.log(1).text
  private static let holes = FileName.holes(1).text
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

  private func isTold(_ harness: Harness, _ matches: (IngestEvent) -> Bool) -> Bool {
    harness.log.all.contains(where: matches)
  }

  private func isGivenUp(_ harness: Harness) -> Bool {
    isTold(harness) { if case .logGivenUp = $0 { true } else { false } }
  }

  /// Sends all reports again; how many were new to the process.
  private func takeAgain(_ harness: Harness, token: UInt64 = 100) -> Int {
    Self.reports.enumerated().count { number, report in
      harness.submitAndRun(report, token: token + UInt64(number))
        == .accepted(rows: 20, duplicate: false)
    }
  }

  private static let patience = IngestLimits.startReadPatience

  @Test(arguments: [9_000, 0, 64, 20_000])
  func whatStaysUnreadableCostsItsOwnReportsAndIsKept(offset: Int) throws {
    var harness = try makeLog()
    let bytes = try #require(harness.disk.bytes(of: Self.log))
    harness.disk.setUnreadable(offset..<offset + 512, of: Self.log)
    harness = try restart(harness)
    drain(harness)
    let missing = Self.reports.count * 20 - harness.delivery.rowCount
    #expect(missing > 0 && missing <= 5 * 20 && harness.delivery.faults == [])
    #expect(
      harness.counters.damagedFrames.current + harness.counters.tailSuspects.current > 0)
    #expect(harness.disk.bytes(of: "\(Self.log).quarantine") == bytes)
    #expect(harness.disk.bytes(of: Self.log) == nil)
    #expect(!harness.disk.names.contains(Self.holes))
    harness = try restart(harness)
    drain(harness)
    #expect(Self.reports.count * 20 - harness.delivery.rowCount == missing)
  }

  /// The end of a log that cannot be read is not the end of a write that was cut short: its bytes
  /// stay for a human.
  @Test func anUnreadableEndIsNotCutOff() throws {
    var harness = try makeLog()
    let bytes = try #require(harness.disk.bytes(of: Self.log))
    harness.disk.setUnreadable(bytes.count - 1..<bytes.count, of: Self.log)
    harness = try restart(harness)
    #expect(isGivenUp(harness))
    #expect(harness.disk.bytes(of: Self.log) == bytes)
    drain(harness)
    #expect(harness.disk.bytes(of: "\(Self.log).quarantine") == bytes)
  }

  /// Nothing is lost by it, and all ids are known.
  @Test(arguments: [1, 12])
  func aStartWaitsForWhatComesBack(sleeps: Int) throws {
    let harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    let (disk, time) = (harness.disk, harness.time)
    let left = Mutex(sleeps)
    time.setSleep { duration in
      #expect(duration <= IngestLimits.startReadDelay)
      time.advance(duration)
      left.withLock { left in
        left -= 1
        if left == 0 { disk.setUnreadable(nil, of: Self.log) }
      }
    }
    let next = try restart(harness)
    #expect(
      isTold(next) { if case .fileUnreadable(Self.log, 60) = $0 { true } else { false } })
    #expect(left.withLock { $0 } == 0 && !isGivenUp(next) && !disk.names.contains(Self.holes))
    #expect(takeAgain(next) == 0)
    drain(next)
    #expect(next.delivery.rowCount == Self.reports.count * 20 && next.delivery.faults == [])
    #expect(next.counters.damagedFrames.current == 0)
  }

  /// What a start has given up counts no more, should a later one be able to read it: its reports
  /// may have been taken again.
  @Test(arguments: [true, false], [0, 1, 2])
  func whatWasGivenUpIsStoredOnce(isSealed: Bool, blindStarts: Int) throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    let begin = harness.time.uptime
    harness = try restart(harness)
    #expect(isGivenUp(harness) && harness.time.uptime - begin >= Self.patience)
    for _ in 0..<blindStarts {
      harness = try restart(harness)
      // It is known by now, and told again.
      #expect(isGivenUp(harness) && harness.time.uptime - begin < Self.patience * 2)
      #expect(!isTold(harness) { if case .fileUnreadable = $0 { true } else { false } })
    }
    if isSealed { harness.makeIndexReady() }
    let takenAgain = takeAgain(harness)
    #expect(takenAgain > 0)
    #expect(harness.disk.names.contains(Self.log) == !isSealed)

    harness.disk.setUnreadable(nil, of: Self.log)
    for _ in 0..<2 { harness = try restart(harness) }
    #expect(takeAgain(harness, token: 200) == 0)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
    #expect(!harness.disk.names.contains(Self.holes))
  }

  /// Power goes at any call of the start that gives up, and the next one can read everything.
  @Test(arguments: 0..<60)
  func aStartThatEndsWhileItGivesUpLosesNothing(call: Int) throws {
    let harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    var random = SeededRandom(seed: UInt64(call))
    harness.disk.restart(keepingUnsynced: true, random: &random)
    // The waits are the same reading again and again.
    let first = Mutex<Int?>(nil)
    harness.time.setSleep { [time = harness.time] in time.advance($0) }
    let begin = harness.time.uptime
    harness.disk.observe { [time = harness.time] made in
      guard time.uptime - begin >= Self.patience else { return nil }
      return first.withLock { first in
        first = first ?? made.number
        return made.number - (first ?? 0) == call ? .crash : nil
      }
    }
    let started = try? start(harness.disk, harness)
    harness.disk.observe { _ in nil }
    #expect(started == nil || call > 10)
    harness.disk.setUnreadable(nil, of: Self.log)
    harness.disk.restart(keepingUnsynced: call % 2 == 0, random: &random)
    let next = try start(harness.disk, harness)
    _ = takeAgain(next)
    drain(next)
    #expect(next.delivery.rowCount == Self.reports.count * 20 && next.delivery.faults == [])
  }

  /// All of one file is gone: that is the disk, not some of its bytes.
  @Test func aStartEndsWhereTooMuchCannotBeRead() throws {
    let harness = try makeLog()
    let bytes = try #require(harness.disk.bytes(of: Self.log))
    let size = IngestLimits.salvagePieceByteCount * (IngestLimits.maximumUnreadablePieces + 2)
    let long = bytes + [UInt8](repeating: 0xA5, count: size)
    harness.disk.setBytes(long, of: Self.log)
    harness.disk.setUnreadable(0..<long.count, of: Self.log)
    let begin = harness.time.uptime
    #expect(throws: Aggregation.StartError.self) { try restart(harness) }
    #expect(harness.time.uptime - begin >= Self.patience)
    #expect(harness.disk.bytes(of: Self.log) == long)
  }

  /// A file that says what was given up and is damaged says nothing; it is kept for a human.
  @Test func damagedHolesAreSetAside() throws {
    let harness = try makeLog()
    harness.disk.setBytes([UInt8](repeating: 7, count: 72), of: Self.holes)
    let next = try restart(harness)
    #expect(harness.disk.names.contains("\(Self.holes).quarantine"))
    drain(next)
    #expect(next.delivery.rowCount == Self.reports.count * 20 && next.delivery.faults == [])
  }

  @Test func holesWithoutTheirLogGo() throws {
    let harness = try makeLog()
    let writer = harness.core.writerID
    try LogHoles(writer: writer, segment: 7, pieces: [1]).write(to: harness.disk)
    _ = try restart(harness)
    #expect(!harness.disk.names.contains(FileName.holes(7).text))
  }

  @Test(arguments: [1, 2, IngestLimits.maximumUnreadablePieces])
  func holesReadBackThoughACopyIsDamaged(count: Int) throws {
    let writer = WriterID(high: 3, low: 4)
    let holes = LogHoles(writer: writer, segment: 9, pieces: Set((0..<count).map { 3 * $0 }))
    let bytes = holes.encoded()
    #expect(bytes.count <= IngestLimits.maximumHolesByteCount)
    #expect(LogHoles(bytes, writer: writer, segment: 9) == holes)
    #expect(LogHoles(bytes, writer: writer, segment: 8) == nil)
    #expect(LogHoles(bytes, writer: WriterID(high: 3, low: 5), segment: 9) == nil)
    let used = 8 * (7 + count)
    for bit in stride(from: 0, to: 8 * used, by: count > 2 ? 97 : 1) {
      var changed = bytes
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(LogHoles(changed, writer: writer, segment: 9) == holes, "bit \(bit)")
      // The same bit of the other copy.
      changed[bytes.count / 2 + bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(LogHoles(changed, writer: writer, segment: 9) == nil, "bit \(bit) twice")
    }
    for length in stride(from: 0, to: used, by: 7) {
      #expect(LogHoles(Array(bytes[..<length]), writer: writer, segment: 9) == nil)
    }
  }

  /// A sector of the file that says what was given up: the other copy of it does.
  @Test(arguments: [0, 4_096])
  func holesAreKnownThoughASectorOfThemCannotBeRead(offset: Int) throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    #expect(takeAgain(harness) > 0)
    harness.disk.setUnreadable(nil, of: Self.log)
    harness.disk.setUnreadable(offset..<offset + 512, of: Self.holes)
    harness = try restart(harness)
    #expect(takeAgain(harness, token: 200) == 0)
    drain(harness)
    #expect(harness.delivery.rowCount == Self.reports.count * 20 && harness.delivery.faults == [])
  }

  /// A medium that gets worse from start to start: each piece counts once.
  @Test func holesGrow() throws {
    var harness = try makeLog()
    let size = IngestLimits.salvagePieceByteCount
    var pieces: PieceNumbers = []
    for end in 1...3 {
      harness.disk.setUnreadable(8_192..<8_192 + end * size, of: Self.log)
      harness = try restart(harness)
      let bytes = try #require(harness.disk.bytes(of: Self.holes))
      let holes = try #require(LogHoles(bytes, writer: harness.core.writerID, segment: 1))
      #expect(pieces.isSubset(of: holes.pieces) && holes.pieces.count <= end)
      pieces = holes.pieces
    }
    #expect(pieces.count > 1)
  }

  /// When one log has taken the time, another has some left.
  @Test func eachFileIsWaitedFor() throws {
    let harness = try restart(makeLog())
    let other = TestReport(node: "node-12", timestamp: "2026-11-24T10:01:00Z", podCount: 20)
    #expect(harness.submitAndRun(other, token: 99) == .accepted(rows: 20, duplicate: false))
    let second = FileName.log(2).text
    #expect(harness.disk.names.contains(second))
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness.disk.setUnreadable(64..<65, of: second)
    let (disk, time) = (harness.disk, harness.time)
    let begin = time.uptime
    time.setSleep { duration in
      time.advance(duration)
      if time.uptime - begin > Self.patience { disk.setUnreadable(nil, of: second) }
    }
    let next = try restart(harness)
    let givenUp = next.log.all.compactMap { event in
      if case .logGivenUp(let segment, _, _) = event { segment } else { nil }
    }
    #expect(!givenUp.isEmpty && Set(givenUp) == [1])
    #expect(next.submitAndRun(other, token: 100) == .accepted(rows: 0, duplicate: true))
  }

  /// A piece that fails for the first time when the others are given up is waited for, too.
  @Test func aPieceThatFailsOnceIsNotGivenUp() throws {
    let harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    let (disk, time) = (harness.disk, harness.time)
    let begin = time.uptime
    time.setSleep { duration in
      time.advance(duration)
      let isLate = time.uptime - begin >= Self.patience
      let isBack = time.uptime - begin >= Self.patience + IngestLimits.startReadDelay
      // The model has one range: the second piece is the one behind.
      disk.setUnreadable(9_000..<(isLate && !isBack ? 13_000 : 9_512), of: Self.log)
    }
    let next = try restart(harness)
    let bytes = try #require(disk.bytes(of: Self.holes))
    let holes = try #require(LogHoles(bytes, writer: next.core.writerID, segment: 1))
    #expect(holes.pieces == [9_000 / IngestLimits.salvagePieceByteCount])
  }

  /// A medium that fails somewhere else each time does not hold a start up for ever.
  @Test func aStartEndsItsWaiting() throws {
    let harness = try makeLog()
    let (disk, time) = (harness.disk, harness.time)
    let length = try #require(disk.bytes(of: Self.log)).count
    let begin = time.uptime
    let count = Mutex(0)
    disk.setUnreadable(64..<65, of: Self.log)
    time.setSleep { duration in
      time.advance(duration)
      let place = count.withLock { count in
        count += 1
        return count * IngestLimits.salvagePieceByteCount % length
      }
      disk.setUnreadable(place..<place + 1, of: Self.log)
    }
    _ = try restart(harness)
    let most =
      Self.patience + IngestLimits.leastReadPatience * (IngestLimits.maximumPatienceExtensions + 1)
    #expect(time.uptime - begin <= most)
  }

  /// A log with holes is kept in whole: copies of what cannot be read would only take its place.
  @Test func noCopyIsMadeOfHoles() throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    #expect(!harness.disk.names.contains { $0.hasSuffix(".quarantine") })
    drain(harness)
    #expect(
      harness.disk.names.filter { $0.hasSuffix(".quarantine") } == ["\(Self.log).quarantine"])
  }

  /// Also when the process ends between the seal and the removal of its log.
  @Test func aSealedLogWithHolesIsSetAsideByTheNextStart() throws {
    var harness = try makeLog()
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness = try restart(harness)
    let disk = harness.disk
    disk.observe { $0.step.description == "rename log" ? .crash : nil }
    harness.makeIndexReady()
    harness.run()
    disk.observe { _ in nil }
    harness = try restart(harness)
    #expect(disk.names.contains("\(Self.log).quarantine"))
    #expect(!disk.names.contains(Self.log) && !disk.names.contains(Self.holes))
  }

  /// The start has read the headers, and so knows the reports; their bytes are read later.
  @Test(arguments: [true, false])
  func aReplayWaitsForWhatComesBack(isBack: Bool) throws {
    let harness = try restart(makeLog())
    harness.disk.setUnreadable(9_000..<9_512, of: Self.log)
    harness.makeIndexReady()
    for _ in 2..<IngestLimits.replayReadAttempts {
      harness.time.advance(IngestLimits.encodeRetryDelay)
      harness.run()
    }
    #expect(harness.delivery.rowCount == 0 && harness.disk.names.contains(Self.log))
    if isBack { harness.disk.setUnreadable(nil, of: Self.log) }
    drain(harness)
    let missing = Self.reports.count * 20 - harness.delivery.rowCount
    #expect(isBack ? missing == 0 : missing > 0 && missing <= 5 * 20)
    #expect(harness.delivery.faults == [] && takeAgain(harness) == 0)
    #expect(harness.disk.names.contains("\(Self.log).quarantine") == !isBack)
  }

  /// The ids of the newest seal that come back while the start waits are known: nothing is taken
  /// again. Only they are waited for.
  @Test(arguments: [true, false])
  func aStartWaitsForTheIDsOfTheNewestSeal(isNewest: Bool) throws {
    var harness = try start(ModelDisk())
    harness.makeIndexReady()
    let reports = (0..<900).map { TestReport(node: "node-\($0)", podCount: 1) }
    for (number, report) in reports.enumerated() {
      harness.submit(report, token: UInt64(number))
      harness.run()
    }
    harness.delivery.setReachable(false)
    harness.flush()
    if !isNewest {
      harness = try restart(harness)
      harness.makeIndexReady()
      harness.submit(TestReport(node: "other"), token: 1_000)
      harness.flush()
    }
    let seal = FileName.seal(1).text
    let bytes = try #require(harness.disk.bytes(of: seal))
    #expect(bytes.count > 4 * IngestLimits.salvagePieceByteCount)
    harness.disk.setUnreadable(bytes.count / 2..<bytes.count / 2 + 1, of: seal)
    let (disk, time) = (harness.disk, harness.time)
    time.setSleep { duration in
      time.advance(duration)
      disk.setUnreadable(nil, of: seal)
    }
    let next = try restart(harness)
    #expect(
      isNewest == isTold(next) { if case .fileUnreadable(seal, _) = $0 { true } else { false } })
    for (number, report) in reports.enumerated() {
      let outcome = next.submitAndRun(report, token: UInt64(2_000 + number))
      #expect(outcome == .accepted(rows: 0, duplicate: true))
    }
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
