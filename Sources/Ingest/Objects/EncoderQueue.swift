import Columnar
import Synchronization

/// One encoding of a segment; a segment whose encoding failed gets another number.
package typealias EncodingID = UInt64

/// Work for the encoder thread. What it carries belongs to the encoder until the notice comes back.
///
/// `@unchecked Sendable`: the batch inside is handed over whole; its owner leaves it alone until
/// `EncoderNotice.batchReturned`.
enum EncoderJob: @unchecked Sendable {
  /// Appends a batch to the objects of its segment.
  case rowGroup(EncodingID, segment: UInt64, ResolvedBatch, OwnedBatch)
  /// Completes the objects of a segment and commits them.
  case finish(EncodingID, FinishOrder)
  /// Forgets an encoding and its files. The last job of an encoding that is not finished, also of
  /// one that has failed.
  case abandon(EncodingID, segment: UInt64)
  /// Sets a stretch of a log aside that gives no rows, before the log goes: a human may want it.
  case keep(Range<Int>, segment: UInt64)
  /// All objects are stored: removes the seal.
  case removeSeal(segment: UInt64)
  /// Nothing will come for a while: gives back the memory that row groups are made in.
  case releaseMemory
}

/// What a seal needs of the writer.
struct FinishOrder: Sendable {
  var segment: UInt64
  var retryIDs: RetrySnapshot
  var cuts: [LogHeader.Cut]
  /// Arrival of the segment's first report, seconds since 1970.
  var oldestRowSeconds: Int64
  /// The same by date, where it is known.
  var oldestRowSecondsByDay: [Int32: Int64]
  var fromBacklog: Bool
  /// The log has bytes that could not be read: it is set aside, and not removed.
  var keepsLog = false
}

/// What the encoder tells the writer. Batches come back exactly once.
///
/// `@unchecked Sendable`: see `EncoderJob`.
enum EncoderNotice: @unchecked Sendable {
  case batchReturned(OwnedBatch)
  /// A row group is in the files; the largest of them has this many bytes.
  case rowGroupDone(EncodingID, segment: UInt64, largestByteCount: Int)
  case sealed(EncodingID, segment: UInt64, objects: [SealedObject], rowCount: Int)
  /// The encoding failed before its commit: its files are dropped, later jobs of it are ignored.
  case failed(EncodingID, segment: UInt64)
}

final class EncoderQueue: Sendable {
  private struct State {
    var jobs: [EncoderJob] = []
    /// The encoder is at a job, up to its next `take`.
    var isWorking = false
  }

  private let state = Mutex(State())
  let wakeup = Wakeup()

  func add(_ job: EncoderJob) {
    state.withLock { $0.jobs.append(job) }
    wakeup.set()
  }

  func take() -> EncoderJob? {
    state.withLock { state in
      state.isWorking = !state.jobs.isEmpty
      return state.isWorking ? state.jobs.removeFirst() : nil
    }
  }

  /// Every job is done, what it tells the uploader included.
  var isIdle: Bool { state.withLock { $0.jobs.isEmpty && !$0.isWorking } }
}

/// A batch with what the writer must know about it. One owner at a time.
final class OwnedBatch {
  let batch: ReportBatch
  /// Counts resets, so that a mark is never used on another filling.
  private(set) var filling = 0
  /// Frames with rows in this filling that are not durable yet.
  var undurableFrames = 0
  /// The one batch for replaying logs, not one of the live ones.
  let isForBacklog: Bool

  init(rowCapacity: Int, isForBacklog: Bool) {
    batch = ReportBatch(rowCapacity: rowCapacity)
    self.isForBacklog = isForBacklog
  }

  var rowCount: Int { batch.rows.count }

  func reset() {
    batch.reset()
    filling += 1
    undurableFrames = 0
  }
}
