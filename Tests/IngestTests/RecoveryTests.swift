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

  @Test func theEncoderIsIdleOnlyWhenItsLastJobIsDone() {
    let queue = EncoderQueue()
    #expect(queue.isIdle)
    queue.add(.removeSeal(segment: 1))
    #expect(!queue.isIdle)
    #expect(queue.take() != nil && !queue.isIdle)
    #expect(queue.take() == nil && queue.isIdle)
  }
}
