import Glibc
import SimulationModels
import Testing

@testable import Ingest

/// An inspection finds what is damaged, calls nothing damaged that a crash or a running service
/// leaves, and changes nothing.
@Suite struct InspectorTests {
  static let objectBytes = [UInt8]("an object".utf8)
  let directory = SampleDirectory()

  private func inspect(
    _ disk: any Disk, checksAll: Bool = true, isServiceRunning: Bool = false
  ) throws -> Inspection {
    try Inspector(
      disk: disk,
      options: Inspector.Options(checksAll: checksAll, isServiceRunning: isServiceRunning)
    ).run()
  }

  @Test func aWholeDirectoryIsListedAndSound() throws {
    let disk = try directory.make()
    disk.setBytes([1, 2, 3], of: "00000000000000000002-64.quarantine")
    disk.setBytes([1], of: "notes.txt")
    let inspection = try inspect(disk)
    #expect(inspection.isSound)
    #expect(inspection.writer == directory.writer)
    #expect(inspection.segments.map(\.number) == [3, 4, 5])
    #expect(inspection.segments.map(\.state) == [.sealed, .log, .log])
    #expect(inspection.quarantine.map(\.name) == ["00000000000000000002-64.quarantine"])
    #expect(inspection.unknown.map(\.name) == ["notes.txt"])
    let sealed = try #require(inspection.segments.first)
    #expect(sealed.objects.map(\.state) == [.waiting, .stored])
    #expect(sealed.objects.map(\.isGood) == [true, nil])
    #expect(sealed.seal?.rowCount == 14 && sealed.seal?.retryIDCount == 2)
    let log = try #require(inspection.segments.last?.log)
    #expect(log.reportCount == 3 && log.frameCount == 4 && log.tornByteCount == 0)
  }

  @Test func nothingButReadsReachTheDisk() throws {
    let disk = try directory.make()
    let before = disk.callCount
    _ = try inspect(disk)
    let lister = try FrameLister(disk: disk, writer: directory.writer, segment: 5)
    while try lister.next() != nil {}
    let reading: Set<DiskError.Call> = [.open, .list, .stat, .read]
    for number in (before + 1)...disk.callCount {
      let call = try #require(disk.call(number))
      #expect(reading.contains(call), "call \(number) is \(call)")
    }
  }

  @Test func aReadOnlyDiskRefusesEveryChange() {
    let disk = ReadOnlyDisk(ModelDisk())
    let changes: [() throws -> Void] = [
      { _ = try disk.create("a") }, { _ = try disk.openForUpdate("a") }, { try disk.lock("a") },
      { try disk.rename("a", to: "b") }, { try disk.remove("a") }, { try disk.syncDirectory() },
    ]
    for change in changes {
      #expect { try change() } throws: { ($0 as? DiskError)?.errno == EROFS }
    }
  }

  @Test func aFlippedBitInAnyByteOfALogIsFound() throws {
    let name = FileName.log(4).text
    let whole = try #require(try directory.make().bytes(of: name))
    for place in whole.indices {
      let disk = try directory.make()
      var bytes = whole
      bytes[place] ^= 1 << UInt8(place % 8)
      disk.setBytes(bytes, of: name)
      let damage = try inspect(disk).damage
      #expect(!damage.isEmpty && damage.allSatisfy { $0.file == name }, "byte \(place)")
    }
  }

  @Test func aFlippedBitInAnyByteOfASealOrAnObjectIsFound() throws {
    let whole = try directory.make()
    for name in [FileName.seal(3).text, SampleDirectory.waiting.fileName, FileName.writer.text] {
      let bytes = try #require(whole.bytes(of: name))
      var missed: [Int] = []
      for place in bytes.indices {
        let disk = try directory.make()
        var flipped = bytes
        flipped[place] ^= 1 << UInt8(place % 8)
        disk.setBytes(flipped, of: name)
        if try inspect(disk).isSound { missed.append(place) }
      }
      #expect(missed.isEmpty, "\(name): \(missed)")
    }
  }

  @Test func oneDamagedCopyOfASealsListIsDamageThoughTheOtherIsUsed() throws {
    let name = FileName.seal(3).text
    let bytes = try #require(try directory.make().bytes(of: name))
    for (place, lowerBound) in [(50, 0), (bytes.count - 20, nil)] {
      let disk = try directory.make()
      var flipped = bytes
      flipped[place] ^= 1
      disk.setBytes(flipped, of: name)
      let inspection = try inspect(disk)
      #expect(inspection.damage.map(\.kind) == [.sealCopy])
      let range = try #require(inspection.damage.first?.range)
      #expect(range.contains(place) && (lowerBound == nil || range.lowerBound == lowerBound))
      let seal = try #require(inspection.segments.first?.seal)
      #expect(seal.goodCopyCount == 1 && seal.objectCount == 2 && seal.retryIDCount == 2)
    }
  }

  @Test func aDirectoryOfOtherFilesIsNoDataDirectory() throws {
    let disk = ModelDisk()
    #expect(try !inspect(disk).isDataDirectory)
    disk.setBytes([1], of: "notes.txt")
    disk.setBytes([1], of: "00000000000000000002-64.quarantine")
    #expect(try !inspect(disk).isDataDirectory)
    for name in [FileName.writer, .lock, .log(1), .seal(1)] {
      let disk = ModelDisk()
      disk.setBytes([1], of: name.text)
      #expect(try inspect(disk).isDataDirectory)
    }
  }

