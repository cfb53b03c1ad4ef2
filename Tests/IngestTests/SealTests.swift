import SimulationModels
import Testing

@testable import Ingest

/// A seal comes back as written, and single damage never costs its list of objects.
@Suite struct SealTests {
  let writer = WriterID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)

  private func makeSeal(objects: Int = 2) -> Seal {
    var ids = RetryIDs()
    for number in 0..<7 as Range<UInt64> {
      ids.insert(RetryID(low: number, high: 1), node: number % 3)
    }
    return Seal(
      writer: writer, segment: 12,
      objects: (0..<objects).map { index in
        let id = ObjectID(segment: 12, partition: UInt32(index))
        return SealedObject(
          id: id, key: "usage/cluster_name=b%2Fü/dt=2026-11-24/x.parquet",
          fileName: FileName.object(id).text, byteCount: 1_000 + index, rowCount: 30,
          sha256: String(repeating: "ab", count: 32), attempt: "0123",
          oldestRowSeconds: 1_764_000_000)
      },
      cuts: [LogHeader.Cut(segment: 9, goodUpTo: 4_096)],
      retryIDs: snapshot(ids))
  }

  private func snapshot(_ ids: RetryIDs) -> RetrySnapshot {
    var builder = RetrySnapshotBuilder()
    while !builder.step(ids) {}
    return builder.snapshot
  }

  private func read(_ bytes: [UInt8], segment: UInt64 = 12) -> Seal? {
    bytes.withUnsafeBytes { Seal($0, writer: writer, segment: segment) }
  }

  @Test(arguments: [0, 1, 2, 500])
  func roundTrip(objects: Int) {
    let seal = makeSeal(objects: objects)
    #expect(read(seal.encoded()) == seal)
  }

  @Test func anotherSegmentsSealIsRefused() {
    #expect(read(makeSeal().encoded(), segment: 13) == nil)
    let other = WriterID(high: 1, low: 2)
    let bytes = makeSeal().encoded()
    #expect(bytes.withUnsafeBytes { Seal($0, writer: other, segment: 12) } == nil)
  }

  @Test func everyFlippedBitLeavesTheObjects() {
    let seal = makeSeal()
    let bytes = seal.encoded()
    for bit in 0..<bytes.count * 8 {
      var flipped = bytes
      flipped[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let read = read(flipped) else {
        Issue.record("bit \(bit): the seal is gone")
        continue
      }
      #expect(read.objects == seal.objects && read.cuts == seal.cuts, "bit \(bit)")
      #expect(read.retryIDs == nil || read.retryIDs == seal.retryIDs, "bit \(bit)")
    }
  }

  @Test func everyBeginningIsRefusedOrRight() {
    let seal = makeSeal()
    let bytes = seal.encoded()
    for count in 0..<bytes.count {
      guard let read = read(Array(bytes[..<count])) else { continue }
      #expect(read.objects == seal.objects)
    }
  }

  /// A power cut right behind the write: whatever of the unsynced is lost, the seal is not.
  @Test(arguments: 1...32 as ClosedRange<UInt64>)
  func writtenDurably(seed: UInt64) throws {
    let disk = ModelDisk()
    let seal = makeSeal()
    try seal.write(to: disk)
    var random = SeededRandom(seed: seed)
    disk.restart(random: &random)
    #expect(try disk.list() == [FileName.seal(12).text])
    let reading = try Seal.read(12, writer: writer, from: disk)
    guard case .whole(seal, isMissingIDs: false) = reading else {
      Issue.record("the seal does not read back")
      return
    }
  }
}
