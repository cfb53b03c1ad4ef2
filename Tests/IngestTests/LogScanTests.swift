import SimulationModels
import Testing

@testable import Ingest

/// What a start reads of a torn or damaged log: all whole frames, and never anything else.
@Suite struct LogScanTests {
  let writer = WriterID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)
  static let segment: UInt64 = 5

  /// A log with `groups` of frames, one sync each; the last group has no witness unless asked for.
  private func makeLog(groups: [[Int]], witness: Bool) throws -> (bytes: [UInt8], ends: [Int]) {
    let disk = ModelDisk()
    let log = try LogWriter(
      disk: disk,
      header: LogHeader(writer: writer, segment: Self.segment, cut: nil, createdSeconds: 9))
    var ends: [Int] = []
    var number: UInt64 = 0
    for group in groups {
      for count in group {
        number += 1
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + Int(number)) }
        try payload.withUnsafeBytes { bytes in
          let entry = LogWriter.Entry(
            payload: bytes, retryID: RetryID(low: number, high: 1), nodeID: number)
          try log.append([entry])
        }
        ends.append(log.end)
      }
      try log.sync()
    }
    if witness { try log.appendWitness() }
    return (try #require(disk.bytes(of: FileName.log(Self.segment).text)), ends)
  }

  private func scan(_ bytes: [UInt8]) throws -> (scan: LogScan, ids: [UInt64]) {
    let disk = ModelDisk()
    disk.setBytes(bytes, of: FileName.log(Self.segment).text)
    var ids: [UInt64] = []
    let file = try disk.open(FileName.log(Self.segment).text)
    let scan = try LogScan.scan(
      file: file, writer: writer, segment: Self.segment, cut: nil
    ) { header, _ in ids.append(header.retryID.low) }
    return (scan, ids)
  }

  /// Ids of the reports that a replay gives, and how many stretches it skipped.
  private func replay(_ bytes: [UInt8], limit: Int) throws -> (ids: [UInt64], damaged: Int) {
    let disk = ModelDisk()
    disk.setBytes(bytes, of: FileName.log(Self.segment).text)
    let reader = try LogReader(
      disk: disk, writer: writer, segment: Self.segment, limit: limit)
    var ids: [UInt64] = []
    var damaged = 0
    while true {
      switch try reader.next() {
      case .report(let header, let payload):
        let number = Int(header.retryID.low)
        let expected = (0..<payload.count).map { UInt8(truncatingIfNeeded: $0 * 31 + number) }
        #expect(Array(payload) == expected)
        ids.append(header.retryID.low)
      case .damaged: damaged += 1
      case .end: return (ids, damaged)
      }
    }
  }

  @Test func wholeLog() throws {
    let (bytes, ends) = try makeLog(groups: [[10, 20], [2_000], [1]], witness: true)
    let (scan, ids) = try scan(bytes)
    #expect(ids == [1, 2, 3, 4])
    #expect(scan.header?.createdSeconds == 9)
    #expect(scan.end == bytes.count && scan.witnessedUpTo == ends.last)
    #expect(scan.damaged.isEmpty && scan.suspect.isEmpty && scan.tornByteCount == 0)
    #expect(try replay(bytes, limit: scan.end).ids == ids)
  }

  @Test func tornAtEveryOffsetOfTheLastThreeFrames() throws {
    let (bytes, ends) = try makeLog(groups: [[100, 50], [300], [700, 20], [90]], witness: false)
    for byteCount in ends[2]...bytes.count {
      let torn = Array(bytes[..<byteCount])
      let whole = ends.filter { $0 <= byteCount }
      let (scan, ids) = try scan(torn)
      #expect(ids == Array(1...UInt64(whole.count)), "cut at \(byteCount)")
      #expect(scan.end == whole.last && scan.damaged.isEmpty, "cut at \(byteCount)")
      #expect(scan.tornByteCount == byteCount - scan.end)
      #expect(scan.suspect.isEmpty, "cut at \(byteCount)")
      #expect(scan.torn == (byteCount > scan.end ? scan.end..<byteCount : nil))
    }
  }

  @Test func aFileLongerThanWhatWasWrittenIsTorn() throws {
    let (bytes, ends) = try makeLog(groups: [[100], [300]], witness: false)
    let (scan, ids) = try scan(bytes + [UInt8](repeating: 0, count: 3 << 20))
    #expect(ids == [1, 2] && scan.suspect.isEmpty && scan.damaged.isEmpty)
    #expect(scan.torn == ends[1]..<ends[1] + 3 << 20)
  }

  @Test func aBadHeaderOfTheLastFrameIsSuspectNotTorn() throws {
    let (bytes, ends) = try makeLog(groups: [[100], [300]], witness: false)
    var damaged = bytes
    damaged[ends[0] + 60] ^= 1
    let (scan, ids) = try scan(damaged)
    #expect(ids == [1] && scan.damaged.isEmpty)
    #expect(scan.suspect == [ends[0]..<ends[1]] && scan.torn == nil)
  }

  @Test func acknowledgedBytesBeforeABadWitnessAreDamaged() throws {
    let (bytes, ends) = try makeLog(groups: [[40], [50], [60]], witness: false)
    var damaged = bytes
    damaged[ends[0] + 20] ^= 1
    damaged[ends[2] - 1] ^= 1
    let (scan, ids) = try scan(damaged)
    #expect(ids == [1])
    // The last frame's header says that the second frame was fsynced.
    #expect(scan.damaged == [ends[0]..<ends[1]] && scan.suspect == [ends[1]..<ends[2]])
  }

  @Test func everythingBeforeACutWasAcknowledged() throws {
    let (bytes, ends) = try makeLog(groups: [[40], [50], [60]], witness: false)
    for byteCount in [ends[1], ends[1] + 70, ends[2] - 1] {
      let disk = ModelDisk()
      disk.setBytes(Array(bytes[..<byteCount]), of: FileName.log(Self.segment).text)
      let scan = try LogScan.scan(
        file: try disk.open(FileName.log(Self.segment).text), writer: writer,
        segment: Self.segment, cut: ends[2]
      ) { _, _ in }
      #expect(scan.damaged == [ends[1]..<ends[2]] && scan.torn == nil && scan.suspect.isEmpty)
    }
  }

  /// A log whose length is known is replayed to it: what is not found at its end is told of.
  @Test func aReplayTellsOfALastFrameThatIsGone() throws {
    let (bytes, ends) = try makeLog(groups: [[100], [300]], witness: false)
    for offset in ends[0]..<ends[1] {
      var damaged = bytes
      damaged[offset] ^= 4
      let (ids, stretches) = try replay(damaged, limit: bytes.count)
      #expect(ids == [1] && stretches == 1, "byte \(offset)")
    }
  }

  @Test func tornIntoZerosAtEveryOffset() throws {
    let (bytes, ends) = try makeLog(groups: [[100], [300], [70]], witness: false)
    for byteCount in ends[0]...bytes.count {
      let torn = bytes[..<byteCount] + [UInt8](repeating: 0, count: 9_000)
      let whole = ends.count { $0 <= byteCount }
      let (_, ids) = try scan(Array(torn))
      // Bytes that were zero anyway may be missed by nobody.
      #expect(ids.count >= whole && ids == Array(1...UInt64(ids.count)))
      for id in ids where ends[Int(id) - 1] > byteCount {
        #expect(bytes[byteCount..<ends[Int(id) - 1]].allSatisfy { $0 == 0 })
      }
    }
  }

  @Test(arguments: [true, false])
  func everyFlippedBitCostsAtMostItsFrame(witness: Bool) throws {
    let (bytes, _) = try makeLog(groups: [[40, 90], [65], [30, 100]], witness: witness)
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      let (scan, scanned) = try scan(flipped)
      let (replayed, damaged) = try replay(flipped, limit: scan.end)
      #expect(replayed.count >= 4, "bit \(bit) loses more than one frame")
      let isNoticed =
        scan.header == nil || !scan.damaged.isEmpty || !scan.suspect.isEmpty || damaged > 0
      #expect(isNoticed, "bit \(bit) is not noticed")
      #expect(scan.torn == nil, "bit \(bit) passes for a torn write")
      #expect(Set(replayed).isSubset(of: Set(scanned)))
    }
  }

  @Test func damageBeforeAWitnessIsToldFromATornEnd() throws {
    let (bytes, ends) = try makeLog(groups: [[40], [50], [60]], witness: true)
    var damaged = bytes
    damaged[ends[0] + 20] ^= 0xFF
    let (scan, ids) = try scan(damaged)
    #expect(ids == [1, 3])
    #expect(scan.damaged == [ends[0]..<ends[1]])
  }

  @Test func theLastGroupIsSuspectWhenItsPayloadIsBad() throws {
    let (bytes, ends) = try makeLog(groups: [[40], [50, 60]], witness: false)
    var damaged = bytes
    damaged[ends[0] + FrameHeader.byteCount + 3] ^= 1
    let (scan, ids) = try scan(damaged)
    #expect(ids == [1, 3], "a whole frame behind the bad one is kept")
    #expect(scan.suspect == [ends[0]..<ends[1]] && scan.damaged.isEmpty && scan.torn == nil)
  }

  @Test func nothingBehindACutCounts() throws {
    let (bytes, ends) = try makeLog(groups: [[40], [50], [60]], witness: true)
    let disk = ModelDisk()
    disk.setBytes(bytes, of: FileName.log(Self.segment).text)
    var count = 0
    let scan = try LogScan.scan(
      file: try disk.open(FileName.log(Self.segment).text), writer: writer,
      segment: Self.segment, cut: ends[1]
    ) { _, _ in count += 1 }
    #expect(count == 2 && scan.end == ends[1])
  }

  @Test func framesLargerThanTheWindowAreWalked() throws {
    let large = IngestLimits.scanWindowByteCount + 5_000
    let (bytes, ends) = try makeLog(groups: [[large], [10], [large]], witness: true)
    #expect(try scan(bytes).ids == [1, 2, 3])
    // The next frame is found behind more than a window of damage.
    var damaged = bytes
    damaged[LogHeader.byteCount] ^= 1
    let (scan, ids) = try scan(damaged)
    #expect(ids == [2, 3] && scan.damaged == [LogHeader.byteCount..<ends[0]])
  }
}
