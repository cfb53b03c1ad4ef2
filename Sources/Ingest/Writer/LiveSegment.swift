/// The segment that reports go to now.
struct LiveSegment {
  let number: UInt64
  /// Arrival of its first report: on the monotonic clock, and in seconds since 1970.
  let start: Duration
  let startSeconds: Int64
  /// Its rows go into batches as they come; false: they wait in the log for the index.
  let isJoined: Bool
  let encoding: EncodingID
  /// First arrival by date, seconds since 1970.
  var oldestByDay: [Int32: Int64] = [:]
  var reportCount = 0
  var rowCount = 0
  /// Bytes of its frames.
  var logByteCount = 0
  /// Bytes of its largest object file so far.
  var largestObjectByteCount = 0
}

/// A report on its way to the disk.
struct PendingFrame {
  var ticket: UInt64
  var segment: UInt64
  var retryID: RetryID
  var nodeID: UInt64
  /// Where its rows are, nil if in no batch.
  var rows: (batch: OwnedBatch, filling: Int, mark: ReportBatch.Mark)?
}

/// A valid retry of a report on its way to the disk: it shares that one's fate.
struct Waiter {
  var ticket: UInt64
  var token: UInt64
  var sink: any ReportReplySink
  var deadline: Duration
}

/// What the writer still has to do for live segments, in order.
enum SealTask {
  /// Resolve a batch, once its rows are durable, and hand it to the encoder.
  case rowGroup(OwnedBatch, LiveSegment)
  /// Order the commit, once all is durable.
  case finish(LiveSegment)

  var segment: LiveSegment {
    switch self {
    case .rowGroup(_, let segment), .finish(let segment): segment
    }
  }
}

/// A segment to be encoded from its log.
struct BacklogSegment {
  let number: UInt64
  /// Offset behind the last frame that counts; nil until the log thread has told.
  var limit: Int?
  var startSeconds: Int64
  var oldestByDay: [Int32: Int64] = [:]
  var reportCount: Int
  /// Beginnings of the damaged stretches that were told and kept, by the start or by a replay.
  var toldDamage: Set<Int> = []
  /// Stretches that were sent to be set aside.
  var keptStretches = 0
  /// What a start has given up of the log: it is not read.
  var holes: PieceNumbers = []
  /// Replays that failed where the log cannot be read.
  var readFailures = 0
  /// Not before.
  var retryAt = Duration.zero
}
