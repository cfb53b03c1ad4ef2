import Glibc
import Ingest
import SimulationModels
import Testing

/// The simulated disk is as unkind as a real one: what it would keep by mistake, no test of the
/// code above it could miss.
struct ModelDiskTests {
  private static let pageByteCount = 4_096

  private static func write(_ byte: UInt8, pages: Int, to file: any DiskFile) throws {
    let bytes = [UInt8](repeating: byte, count: pages * pageByteCount)
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
  }

  /// Which pages hold `byte`; a page that is not there holds nothing.
  private static func pages(of name: String, on disk: ModelDisk, holding byte: UInt8) -> [Int] {
    let bytes = disk.bytes(of: name) ?? []
    return (0..<bytes.count / pageByteCount).filter { page in
      bytes[page * pageByteCount..<(page + 1) * pageByteCount].allSatisfy { $0 == byte }
    }
  }

  /// As the kernel does: the pages of a failed fsync count as clean, and some of them are on the
  /// medium and some are not. A later fsync that succeeds must not bring the others there.
  @Test func aFailedSyncKeepsSomePagesAndNoLaterOneMendsIt() throws {
    var kept: [Int] = []
    for seed in 1...UInt64(64) {
      let disk = ModelDisk(seed: seed)
      let file = try disk.create("file")
      try disk.syncDirectory()
      try Self.write(1, pages: 8, to: file)
      disk.plan([disk.callCount + 1: .error(EIO)])
      #expect(throws: DiskError.self) { try file.sync() }
      #expect(Self.pages(of: "file", on: disk, holding: 1).count == 8, "reads show all of it")
      try file.sync()
      var random = SeededRandom(seed: seed)
      disk.cutPower()
      disk.restart(random: &random)
      kept.append(Self.pages(of: "file", on: disk, holding: 1).count)
    }
    #expect(kept.contains(0) && kept.contains(8), "\(kept)")
    #expect(kept.contains { 0 < $0 && $0 < 8 }, "\(kept)")
  }

  /// What memory gives up after a failed fsync is read from the medium, page by page.
  @Test func memoryIsGivenUpInPart() throws {
    var seen: [Int] = []
    for seed in 1...UInt64(64) {
      let disk = ModelDisk(seed: seed)
      let file = try disk.create("file")
      try Self.write(1, pages: 8, to: file)
      try file.sync()
      try disk.syncDirectory()
      try Self.write(2, pages: 8, to: file)
      disk.plan([disk.callCount + 1: .error(EIO)])
      #expect(throws: DiskError.self) { try file.sync() }
      var random = SeededRandom(seed: seed)
      disk.cutPower()
      disk.restart(keepingUnsynced: true, random: &random)
      let (old, new) = (
        Self.pages(of: "file", on: disk, holding: 1), Self.pages(of: "file", on: disk, holding: 2)
      )
      #expect(old.count + new.count == 8, "seed \(seed)")
      seen.append(new.count)
    }
    #expect(seen.contains(8) && seen.contains { $0 < 8 }, "\(seen)")
  }
}
