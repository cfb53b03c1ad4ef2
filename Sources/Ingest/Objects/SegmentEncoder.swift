import Columnar

/// One encoding of one segment: an object file a partition, row groups appended as they come, and
/// at the end the commit.
///
///     rowGroup … rowGroup, finish: footers ─▶ fsync each ─▶ rename each ─▶ fsync directory
///       ─▶ seal (file, fsync, rename, fsync directory) = commit
///
/// After an error of any call the encoding is worthless; `drop` removes what it left.
final class SegmentEncoder {
  private struct Object {
    let file: ObjectFile
    let writer: ParquetFileWriter
    let key: PartitionKey
    /// Range of collected_at of the rows, microseconds since 1970; nil: no row has one.
    var instants: ClosedRange<Int64>?
  }

  let segment: UInt64
  private let disk: any Disk
  private let writer: WriterID
  private let keys: ObjectKey
  private let joiner: RowGroupJoiner
  private let parquetEncodings: NumberEncodings
  private let delivery: any ObjectDelivery
  private let spool: Spool
  /// Random id of this encoding.
  private let attempt: String
  private var objects: [Object] = []
  private var ordinals: [PartitionKey: Int] = [:]

  init(
    segment: UInt64, disk: any Disk, writer: WriterID, keys: ObjectKey, joiner: RowGroupJoiner,
    parquetEncodings: NumberEncodings, delivery: any ObjectDelivery, spool: Spool, attempt: String
  ) {
    self.segment = segment
    self.disk = disk
    self.writer = writer
    self.keys = keys
    self.joiner = joiner
    self.parquetEncodings = parquetEncodings
    self.delivery = delivery
    self.spool = spool
    self.attempt = attempt
  }

  var largestByteCount: Int { objects.reduce(0) { max($0, $1.writer.byteCount) } }
  var rowCount: Int { objects.reduce(0) { $0 + $1.writer.rowCount } }

  // MARK: Row groups

  func append(_ batch: ResolvedBatch) throws {
    var touched: Set<Int> = []
    try joiner.append(batch) { key in
      let ordinal = try self.ordinal(of: key)
      touched.insert(ordinal)
      return self.objects[ordinal].writer
    }
    note(instantsOf: batch)
    for ordinal in touched.sorted() {
      let file = objects[ordinal].file
      try file.flush()
      spool.set(file.temporaryName, byteCount: file.byteCount)
      delivery.objectGrew(file.id, byteCount: file.byteCount)
    }
  }

  private func ordinal(of key: PartitionKey) throws -> Int {
    if let ordinal = ordinals[key] { return ordinal }
    let id = ObjectID(segment: segment, partition: UInt32(objects.count))
    let file = try ObjectFile(
      disk: disk, id: id, key: keys.key(cluster: key.cluster, day: key.day, segment: segment))
    let writer = try ParquetFileWriter(
      schema: UsageSchema.schema, sink: file, createdBy: UsageSchema.createdBy,
      encodings: parquetEncodings)
    let ordinal = objects.count
    objects.append(Object(file: file, writer: writer, key: key))
    ordinals[key] = ordinal
    delivery.objectOpened(id, key: file.key, fileName: file.temporaryName)
    return ordinal
  }

  private func note(instantsOf batch: ResolvedBatch) {
    // A rolled-back tail is cut off the batch, so every report here has durable rows.
    let clusters = batch.clusters()
    var ranges: [PartitionCut: ClosedRange<Int64>] = [:]
    // Most reports are of the partition of the one before.
    var run: (cut: PartitionCut, range: ClosedRange<Int64>)?
    for report in 0..<batch.batch.reportCount {
      guard let instant = batch.batch.reportCollectedAtMicros(report) else { continue }
      let cut = PartitionCut(
        cluster: clusters.ofNode[batch.batch.reportNode(report)],
        day: batch.batch.reportDay(report))
      if run?.cut == cut {
        run?.range.extend(to: instant)
      } else {
        if let run { ranges[run.cut, default: run.range].extend(to: run.range) }
        run = (cut, instant...instant)
      }
    }
    if let run { ranges[run.cut, default: run.range].extend(to: run.range) }
    for (cut, range) in ranges {
      let key = PartitionKey(cluster: clusters.names[cut.cluster], day: cut.day)
      guard let ordinal = ordinals[key] else { continue }
      objects[ordinal].instants =
        objects[ordinal].instants.map {
          min($0.lowerBound, range.lowerBound)...max($0.upperBound, range.upperBound)
        } ?? range
    }
  }

  // MARK: Commit

  /// Completes the files and commits. When it throws nothing is committed, unless `drop` fails too.
  func finish(_ order: FinishOrder) throws -> [SealedObject] {
    var sealed: [SealedObject] = []
    for object in objects {
      try object.writer.finish(metadata: metadata(of: object))
      let sha256 = try object.file.finish()
      sealed.append(
        SealedObject(
          id: object.file.id, key: object.file.key, fileName: object.file.name,
          byteCount: object.file.byteCount, rowCount: object.writer.rowCount, sha256: sha256,
          attempt: attempt,
          oldestRowSeconds: order.oldestRowSecondsByDay[object.key.day]
            ?? order.oldestRowSeconds))
    }
    for object in objects {
      try disk.rename(object.file.temporaryName, to: object.file.name)
      spool.rename(object.file.temporaryName, to: object.file.name)
      // Parts may still be read from it.
      delivery.objectOpened(object.file.id, key: object.file.key, fileName: object.file.name)
    }
    if !objects.isEmpty { try disk.syncDirectory() }
    let seal = Seal(
      writer: writer, segment: segment, objects: sealed, cuts: order.cuts,
      retryIDs: order.retryIDs)
    try seal.write(to: disk)
    return sealed
  }

  private func metadata(of object: Object) -> [(key: String, value: String)] {
    var metadata = [
      (key: "aggregator.schema_version", value: String(UsageSchema.version)),
      (key: "aggregator.writer", value: writer.description),
      (key: "aggregator.segment", value: String(segment)),
      (key: "aggregator.attempt", value: attempt),
      (key: "aggregator.cluster", value: object.key.cluster),
    ]
    if let instants = object.instants {
      metadata.append(
        (key: "aggregator.first_collected_at_micros", value: String(instants.lowerBound)))
      metadata.append(
        (key: "aggregator.last_collected_at_micros", value: String(instants.upperBound)))
    }
    return metadata
  }
}

extension ClosedRange<Int64> {
  fileprivate mutating func extend(to instant: Int64) {
    if contains(instant) { return }
    self = Swift.min(lowerBound, instant)...Swift.max(upperBound, instant)
  }

  fileprivate mutating func extend(to other: ClosedRange<Int64>) {
    extend(to: other.lowerBound)
    extend(to: other.upperBound)
  }
}

/// Removes what an encoding without a commit left in DATA_DIR.
struct EncodingRemains {
  let disk: any Disk
  let spool: Spool

  /// Durably removes every object file of `segment` and a seal that did not become durable. The
  /// seal goes first, for good: it must never stand beside the files of another encoding.
  func remove(of segment: UInt64) throws(DiskError) {
    try disk.remove(FileName.seal(segment).text)
    try disk.syncDirectory()
    try disk.remove("\(FileName.seal(segment).text).tmp")
    for name in try disk.list() {
      switch FileName(name) {
      case .object(let id), .objectTemporary(let id):
        guard id.segment == segment else { continue }
        try disk.remove(name)
        spool.remove(name)
      default: continue
      }
    }
    try disk.syncDirectory()
  }
}
