import Foundation
import Ingest
import Synchronization
import Testing

@testable import Service

/// `file://`: whole objects at once, never over another, and nothing outside the directory.
struct DirectoryStoreTests {
  private struct Place {
    let root: String
    let disk: RealDisk
    let dataPath: String
    let store: DirectoryStore
  }

  private func withPlace(_ body: (Place) throws -> Void) throws {
    let base = NSTemporaryDirectory() + "/directory-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: base) }
    let dataPath = base + "/data"
    try body(
      Place(
        root: base + "/a/table", disk: try RealDisk(path: dataPath), dataPath: dataPath,
        store: DirectoryStore(root: base + "/a/table")))
  }

  /// `links`: as when DATA_DIR lies on the same file system.
  private func source(
    _ text: String, _ place: Place, name: String = UUID().uuidString, links: Bool
  ) throws -> PartSource {
    let file = try place.disk.create(name)
    try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
    return PartSource(
      file: file, offset: 0, byteCount: text.utf8.count,
      wholeFilePath: links ? "\(place.dataPath)/\(name)" : nil)
  }

  @Test(arguments: [true, false])
  func createsOnceAndReadsBack(links: Bool) throws {
    try withPlace { place in
      try place.store.check()
      let key = "p/cluster_name=c%3Ax/dt=2026-11-24/w-1.parquet"
      #expect(try place.store.head(key) == nil)
      try place.store.put(key, try source("0123456789", place, links: links))
      let facts = try #require(try place.store.head(key))
      #expect(facts.byteCount == 10)
      #expect(
        try place.store.read(key, facts: facts, offset: 7, byteCount: 3) == Array("789".utf8))
      let failure = #expect(throws: StoreFailure.self) {
        try place.store.put(key, try source("other", place, links: links))
      }
      #expect(failure?.kind == .preconditionFailed)
      #expect(try place.store.head(key)?.byteCount == 10)
      let path = try place.store.path(of: key)
      let folder = (path as NSString).deletingLastPathComponent
      // Nothing hidden stays, and others may read.
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["w-1.parquet"])
      let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(mode == 0o644)
    }
  }

  /// A copy that broke off leaves a hidden file, which the next one takes over.
  @Test func takesOverBrokenCopy() throws {
    try withPlace { place in
      let folder = place.root + "/d"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      _ = FileManager.default.createFile(
        atPath: folder + "/.o.tmp", contents: Data("longer rubbish".utf8))
      try place.store.put("d/o", try source("new", place, links: false))
      #expect(FileManager.default.contents(atPath: folder + "/o") == Data("new".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["o"])
    }
  }

  /// An object that is found counts as stored, and then the copy in DATA_DIR goes: its name must
  /// be durable by then, though the process that made it may have ended before it could sync.
  @Test func whatIsFoundIsMadeDurable() throws {
    try withPlace { place in
      let key = "p/dt=2026-11-24/w-1.parquet"
      try place.store.put(key, try source("0123456789", place, links: true))
      let synced = Mutex<[String]>([])
      let store = DirectoryStore(root: place.root) { (path) throws(DiskError) in
        synced.withLock { $0.append(path) }
      }
      #expect(try store.head("p/other") == nil)
      #expect(synced.withLock { $0 } == [])
      #expect(try store.head(key) != nil)
      let levels = ["/p/dt=2026-11-24", "/p", ""].map { place.root + $0 }
      #expect(synced.withLock { $0 } == levels)
    }
  }

  /// A level that was made without its sync having come about is synced by the next try.
  @Test func aLevelWhoseSyncFailedIsSyncedAgain() throws {
    try withPlace { place in
      let synced = Mutex<[String]>([])
      let store = DirectoryStore(root: place.root) { (path) throws(DiskError) in
        let isFirst = synced.withLock { synced in
          synced.append(path)
          return synced.count { $0 == place.root } == 1
        }
        if path == place.root, isFirst {
          throw DiskError(call: .syncDirectory, name: path, errno: EIO)
        }
      }
      let source = try source("0123456789", place, links: true)
      #expect(throws: StoreFailure.self) { try store.put("p/w-1.parquet", source) }
      // No longer the first.
      synced.withLock { $0 = [place.root] }
      try store.put("p/w-1.parquet", source)
      #expect(synced.withLock { $0.dropFirst() } == [place.root, place.root + "/p", place.root])
    }
  }

  @Test(arguments: ["", "a/", "../x", "a/../b", "./a", "a/..", "a\0b"])
  func refusesKeysThatLeave(key: String) throws {
    try withPlace { place in
      let failure = #expect(throws: StoreFailure.self) { try place.store.head(key) }
      #expect(failure?.kind == .rejected)
    }
  }

  @Test func refusesNamesThatAreTooLong() throws {
    try withPlace { place in
      let key = String(repeating: "n", count: 256) + "/o"
      let body = try source("new", place, links: false)
      let failure = #expect(throws: StoreFailure.self) { try place.store.put(key, body) }
      #expect(failure?.kind == .rejected)
    }
  }

  @Test func saysWhatIsInTheWay() throws {
    try withPlace { place in
      try FileManager.default.createDirectory(
        atPath: (place.root as NSString).deletingLastPathComponent,
        withIntermediateDirectories: true)
      _ = FileManager.default.createFile(atPath: place.root, contents: nil)
      let failure = #expect(throws: StoreFailure.self) { try place.store.check() }
      #expect(failure?.message.contains("is not a directory") == true)
    }
  }
}
