import Glibc
import Ingest

/// Carries out one job of the delivery with the store and the disk; blocks.
struct DeliveryRunner: Sendable {
  let store: any ObjectStore
  let disk: any Disk
  /// Path of DATA_DIR; nil: the disk is not a real directory.
  let directory: String?
  /// The line about the check of the store, by its result.
  let checkLine: @Sendable (StoreFailure?) -> String
  let events: StoreEventSink

  func run(_ work: DeliveryCore.Work) -> DeliveryCore.Outcome {
    do {
      switch work {
      case .loadRecords: return try loadRecords()
      case .check: return check()
      case .object(let job, let file): return try run(job, file)
      }
    } catch let failure as StoreFailure {
      return .init(answer: .failed(failure.kind), message: failure.message)
    } catch let error as DiskError {
      if error.call == .open, error.errno == ENOENT {
        return .init(answer: .fileAbsent, message: "\(error.name) is not in DATA_DIR")
      }
      let text = String(cString: strerror(error.errno))
      return .init(
        answer: .failed(.file), message: "\(error.call.rawValue) \(error.name): \(text)")
    } catch {
      return .init(answer: .failed(.file), message: "\(error)")
    }
  }

  private func run(
    _ job: MultipartMachine.Job, _ file: DeliveryCore.File
  ) throws -> DeliveryCore.Outcome {
    switch job {
    case .create:
      return .init(answer: .created(uploadID: try create(file)))
    case .part(let uploadID, let number, let offset, let byteCount):
      let source = PartSource(
        file: try disk.open(file.fileName), offset: offset, byteCount: byteCount)
      return .init(
        answer: .uploaded(
          try store.uploadPart(file.key, uploadID: uploadID, number: number, source)))
    case .put(let byteCount):
      let source = PartSource(
        file: try disk.open(file.fileName), offset: 0, byteCount: byteCount,
        wholeFilePath: directory.map { "\($0)/\(file.fileName)" })
      if try Self.isDamaged(source, file) { return .init(answer: .fileDamaged) }
      try store.put(file.key, source)
    case .complete(let uploadID, let parts):
      if try isDamaged(file) { return .init(answer: .fileDamaged) }
      try store.complete(file.key, uploadID: uploadID, parts: parts)
    case .prove(let byteCount):
      let proof = try prove(file, byteCount)
      // It may be the file that is not as it was.
      if proof == .foreign, try isDamaged(file) { return .init(answer: .fileDamaged) }
      return .init(answer: .proof(proof))
    case .cleanUp(let leftovers, let isAll):
      let count = try cleanUp(leftovers)
      if isAll {
        try disk.remove(UploadRecord.name(of: file.id))
        try disk.syncDirectory()
      }
      return .init(answer: .done, abortedCount: count)
    case .setAside:
      // Not when it was done before, and the directory's sync failed.
      if try disk.list().contains(file.fileName) {
        try disk.rename(file.fileName, to: "\(file.fileName).quarantine")
      }
      try disk.remove(UploadRecord.name(of: file.id))
      try disk.syncDirectory()
    case .removeFiles:
      try disk.remove(file.fileName)
      try disk.remove(UploadRecord.name(of: file.id))
      try disk.syncDirectory()
    }
    return .init(answer: .done)
  }

  /// Whether the file is not what its seal says: such bytes must not become an object, for a reader
  /// of the table would trip over them.
  private func isDamaged(_ file: DeliveryCore.File) throws -> Bool {
    let local = try disk.open(file.fileName)
    return try Self.isDamaged(
      PartSource(file: local, offset: 0, byteCount: try local.byteCount()), file)
  }

  private static func isDamaged(_ source: PartSource, _ file: DeliveryCore.File) throws -> Bool {
    guard !file.sha256.isEmpty else { return false }
    return try source.sha256() != file.sha256
  }

