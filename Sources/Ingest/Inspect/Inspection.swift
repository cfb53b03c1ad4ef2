/// What a DATA_DIR holds, as seen from outside: by file names, headers and hashes, with nothing
/// changed. The service may be running; then this is what was there when each file was read.
package struct Inspection: Sendable, Equatable {
  /// nil: neither the file `writer` nor any log or seal says it.
  package var writer: WriterID?
  /// In order of their numbers.
  package var segments: [Segment] = []
  package var quarantine: [Plain] = []
  /// Files that were being written under another name.
  package var temporaries: [Plain] = []
  package var unknown: [Plain] = []
  /// Bytes allocated for all files, preallocation included.
  package var allocatedByteCount = 0
  package var damage: [Damage] = []
  /// Whether any file is there that makes a DATA_DIR: writer, lock, log or seal.
  package var isDataDirectory = false

  package var isSound: Bool { damage.isEmpty }

  /// A file of which only name and size are known.
  package struct Plain: Sendable, Equatable {
    package var name: String
    package var byteCount: Int
  }

  /// All files of one segment number.
  package struct Segment: Sendable, Equatable {
    package enum State: String, Sendable {
      /// The newest log of a running service: its end may be in the middle of a write.
      case open
      /// Only a log: its rows are encoded from it.
      case log
      /// Committed; objects wait to be stored.
      case sealed
      /// Committed, and every object is stored; kept for its retry ids.
      case stored
      /// Files of an encoding that was not committed, without the log; the next start removes them.
      case leftover
      /// The seal cannot be read.
      case damaged
    }

    package var number: UInt64
    package var state: State
    package var log: Log?
    package var seal: SealFile?
    package var objects: [Object] = []
    /// Records of multipart uploads, by partition.
    package var uploadRecords: [ObjectID] = []
  }

  package struct Log: Sendable, Equatable {
    package var byteCount: Int
    package var allocatedByteCount: Int
    /// nil when the header is damaged or, in a new file, not written yet.
    package var header: LogHeader?
    /// The header is whole and of another version of this format.
    package var foreignVersion: UInt32?
    /// Frames that count, witnesses included, and those with a report.
    package var frameCount: Int
    package var reportCount: Int
    /// Offset behind the last frame that counts.
    package var end: Int
    package var witnessedUpTo: Int
    /// Offset behind which nothing counts, by a later file's record.
    package var cut: Int?
    /// Bytes behind `end` that are no frame: a write that was cut short, or is under way.
    package var tornByteCount: Int
    /// Whether every payload's hash was verified.
    package var isChecked: Bool
  }

  package struct SealFile: Sendable, Equatable {
    package var byteCount: Int
    /// Of the two copies of its list, those that are whole.
    package var goodCopyCount: Int
    /// Objects listed; 0 when the seal is damaged.
    package var objectCount: Int
    package var rowCount: Int
    package var objectByteCount: Int
    package var cuts: [LogHeader.Cut]
    /// nil when its part of the file is damaged.
    package var retryNodeCount: Int?
    package var retryIDCount: Int?
  }

  package struct Object: Sendable, Equatable {
    package enum State: String, Sendable {
      /// Still being encoded, or left by an encoding that did not end.
      case writing
      /// Committed and here: waits to be stored.
      case waiting
      /// Committed and no longer here: the store has it.
      case stored
      /// Complete, but nothing commits it.
      case uncommitted
    }

    package var id: ObjectID
    package var fileName: String
    package var state: State
    /// Of the file; of the stored object when it is gone.
    package var byteCount: Int
    /// As the seal says; nil without one.
    package var sealed: SealedObject?
    /// nil: not compared. Size and SHA-256 are those of the seal.
    package var isGood: Bool?
  }

  /// One thing that is not as it was written.
  package struct Damage: Sendable, Equatable {
    package enum Kind: String, Sendable {
      case writerFile = "writer_file"
      case logHeader = "log_header"
      /// Acknowledged bytes that hold no good frame.
      case logFrames = "log_frames"
      /// The last frames, which no later one witnesses: torn, or damaged after their answer.
      case logSuspect = "log_suspect"
      /// A frame whose payload does not have its hash.
      case logPayload = "log_payload"
      /// What a start has given up of a log.
      case logHoles = "log_holes"
      case seal
      /// One of the two copies of a seal's list; the other is used.
      case sealCopy = "seal_copy"
      case sealRetryIDs = "seal_retry_ids"
      case objectSize = "object_size"
      case objectHash = "object_hash"
      case unreadable
    }

    package var file: String
    package var kind: Kind
    /// Bytes of the file that are meant; nil: the whole.
    package var range: Range<Int>?
    package var text: String
  }
}
