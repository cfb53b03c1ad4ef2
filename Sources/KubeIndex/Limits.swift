/// Every capacity and bound of this module, in one place.
package enum KubeIndexLimits {
  // MARK: Index

  /// Entries of one table: far above the 4 million pods of the largest clusters, and below what
  /// 32-bit hashes can address.
  package static let maximumTableEntries = 1 << 28
  /// Slots that one insertion or removal moves while a table changes its size: a few microseconds,
  /// and over before the table is full again, which must be a good deal above 18.
  static let slotsMovedPerChange = 32
  /// Slots whose memory is given back at once while a table changes its size: 256 KiB.
  static let slotsGivenBackAtOnce = 16_384
  /// Slots from this size on are mapped rather than allocated.
  static let mappedSlotsByteCount = 1 << 20
  /// How long a deleted object stays usable.
  package static let tombstoneSeconds: Int64 = 600
  /// Deleted objects kept at most; beyond it the oldest are dropped, and counted.
  package static let maximumTombstones = 1_000_000
  /// Deleted objects that one call forgets: well under a millisecond of the writer's time.
  package static let tombstonesPerExpiry = 1_024
  /// Interned values that are looked at, for being unused, with each new one.
  package static let purgeSlotsPerInsertion = 4

  // MARK: Objects of outside

  /// Up to so many names in one object are searched one by one; more are hashed.
  static let linearSearchCount = 32

  // MARK: API client

  /// Objects in a page of a list.
  package static let listPageSize = 500
  /// To what the page grows when lists take longer than the server keeps their snapshot.
  package static let maximumPageSize = 8_000
  /// Watches that may be refused in a row, without a 410, before everything is listed again.
  package static let maximumRefusedWatches = 5
  /// Streaming lists that may break in a row before pages are asked for.
  package static let maximumBrokenStreams = 2
  /// Tries in a row of one further page before the list begins again.
  package static let maximumPageRetries = 5
  /// The longest watch line, and so the largest object; a longer one ends the stream.
  package static let maximumLineByteCount = 8 << 20
  /// The largest body of a list page: a server that ignores `limit` sends all at once.
  package static let maximumPageByteCount = 512 << 20
  /// The largest body of an error answer that is read.
  package static let maximumErrorByteCount = 64 << 10
  /// `timeoutSeconds` of a watch is drawn from this range, so that watches do not end together.
  package static let watchTimeoutSeconds: ClosedRange<Int> = 240...290
  /// What a watch may exceed its `timeoutSeconds` by before the client ends it: a half-open
  /// connection is noticed then.
  package static let watchGraceSeconds = 30
  /// The longest time for a page of a list.
  package static let listTimeoutSeconds = 120
  /// The longest silence of a streaming list before its initial events have ended.
  package static let streamSilenceSeconds = 30
  /// The longest that a token read from a file is used before the file is read again.
  package static let tokenReuseSeconds: Int64 = 60
  /// The largest token or CA file.
  package static let maximumCredentialFileByteCount = 4 << 20
  /// The longest `Retry-After` that is obeyed; a longer one counts as this.
  package static let maximumRetryAfterSeconds = 300
  /// Changes sent to the writer at a time, at most.
  package static let maximumChangesPerSend = 512

  // MARK: Backoff

  package static let backoffBase: Duration = .milliseconds(800)
  package static let backoffMaximum: Duration = .seconds(30)
  /// A stream that lived this long starts again from `backoffBase`.
  package static let backoffResetAfter: Duration = .seconds(120)

  // MARK: Objects

  /// Containers, volumes, references, labels or annotations of one object that are looked at. The
  /// items of a list are no part of an object and not limited.
  package static let maximumElements = 100_000
}

/// Bounds of the HTTP client.
extension KubeIndexLimits {
  /// Bytes of an answer's head and trailers, 1xx answers included.
  package static let maximumHeadByteCount = 65_536
  /// Longest single wait inside `HTTPMulti.poll`, milliseconds.
  package static let maximumPollMillis = 3_600_000
  /// A larger request body waits for `100 Continue` first, so that it is not sent in vain.
  package static let maximumByteCountWithoutContinue = 1_048_576
  /// The system's file of root certificates is read up to here.
  package static let maximumRootsByteCount = 16 * 1_048_576
}
