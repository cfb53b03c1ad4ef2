/// The seam between the encoder, which makes object files in DATA_DIR, and the uploader, which
/// brings them to the store.

/// One object of one segment.
package struct ObjectID: Hashable, Sendable, Comparable {
  /// Log segment number.
  package var segment: UInt64
  /// Ordinal of the partition (cluster, date) within the segment, from 0.
  package var partition: UInt32

  package init(segment: UInt64, partition: UInt32) {
    self.segment = segment
    self.partition = partition
  }

  package static func < (left: ObjectID, right: ObjectID) -> Bool {
    (left.segment, left.partition) < (right.segment, right.partition)
  }
}

/// One finished object as its segment's seal lists it.
package struct SealedObject: Sendable, Equatable {
  package var id: ObjectID
  /// Full key in the table, prefix included.
  package var key: String
  /// File in DATA_DIR that holds the bytes until the store has them.
  package var fileName: String
  package var byteCount: Int
  package var rowCount: Int
  /// Lower-case hex SHA-256 of the whole file.
  package var sha256: String
  /// Random id of this encoding, also in the footer.
  package var attempt: String
  /// Arrival of the oldest row, seconds since 1970: for the age of the oldest unsent row.
  package var oldestRowSeconds: Int64

  package init(
    id: ObjectID, key: String, fileName: String, byteCount: Int, rowCount: Int, sha256: String,
    attempt: String, oldestRowSeconds: Int64
  ) {
    self.id = id
    self.key = key
    self.fileName = fileName
    self.byteCount = byteCount
    self.rowCount = rowCount
    self.sha256 = sha256
    self.attempt = attempt
    self.oldestRowSeconds = oldestRowSeconds
  }
}

/// What the encoder tells the uploader. Calls come from the encoder thread (or, at the start, from
/// the one that recovers DATA_DIR), return at once and never fail: delivery retries for ever.
package protocol ObjectDelivery: AnyObject, Sendable {
  /// A file has begun; parts may be uploaded as it grows. Nothing of it is committed yet. Called
  /// again when the file gets another name.
  func objectOpened(_ id: ObjectID, key: String, fileName: String)
  /// The first `byteCount` bytes of the file are final.
  func objectGrew(_ id: ObjectID, byteCount: Int)
  /// All files of the segment are complete and its seal is durable: they may be completed now.
  /// `recovered`: the seal was found at the start, so whether an object is there must be proved
  /// before one is created. A listed file that is absent was stored before.
  func segmentSealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool)
  /// The files of the segment are gone (failed before the seal): forget them, abort their uploads.
  func segmentAbandoned(_ segment: UInt64)
}

/// What the uploader tells the owner of the log: all objects of `segment` are in the store and
/// their files are removed, so its seal may go. Called from a delivery thread.
package protocol DeliveryObserver: AnyObject, Sendable {
  func segmentDelivered(_ segment: UInt64)
}
