/// Every capacity and bound of this module, in one place.
package enum IngestLimits {}

/// The log.
extension IngestLimits {
  /// Largest payload of one frame.
  package static let maximumPayloadByteCount = 32 << 20
  /// Frames handed to the log thread and not yet durable; beyond it sockets are read later. One
  /// frame always fits.
  package static let maximumOutstandingByteCount = 64 << 20
  /// The log is preallocated in steps of this size.
  package static let preallocationStep = 8 << 20
  /// Durable bytes of the log, after which the system's copy of them is given up.
  package static let cacheDropStep = 4 << 20
  /// A log is cut off in steps of this size before it is removed.
  package static let removalStep = 4 << 20
  /// The longest pause between two of these steps.
  package static let maximumRemovalPause = Duration.milliseconds(50)
  /// Frames in one call of pwritev: two pieces each, the system takes 1,024.
  package static let maximumFramesPerWrite = 512
  /// Frames for which the log thread is woken before the writer has gone through its others.
  package static let maximumUntoldFrames = 32
  /// A witness frame follows after this much idle time.
  package static let witnessDelay = Duration.milliseconds(100)
  /// A reply that is not durable by then is given up; its rows may still become durable.
  package static let replyTimeout = Duration.seconds(4)
  /// How often a full disk is looked at again.
  package static let fullDiskRetryDelay = Duration.seconds(1)
  /// Free bytes at which a full disk counts as having room again.
  package static let fullDiskRoomByteCount = 2 * preallocationStep
  /// Damaged stretches of a log that are copied aside; beyond it they are only counted.
  package static let maximumQuarantineFiles = 16
  /// Bytes copied aside of one damaged stretch.
  package static let maximumQuarantineByteCount = 64 << 20
  /// Reports of a log that are read ahead of its replay together; a larger one has a page alone.
  package static let replayPageByteCount = 2 << 20
  /// Pages that wait for the writer.
  package static let replayPagesAhead = 2
  /// How often a read is made that the medium fails.
  static let readAttempts = 3
  /// What the medium does not give in one piece is read in pieces of this size.
  package static let salvagePieceByteCount = 4_096
  /// Pieces of one file that may stay unreadable; beyond it the disk itself has failed, not some
  /// of its bytes.
  package static let maximumUnreadablePieces = 1_024
  /// Replays of a log that fail at unreadable bytes, `encodeRetryDelay` apart, before the rest of
  /// the log is taken without them.
  package static let replayReadAttempts = 12
  /// How long a start that cannot read all logs and seals reads them again, so far apart, before it
  /// goes on without the rest; reports wait meanwhile.
  package static let startReadPatience = Duration.seconds(60)
  package static let startReadDelay = Duration.seconds(5)
  /// How long at least for each file, when the others have taken that time.
  package static let leastReadPatience = Duration.seconds(10)
  /// How often one file has that again, for further pieces that turn out to be unreadable.
  package static let maximumPatienceExtensions = 6
  /// Bytes of a file that names the unreadable pieces of a log, all that may be borne, twice.
  static let maximumHolesByteCount = 2 * (8 * maximumUnreadablePieces + salvagePieceByteCount)
  /// Bytes read at once when a log is scanned.
  package static let scanWindowByteCount = 1 << 20
}