  private func loadRecords() throws(DiskError) -> DeliveryCore.Outcome {
    var outcome = DeliveryCore.Outcome(answer: .done)
    for name in try disk.list().sorted() {
      guard let id = UploadRecord.id(ofName: name) else { continue }
      do {
        let bytes = try read(name)
        let records = UploadRecord.parse(bytes)
        outcome.records += records.map { (id, $0) }
        // No line was ever whole: no upload was asked for.
        if records.isEmpty { try disk.remove(name) }
      } catch {
        outcome.unreadableRecords.append(id)
        events(.recordUnreadable(name: name, reason: "\(error)"))
      }
    }
    return outcome
  }

  private func read(_ name: String) throws -> [UInt8] {
    let file = try disk.open(name)
    let count = min(try file.byteCount(), ServiceLimits.maximumUploadRecordByteCount)
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = try bytes.withUnsafeMutableBytes { buffer in
        try file.read(into: .init(rebasing: buffer[filled...]), at: filled)
      }
      guard got > 0 else { break }
      filled += got
    }
    return Array(bytes[..<filled])
  }

  private func check() -> DeliveryCore.Outcome {
    do {
      try store.check()
      events(.checked(line: checkLine(nil), isUsable: true))
      return .init(answer: .done)
    } catch {
      if error.kind != .cancelled { events(.checked(line: checkLine(error), isUsable: false)) }
      return .init(answer: .failed(error.kind), message: error.message)
    }
  }

  /// The record is durable before the upload is asked for, and its id before the first part.
  ///
  /// It is made anew each time: a file whose sync has failed must not be synced again, for what was
  /// lost then would not be written by it.
  private func create(_ file: DeliveryCore.File) throws -> String {
    let name = UploadRecord.name(of: file.id)
    let before = try wholeLines(of: name)
    let beginning = before + UploadRecord.beginning(key: file.key)
    try disk.replace(name, with: beginning)
    let uploadID: String
    do {
      uploadID = try store.createMultipart(file.key)
    } catch {
      // Nothing came of it, so that nothing needs to be looked for; should this fail, it is.
      if !error.mayBeDone { try? disk.replace(name, with: before) }
      throw error
    }
    do {
      try disk.replace(name, with: beginning + UploadRecord.answer(uploadID: uploadID))
    } catch {
      // Not to be found again by its id: it goes at once or, failing that, by listing.
      try? store.abort(file.key, uploadID: uploadID)
      throw StoreFailure(.unknown, "the upload's id cannot be recorded: \(error)")
    }
    return uploadID
  }

  /// What the record names may still have to be aborted, so that stays.
  private func wholeLines(of name: String) throws -> [UInt8] {
    do {
      let bytes = try read(name)
      return Array(bytes[..<UploadRecord.wholeByteCount(bytes)])
    } catch let error as DiskError where error.call == .open && error.errno == ENOENT {
      return []
    }
  }

  /// Size equal, and the last bytes: the footer with this encoding's random id is among them.
  private func prove(
    _ file: DeliveryCore.File, _ byteCount: Int
  ) throws -> MultipartMachine.Proof {
    let local = try disk.open(file.fileName)
    guard let facts = try store.head(file.key) else { return .absent }
    guard facts.byteCount == byteCount else { return .foreign }
    let tailCount = min(byteCount, ServiceLimits.proofByteCount)
    let offset = byteCount - tailCount
    let theirs = try store.read(
      file.key, facts: facts, offset: offset, byteCount: tailCount)
    let source = PartSource(file: local, offset: offset, byteCount: tailCount)
    var isEqual = true
    var position = 0
    try source.forEachPiece { (ours) throws(StoreFailure) in
      isEqual = isEqual && theirs[position..<position + ours.count].elementsEqual(ours)
      position += ours.count
    }
    return isEqual ? .ours : .foreign
  }

  /// How many uploads were there to be aborted, as far as is known.
  private func cleanUp(_ leftovers: [MultipartMachine.Leftover]) throws -> Int {
    var count = 0
    for leftover in leftovers {
      var ids = leftover.uploadIDs
      if leftover.mayHoldUnknown {
        let listed = try store.uploadIDs(ofKey: leftover.key)
        ids += listed.filter { !leftover.uploadIDs.contains($0) }
      }
      for id in ids { try store.abort(leftover.key, uploadID: id) }
      count += ids.count
    }
    return count
  }
}
