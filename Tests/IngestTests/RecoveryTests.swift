import KubeIndex
import SimulationModels
import Testing

@testable import Ingest

/// What a start must neither drop nor trip over in DATA_DIR.
@Suite struct RecoveryTests {
  private func start(_ disk: ModelDisk) throws -> Harness {
    try Harness(disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
  }

  private func restart(_ old: Harness) throws -> Harness {
    var random = SeededRandom(seed: 1)
    old.disk.restart(keepingUnsynced: true, random: &random)
    return try start(old.disk)
  }

  private func writeLog(_ payload: String, segment: UInt64, _ harness: Harness) throws {
    let log = try LogWriter(
      disk: harness.disk,
      header: LogHeader(
        writer: harness.core.writerID, segment: segment, cut: nil, createdSeconds: 1))
    var bytes = Array(payload.utf8)
    try bytes.withUnsafeMutableBytes { bytes in
      try log.append([
        LogWriter.Entry(
          payload: UnsafeRawBufferPointer(bytes), retryID: RetryID(low: 1, high: 1), nodeID: 1)
      ])
    }
    try log.sync()
  }

  @Test func numbersOfFilesSetAsideAreNotUsedAgain() throws {
    #expect(FileName("\(FileName.log(41).text).quarantine").segment == 41)
    #expect(FileName("18446744073709551615.log") == .unknown("18446744073709551615.log"))
    let disk = ModelDisk()
    disk.setBytes([1], of: "\(FileName.log(41).text).quarantine")
    disk.setBytes([1], of: "18446744073709551615.log")
    let harness = try start(disk)
    _ = harness.submitAndRun(TestReport(), token: 1)
    #expect(disk.bytes(of: FileName.log(42).text) != nil)
  }

  /// The process died between a seal's rename and the sync of the directory, and power goes during
  /// the next start: what of the directory's changes reaches the medium is up to the disk.
  @Test(arguments: 1...32 as ClosedRange<UInt64>)
  func aLogOutlivesASealWhoseNameIsNotDurable(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let disk = try SampleDirectory().make()
    let seal = FileName.seal(3).text
    let sealBytes = try #require(disk.bytes(of: seal))
    try disk.remove(seal)
    try SampleDirectory().writeLog(3, reports: 2, to: disk)
    try disk.syncDirectory()
    let temporary = try disk.create("\(seal).tmp")
    try sealBytes.withUnsafeBytes { try temporary.write($0, at: 0) }
    try temporary.sync()
    try disk.rename("\(seal).tmp", to: seal)
    disk.restart(keepingUnsynced: true, random: &random)
    disk.observe { call in
      call.call == .syncDirectory && !disk.names.contains(FileName.log(3).text) ? .crash : nil
    }
    #expect(throws: (any Error).self) { try start(disk) }
    disk.observe { _ in nil }
    disk.restart(random: &random)
    let names = try disk.list()
    #expect(names.contains(seal) || names.contains(FileName.log(3).text), "seed \(seed)")
  }

  @Test func aReportThatNoLongerDecodesIsSetAside() throws {
    var harness = try start(ModelDisk())
    try writeLog("no report", segment: 7, harness)
    harness = try restart(harness)
    harness.makeIndexReady()
    harness.flush()
    #expect(harness.counters.replayRefused.current == 1)
    #expect(harness.disk.bytes(of: FileName.log(7).text) == nil)
    let kept = try #require(
      harness.disk.bytes(of: "\(FileName.number(7))-\(LogHeader.byteCount).quarantine"))
    #expect(kept.dropFirst(FrameHeader.byteCount) == Array("no report".utf8)[...])
  }