/// The writer.
extension IngestLimits {
  /// Rows of one batch, which is one row group.
  package static let batchRowCapacity = 1_048_576
  /// Distinct text of a batch at which it is sealed.
  package static let maximumBatchTextByteCount = 64 << 20
  /// Reports that wait for the writer.
  package static let maximumInboxReports = 1_024
  /// Bytes of reports that wait for the writer. One report always fits.
  package static let maximumInboxByteCount = 64 << 20
  /// Batches for reports as they come: one is filled while the other is encoded.
  package static let liveBatchCount = 2
  /// Index changes that wait for the writer; beyond it the sender blocks.
  package static let maximumMailboxChanges = 65_536
  /// Reports taken from the inbox in one step.
  package static let maximumReportsPerStep = 256
  /// The writer looks for reports no more often than this: a commit group then has what came in
  /// that time, where else each report would wake three threads and have an fsync of its own.
  package static let writerPace = Duration.milliseconds(4)
  /// So many waiting reports are a group by themselves: the writer does not wait for more.
  package static let hastyReportCount = 32
  /// Index changes applied in one step.
  package static let maximumChangesPerStep = 2_048
  /// Longest stretch of sealing or backlog work between live work.
  package static let sliceDuration = Duration.milliseconds(1)
  /// Reports of one node whose ids are remembered.
  package static let retryIDsPerNode = 30
  /// Nodes whose ids are remembered.
  package static let maximumRetryNodes = 150_000
  /// Nodes whose ids are copied in one slice of a snapshot.
  package static let retryNodesPerSlice = 512
  /// Distinct dates at which a segment ends, once it is `minimumSegmentAge` old.
  package static let maximumSegmentDates = 48
  package static let minimumSegmentAge = Duration.seconds(10)
  /// Distinct dates at which a segment ends at once: each is an open file. Fewer, where the process
  /// may not open as many.
  package static let maximumOpenObjects = 4_096
  /// While the index is not there a segment ends at this size of its log.
  package static let unindexedSegmentByteCount = 256 << 20
  /// Memory of batches is given back after this long without rows.
  package static let idleMemoryDelay = Duration.seconds(60)
  /// A segment that could not be encoded is tried again after this long.
  package static let encodeRetryDelay = Duration.seconds(5)
  /// How often deleted objects of the index are looked through.
  package static let expiryPeriod = Duration.seconds(1)
  /// Longest sleep of a thread that waits for something to do.
  package static let maximumThreadWait = Duration.seconds(1)
}

/// Objects and DATA_DIR.
extension IngestLimits {
  /// Bytes of an object's key (S3's own bound).
  package static let maximumKeyByteCount = 1_024
  /// Bytes of a cluster's name in a key, escaped: with what stands around it, it is one component
  /// of a path, which file systems bound at 255.
  package static let maximumClusterNameByteCount = 200
  /// Bytes of a seal that a start will read: 150,000 nodes with 30 ids each, and 4,096 objects.
  package static let maximumSealByteCount = 256 << 20
  /// Bytes of an object's file, after which the system is asked to begin writing them.
  package static let writebackStep = 2 << 20
  /// Bytes that DATA_DIR needs beyond the spool and two object files.
  package static let workingRoomByteCount = 256 << 20
  /// Smallest effective limit of the spool.
  package static let minimumSpoolByteCount = 4 * preallocationStep
}

/// The decoder and its batch.
extension IngestLimits {
  /// Address space for a batch's text: a batch just below its limit still takes the largest body,
  /// whose pods need a record header each besides their text.
  static let textArenaByteCount =
    maximumBatchTextByteCount + maximumPayloadByteCount
    + maximumPayloadByteCount / minimumPodByteCount * (PodTable.recordHeaderByteCount + 8)
    + (1 << 20)
  /// `{"pod_id":"a","name":"b","namespace":"c"},`
  static let minimumPodByteCount = 42
  /// Pods probed together: enough to overlap cache misses, few enough that none falls out again.
  static let probeGroupSize = 64
  /// Pods between the one that is written into a row group and the one whose memory is asked for:
  /// about as many as are written while memory answers.
  static let podPrefetchDistance = 8
  /// Staged pods beyond which the staging memory is given back after the report.
  static let keptStagedPodCount = 16_384
}

/// The join.
extension IngestLimits {
  /// Distinct text of a row group, as its dictionary pages hold it, at which it ends.
  package static let rowGroupTextByteCount = 64 << 20
  /// More text than the API server takes for one pod: it bounds all annotations by 256 KiB, and
  /// the store behind it an object by 1.5 MiB.
  static let largePodTextByteCount = 4 << 20
}

/// The inspection of a directory.
extension IngestLimits {
  /// How often a segment is read again when it looks damaged: a running service may have changed
  /// its files between two reads. Damage that stays is reported.
  static let inspectionAttempts = 3
  /// Bytes read at once when an object is hashed.
  static let inspectionPieceByteCount = 1 << 20
  /// Bytes read of one file of /proc.
  static let maximumProcByteCount = 16 << 20
}
