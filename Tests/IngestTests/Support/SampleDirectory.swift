import SimulationModels

@testable import Ingest

/// A DATA_DIR with a committed segment, one of whose two objects is stored, and two logs.
struct SampleDirectory {
  let writer = WriterID(high: 0x0123_4567_89ab_4def, low: 0x8123_4567_89ab_cdef)

  static let waiting = object(partition: 0, bytes: InspectorTests.objectBytes)
  static let stored = object(partition: 1, bytes: [1, 2, 3])

  func make() throws -> ModelDisk {
    let disk = ModelDisk()
    disk.setBytes([], of: FileName.lock.text)
    disk.setBytes(Array(WriterIdentity.text(writer).utf8), of: FileName.writer.text)
    var ids = RetryIDs()
    ids.insert(RetryID(low: 1, high: 1), node: 1)
    ids.insert(RetryID(low: 2, high: 1), node: 2)
    disk.setBytes(Self.waitingBytes, of: Self.waiting.fileName)
    try Seal(
      writer: writer, segment: 3, objects: [Self.waiting, Self.stored], cuts: [],
      retryIDs: RetryIDsTests.snapshot(ids)
    ).write(to: disk)
    try writeLog(4, reports: 1, to: disk)
    try writeLog(5, reports: 3, to: disk)
    return disk
  }

  private static var waitingBytes: [UInt8] { InspectorTests.objectBytes }

  private static func object(partition: UInt32, bytes: [UInt8]) -> SealedObject {
    let id = ObjectID(segment: 3, partition: partition)
    return SealedObject(
      id: id, key: "usage/cluster_name=blue/dt=2026-11-24/\(partition).parquet",
      fileName: FileName.object(id).text, byteCount: bytes.count, rowCount: 7,
      sha256: SHA256.hex(bytes.withUnsafeBytes { SHA256.digest($0) }), attempt: "0123",
      oldestRowSeconds: 1)
  }

  /// A log with one report a node, ended by a witness.
  func writeLog(_ segment: UInt64, reports: Int, to disk: ModelDisk) throws {
    let log = try LogWriter(
      disk: disk,
      header: LogHeader(writer: writer, segment: segment, cut: nil, createdSeconds: 9))
    for number in 0..<reports {
      try TestReport(node: "node-\(number)").text.utf8.withContiguousStorageIfAvailable { bytes in
        try log.append([
          LogWriter.Entry(
            payload: UnsafeRawBufferPointer(bytes),
            retryID: RetryID(low: UInt64(number), high: 1), nodeID: UInt64(number))
        ])
      }
      try log.sync()
    }
    try log.appendWitness()
    try log.sync()
  }
}

/// A disk below which a service works: `beforeOpen` runs before each file is opened.
final class RacingDisk: Disk, @unchecked Sendable {
  // Tests use it on one thread.
  private let disk: ModelDisk
  private let beforeOpen: (String) throws(DiskError) -> Void

  init(_ disk: ModelDisk, beforeOpen: @escaping (String) throws(DiskError) -> Void) {
    self.disk = disk
    self.beforeOpen = beforeOpen
  }

  func open(_ name: String) throws(DiskError) -> any DiskFile {
    try beforeOpen(name)
    return try disk.open(name)
  }

  func create(_ name: String) throws(DiskError) -> any DiskFile { try disk.create(name) }
  func openForUpdate(_ name: String) throws(DiskError) -> any DiskFile {
    try disk.openForUpdate(name)
  }
  func lock(_ name: String) throws(DiskError) { try disk.lock(name) }
  func list() throws(DiskError) -> [String] { try disk.list() }
  func allocatedByteCount(of name: String) throws(DiskError) -> Int {
    try disk.allocatedByteCount(of: name)
  }
  func rename(_ old: String, to new: String) throws(DiskError) {
    try disk.rename(old, to: new)
  }
  func remove(_ name: String) throws(DiskError) { try disk.remove(name) }
  func syncDirectory() throws(DiskError) { try disk.syncDirectory() }
  func availableByteCount() throws(DiskError) -> Int { try disk.availableByteCount() }
}
