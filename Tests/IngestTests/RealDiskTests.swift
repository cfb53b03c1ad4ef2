import Glibc
import KubeIndex
import Testing

@testable import Ingest

/// The calls on a real directory do what the model does.
@Suite struct RealDiskTests {
  /// A new directory under the system's temporary one, removed at the end.
  private func withDisk(_ body: (RealDisk, String) throws -> Void) throws {
    var template = Array("/tmp/ingest-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      Issue.record("mkdtemp: errno \(errno)")
      return
    }
    let path = String(
      decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let disk = try RealDisk(path: path)
    defer {
      for name in (try? disk.list()) ?? [] { unlink("\(path)/\(name)") }
      rmdir(path)
    }
    try body(disk, path)
  }

  @Test func writesReadsRenamesAndRemoves() throws {
    try withDisk { disk, path in
      let file = try disk.create("a")
      var status = stat()
      #expect(stat("\(path)/a", &status) == 0 && status.st_mode & 0o777 == 0o600)
      try Array("hello".utf8).withUnsafeBytes { try file.write($0, at: 3) }
      try file.sync()
      #expect(try file.byteCount() == 8)
      try disk.rename("a", to: "b")
      try disk.syncDirectory()
      #expect(try disk.contents(of: "b", maximumByteCount: 100) == [0, 0, 0] + Array("hello".utf8))
      #expect(try disk.contents(of: "b", maximumByteCount: 7) == nil)
      try disk.remove("b")
      try disk.remove("b")
      #expect(try disk.list() == [])
      #expect(try disk.availableByteCount() > 0)
    }
  }

  @Test func manyPiecesArriveInOrder() throws {
    try withDisk { disk, _ in
      let file = try disk.create("pieces")
      let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      try bytes.withUnsafeBytes { buffer in
        // More pieces than one call takes, empty ones among them.
        var pieces: [UnsafeRawBufferPointer] = []
        var offset = 0
        while offset < buffer.count {
          let end = min(offset + pieces.count % 60, buffer.count)
          pieces.append(UnsafeRawBufferPointer(rebasing: buffer[offset..<end]))
          offset = end
        }
        #expect(pieces.count > 2_048)
        try file.write(pieces: pieces, at: 11)
      }
      let read = try #require(try disk.contents(of: "pieces", maximumByteCount: 1 << 20))
      #expect(Array(read[11...]) == bytes)
    }
  }

  @Test func preallocationIsCountedAndGivenBack() throws {
    try withDisk { disk, _ in
      let file = try disk.create("log")
      try file.preallocate(offset: 0, count: 8 << 20)
      #expect(try file.byteCount() == 0, "the size stays")
      let reserved = try disk.allocatedByteCount(of: "log")
      try file.truncate(to: 0)
      #expect(try disk.allocatedByteCount(of: "log") <= reserved)
    }
  }

  @Test func linksAreNotFollowedAndNamesAreTakenOnce() throws {
    try withDisk { disk, path in
      #expect(symlink("/etc/passwd", "\(path)/link") == 0)
      #expect(throws: DiskError(call: .open, name: "link", errno: ELOOP)) { try disk.open("link") }
      _ = try disk.create("a")
      #expect(throws: DiskError(call: .create, name: "a", errno: EEXIST)) { try disk.create("a") }
      #expect(throws: DiskError(call: .open, name: "none", errno: ENOENT)) { try disk.open("none") }
    }
  }

  @Test func aSecondLockIsRefusedAndTheHolderNamed() throws {
    try withDisk { disk, path in
      try disk.lock("lock")
      let other = try RealDisk(path: path)
      #expect(throws: DiskError(call: .lock, name: "lock", errno: EWOULDBLOCK)) {
        try other.lock("lock")
      }
      #expect(
        try other.contents(of: "lock", maximumByteCount: 32) == Array("\(getpid())\n".utf8))
      let error = #expect(throws: Aggregation.StartError.self) {
        try Aggregation(
          settings: Harness.settings(), disk: other, delivery: StoringDelivery(disk: other),
          counters: IngestCounters(), kubeCounters: KubeCounters(), events: { _ in })
      }
      #expect(error?.description.contains("pid \(getpid()) ") == true)
    }
  }

  /// A name in a directory is durable once that directory is synced.
  @Test func everyNewLevelIsSyncedIntoTheOneAbove() throws {
    try withDisk { _, path in
      defer { for level in ["a/b/c", "a/b", "a"] { rmdir("\(path)/\(level)") } }
      var synced: [String] = []
      func record(_ path: String) { synced.append(path) }
      try DirectoryMaking.make("\(path)/a/b/c/") { record($0) }
      #expect(synced == [path, "\(path)/a", "\(path)/a/b"])
      var status = stat()
      #expect(stat("\(path)/a/b/c", &status) == 0 && status.st_mode & 0o777 == 0o700)
      synced = []
      try DirectoryMaking.make("\(path)/a/b/c") { record($0) }
      #expect(synced == ["\(path)/a/b"], "its maker may have died before it could")
      #expect(throws: DiskError(call: .syncDirectory, name: "x", errno: EIO)) {
        try DirectoryMaking.make("\(path)/a/d") { _ throws(DiskError) in
          throw DiskError(call: .syncDirectory, name: "x", errno: EIO)
        }
      }
      rmdir("\(path)/a/d")
    }
  }

  @Test(arguments: [
    ("/a", "/"), ("/", "/"), ("/a/b/", "/a"), ("a//b", "a"), ("a", "."), (".", "/"), ("//a", "/"),
  ])
  func theLevelAbove(path: String, parent: String) {
    #expect(DirectoryMaking.parent(of: path) == parent)
  }
}