  @Test func damagedRetryIDsAndDamagedListsAreToldApart() throws {
    let disk = try directory.make()
    let name = FileName.seal(3).text
    var bytes = try #require(disk.bytes(of: name))
    // The first byte of the ids: behind the head, the list, its hash and the count.
    let list = Int(bytes[40]) | Int(bytes[41]) << 8
    bytes[48 + list + 8 + 16] ^= 1
    disk.setBytes(bytes, of: name)
    var inspection = try inspect(disk)
    #expect(inspection.damage.map(\.kind) == [.sealRetryIDs])
    #expect(inspection.segments.first?.objects.count == 2)
    bytes[50] ^= 1
    bytes[bytes.count - 20] ^= 1
    disk.setBytes(bytes, of: name)
    inspection = try inspect(disk)
    #expect(inspection.damage.map(\.kind) == [.seal])
    #expect(inspection.segments.first?.state == .damaged)
  }

  @Test func onlyACheckReadsWhatHeadersDoNotCover() throws {
    let disk = try directory.make()
    var log = try #require(disk.bytes(of: FileName.log(4).text))
    log[LogHeader.byteCount + FrameHeader.byteCount + 5] ^= 1
    disk.setBytes(log, of: FileName.log(4).text)
    disk.setBytes([UInt8]("an_object".utf8), of: SampleDirectory.waiting.fileName)
    #expect(try inspect(disk, checksAll: false).isSound)
    let damage = try inspect(disk).damage
    #expect(damage.map(\.kind) == [.objectHash, .logPayload])
    #expect(damage.last?.range?.lowerBound == LogHeader.byteCount)
  }

  @Test func aDamagedDirectoryIdentityIsFoundInALog() throws {
    let disk = try directory.make()
    disk.setBytes([UInt8]("nonsense".utf8), of: FileName.writer.text)
    let inspection = try inspect(disk)
    #expect(inspection.writer == directory.writer)
    #expect(inspection.damage.map(\.kind) == [.writerFile])
  }

  // MARK: What is no damage

  @Test(arguments: [true, false])
  func aTornEndOfTheNewestLogIsNoDamage(isServiceRunning: Bool) throws {
    let name = FileName.log(5).text
    let whole = try #require(try directory.make().bytes(of: name))
    for byteCount in 0..<whole.count {
      let disk = try directory.make()
      disk.setBytes(Array(whole[..<byteCount]), of: name)
      let inspection = try inspect(disk, isServiceRunning: isServiceRunning)
      #expect(inspection.isSound, "cut at \(byteCount): \(inspection.damage)")
      #expect(inspection.segments.last?.state == (isServiceRunning ? .open : .log))
    }
  }

  @Test func aTornEndOfAnOlderLogIsDamage() throws {
    let name = FileName.log(4).text
    let disk = try directory.make()
    let whole = try #require(disk.bytes(of: name))
    disk.setBytes(Array(whole.dropLast(3)), of: name)
    let damage = try inspect(disk, isServiceRunning: true).damage
    #expect(damage.map(\.kind) == [.logSuspect])
  }

  @Test func aHalfWrittenGroupBesideAServiceIsNoDamage() throws {
    // Whole in length, with a payload that is not there yet.
    let name = FileName.log(5).text
    let disk = try directory.make()
    var bytes = try #require(disk.bytes(of: name))
    bytes.removeLast(FrameHeader.byteCount)
    bytes[bytes.count - 1] ^= 1
    disk.setBytes(bytes, of: name)
    #expect(try inspect(disk, isServiceRunning: true).isSound)
    #expect(try inspect(disk).damage.map(\.kind) == [.logSuspect])
  }

  @Test func aFileThatGoesAfterItWasListedIsLeftOut() throws {
    let names = try directory.make().list()
    for gone in names {
      let disk = try directory.make()
      let inspection = try inspect(
        RacingDisk(disk) { name in if name == gone { try? disk.remove(gone) } },
        isServiceRunning: true)
      let isIdentity = gone == FileName.writer.text
      #expect(inspection.damage.allSatisfy { isIdentity && $0.kind == .writerFile }, "\(gone)")
    }
  }

  @Test func whatLooksDamagedBesideAServiceIsLookedAtAgain() throws {
    let disk = try directory.make()
    let name = SampleDirectory.waiting.fileName
    disk.setBytes([1, 2], of: name)
    var looks = 0
    let racing = RacingDisk(disk) { opened in
      guard opened == name else { return }
      looks += 1
      if looks == 2 { disk.setBytes(Self.objectBytes, of: name) }
    }
    #expect(try inspect(racing, isServiceRunning: true).isSound)
    #expect(looks == 2)
  }

  @Test func unreadableFilesAreNamedAndDoNotEndTheTour() throws {
    let disk = try directory.make()
    let racing = RacingDisk(disk) { (name) throws(DiskError) in
      guard name == FileName.seal(3).text else { return }
      throw DiskError(call: .open, name: name, errno: EACCES)
    }
    let inspection = try inspect(racing)
    #expect(inspection.damage.map(\.kind) == [.unreadable])
    #expect(inspection.segments.map(\.number) == [3, 4, 5])
  }
}