  @Test func aLogWithoutAnyGoodFrameIsSetAside() throws {
    var harness = try start(ModelDisk())
    try writeLog("something", segment: 7, harness)
    var bytes = try #require(harness.disk.bytes(of: FileName.log(7).text))
    bytes[LogHeader.byteCount + 1] ^= 1
    harness.disk.setBytes(bytes, of: FileName.log(7).text)
    harness = try restart(harness)
    #expect(
      harness.disk.bytes(of: "\(FileName.number(7))-\(LogHeader.byteCount).quarantine")
        == Array(bytes[LogHeader.byteCount...]))
  }

  /// Whatever call of the start ends it: the next one must not take the objects of a seal that
  /// nobody can read for the remains of an encoding.
  @Test func objectsOfADamagedSealOutliveAStartThatDoesNotEnd() throws {
    let object = SampleDirectory.waiting.fileName
    for call in 1...60 {
      let disk = try SampleDirectory().make()
      let seal = FileName.seal(3).text
      let bytes = try #require(disk.bytes(of: seal))
      disk.setBytes(bytes.map { ~$0 }, of: seal)
      var random = SeededRandom(seed: UInt64(call))
      disk.restart(keepingUnsynced: true, random: &random)
      disk.plan([call: .crashAfter])
      _ = try? start(disk)
      disk.restart(keepingUnsynced: call.isMultiple(of: 2), random: &random)
      _ = try start(disk)
      #expect(
        disk.names.contains("\(object).quarantine") && !disk.names.contains(seal), "call \(call)")
    }
  }

  private func quarantined(_ disk: ModelDisk) throws -> [String] {
    try disk.list().filter { $0.hasSuffix(".quarantine") }
  }

  private func alarms(_ harness: Harness) -> [String] {
    harness.log.all.compactMap { event in
      switch event {
      case .logDamaged(_, let offset, let byteCount): "damaged \(offset) \(byteCount)"
      case .tailSuspect(_, let offset, let byteCount): "suspect \(offset) \(byteCount)"
      case .logTorn(_, let offset, let byteCount): "torn \(offset) \(byteCount)"
      case .fileQuarantined(let name, _): "set aside \(name)"
      default: nil
      }
    }
  }

  @Test func aTornEndIsCutOffWithoutAnAlarm() throws {
    var harness = try start(ModelDisk())
    for token in 0..<3 as Range<UInt64> {
      _ = harness.submitAndRun(TestReport(node: "node-\(token)"), token: token)
    }
    let name = FileName.log(1).text
    let whole = try #require(harness.disk.bytes(of: name))
    let frame = whole.count - LogHeader.byteCount
    harness.disk.setBytes(Array(whole[..<(whole.count - 5)]), of: name)
    harness = try restart(harness)
    let end = LogHeader.byteCount + frame / 3 * 2
    #expect(alarms(harness) == ["torn \(end) \(whole.count - 5 - end)"])
    #expect(try quarantined(harness.disk) == [])
    #expect(harness.counters.tornBytes.current == whole.count - 5 - end)
    #expect(harness.disk.bytes(of: name) == Array(whole[..<end]), "cut off")
    harness = try restart(harness)
    #expect(alarms(harness) == [], "nothing is left to cut off")
  }

  @Test func damageIsToldAndKeptOnceThoughTheSegmentIsReplayedTwice() throws {
    var harness = try start(ModelDisk())
    for token in 0..<3 as Range<UInt64> {
      _ = harness.submitAndRun(TestReport(node: "node-\(token)"), token: token)
    }
    let name = FileName.log(1).text
    var bytes = try #require(harness.disk.bytes(of: name))
    let frame = (bytes.count - LogHeader.byteCount) / 3
    // One frame's header, which the start sees, and one's payload, which only the replay reads.
    bytes[LogHeader.byteCount + 20] ^= 1
    bytes[LogHeader.byteCount + frame + FrameHeader.byteCount + 9] ^= 1
    harness.disk.setBytes(bytes, of: name)
    harness = try restart(harness)
    #expect(alarms(harness) == ["damaged \(LogHeader.byteCount) \(frame)"])
    // The first encoding fails, the second one does not.
    harness.disk.plan([harness.disk.callCount + 12: .error(5)])
    harness.makeIndexReady()
    harness.time.advance(.seconds(10))
    harness.flush()
    #expect(harness.counters.segmentsAbandoned.current == 1)
    #expect(
      alarms(harness) == [
        "damaged \(LogHeader.byteCount) \(frame)",
        "damaged \(LogHeader.byteCount + frame) \(frame)",
      ])
    #expect(harness.counters.damagedFrames.current == 2)
    #expect(try quarantined(harness.disk).count == 2)
    #expect(harness.delivery.rowCount == 1, "the rest is kept")
  }

  @Test func atMostSixteenDamagedStretchesAreCopied() throws {
    var harness = try start(ModelDisk())
    for token in 0..<25 as Range<UInt64> {
      _ = harness.submitAndRun(TestReport(node: "node-\(token)"), token: token)
    }
    let name = FileName.log(1).text
    var bytes = try #require(harness.disk.bytes(of: name))
    let ids = (0..<25).map { TestReport(node: "node-\($0)").text.utf8.count }
    var offset = LogHeader.byteCount
    for (number, count) in ids.enumerated() {
      // Not two in a row, which would be one stretch.
      if number % 2 == 0 { bytes[offset] ^= 1 }
      offset += FrameHeader.byteCount + count
    }
    #expect(offset == bytes.count)
    harness.disk.setBytes(bytes, of: name)
    harness = try restart(harness)
    #expect(harness.counters.damagedFrames.current == 12)
    #expect(harness.counters.tailSuspects.current == 1)
    #expect(try quarantined(harness.disk).count == 13)
    bytes[offset - 1] ^= 1
    for segment in 2...8 as ClosedRange<UInt64> {
      try writeLog("x", segment: segment, harness)
      var log = try #require(harness.disk.bytes(of: FileName.log(segment).text))
      log.append(contentsOf: [UInt8](repeating: 7, count: 100))
      harness.disk.setBytes(log, of: FileName.log(segment).text)
    }
    harness = try restart(harness)
    #expect(try quarantined(harness.disk).count == IngestLimits.maximumQuarantineFiles)
  }

  @Test func aLogOfAnotherVersionStopsTheStart() throws {
    let harness = try start(ModelDisk())
    try writeLog("something", segment: 7, harness)
    let name = FileName.log(7).text
    var bytes = try #require(harness.disk.bytes(of: name))
    bytes[8] = 2
    let seed = harness.core.writerID.seed(segment: 7)
    let hash = bytes[..<56].withUnsafeBytes { FrameHeader.hash($0, seed: seed) }
    withUnsafeBytes(of: hash.littleEndian) { bytes.replaceSubrange(56..<64, with: $0) }
    harness.disk.setBytes(bytes, of: name)
    #expect(throws: Aggregation.StartError.self) { try restart(harness) }
    #expect(harness.disk.bytes(of: name) == bytes)
  }

  @Test func aReadOnlyDirectoryStopsTheStartWithItsReason() throws {
    let disk = ModelDisk()
    disk.plan([1: .error(30)])  // EROFS
    let error = #expect(throws: Aggregation.StartError.self) { try start(disk) }
    #expect(error?.description == "lock lock: Read-only file system (errno 30)")
  }

  /// The port is open while DATA_DIR is gone through: nobody's report may wait there unanswered.
  @Test func reportsAreRefusedUntilDataDirIsRecovered() throws {
    let disk = ModelDisk()
    let aggregation = try Aggregation(
      settings: Harness.settings(), disk: disk, delivery: StoringDelivery(disk: disk),
      counters: IngestCounters(), kubeCounters: KubeCounters(), time: ManualTime(),
      events: { _ in })
    #expect(disk.bytes(of: FileName.writer.text) == nil, "only locked so far")
    #expect(aggregation.intake.refusal == "the service is starting")
    try aggregation.recover()
    #expect(aggregation.intake.refusal == "the service is starting", "no thread would answer")
    aggregation.start()
    #expect(aggregation.intake.refusal == nil)
    aggregation.stop(deadline: .zero)
    #expect(aggregation.intake.refusal == "the service is stopping")
  }

  @Test func stoppingBeforeRecoveryLeavesTheDirectoryAlone() throws {
    let disk = ModelDisk()
    let aggregation = try Aggregation(
      settings: Harness.settings(), disk: disk, delivery: StoringDelivery(disk: disk),
      counters: IngestCounters(), kubeCounters: KubeCounters(), time: ManualTime(),
      events: { _ in })
    #expect(aggregation.stop(deadline: .zero))
    #expect(try disk.list() == [])
  }

  @Test func theEncoderIsIdleOnlyWhenItsLastJobIsDone() {
    let queue = EncoderQueue()
    #expect(queue.isIdle)
    queue.add(.removeSeal(segment: 1))
    #expect(!queue.isIdle)
    #expect(queue.take() != nil && !queue.isIdle)
    #expect(queue.take() == nil && queue.isIdle)
  }
}
