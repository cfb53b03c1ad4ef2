import SimulationModels
import Testing

@testable import Ingest

/// The list of one log's frames shows each frame, what its report says, and where none is.
@Suite struct FrameListerTests {
  let directory = SampleDirectory()

  private func list(_ disk: ModelDisk, segment: UInt64) throws -> [FrameLister.Entry] {
    let lister = try FrameLister(disk: disk, writer: directory.writer, segment: segment)
    var entries: [FrameLister.Entry] = []
    while let entry = try lister.next() { entries.append(entry) }
    return entries
  }

  @Test func everyFrameIsShownWithItsReport() throws {
    let entries = try list(directory.make(), segment: 5)
    #expect(entries.count == 4)
    var offset = LogHeader.byteCount
    for (position, entry) in entries.enumerated() {
      guard case .frame(let frame) = entry else {
        Issue.record("no frame at \(position)")
        return
      }
      #expect(frame.offset == offset && frame.isPayloadGood)
      #expect(frame.header.sequence == UInt64(position + 1))
      #expect(frame.header.isWitness == (position == 3))
      #expect(frame.nodeName == (position == 3 ? nil : "node-\(position)"))
      #expect(frame.timestamp == (position == 3 ? nil : "2026-11-24T10:00:00Z"))
      offset += frame.header.frameByteCount
    }
  }

  @Test func damageIsAGapOrABadPayload() throws {
    let disk = try directory.make()
    let name = FileName.log(5).text
    var bytes = try #require(disk.bytes(of: name))
    let first = try #require(try list(disk, segment: 5).first)
    guard case .frame(let frame) = first else {
      Issue.record("no first frame")
      return
    }
    let second = frame.offset + frame.header.frameByteCount
    bytes[frame.offset + FrameHeader.byteCount] ^= 1
    bytes[second + 9] ^= 1
    bytes.removeLast()
    disk.setBytes(bytes, of: name)
    let entries = try list(disk, segment: 5)
    #expect(entries.count == 4)
    guard case .frame(let bad) = entries[0], case .gap(let gap) = entries[1],
      case .frame(let good) = entries[2], case .gap(let tail) = entries[3]
    else {
      Issue.record("\(entries)")
      return
    }
    #expect(!bad.isPayloadGood && bad.nodeName == nil)
    #expect(gap == second..<good.offset && good.nodeName == "node-2")
    #expect(tail.upperBound == bytes.count)
  }

  @Test func aLogThatIsNotThereIsAnError() throws {
    let disk = try directory.make()
    #expect(throws: DiskError.self) { try list(disk, segment: 9) }
  }
}
