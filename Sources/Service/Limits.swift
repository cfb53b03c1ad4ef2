import Ingest

/// Every capacity and bound of the executable, in one place.
enum ServiceLimits {
  // MARK: Requests

  /// Bytes of a request's head, request line and empty line included; more is answered 431.
  static let maximumHeadByteCount = 16 * 1024
  /// Bytes of a request target; more is answered 414.
  static let maximumTargetByteCount = 8 * 1024
  /// Header fields of a request; more is answered 431. The same holds for trailer fields.
  static let maximumFieldCount = 64
  /// Bytes of a method; a longer one is no method that anybody knows.
  static let maximumMethodByteCount = 32
  /// Digits of a chunk's size: enough for 64 bits.
  static let maximumChunkSizeDigitCount = 16
  /// Bytes that one body may spend on chunk extensions, and again on trailer fields.
  static let maximumChunkOverheadByteCount = 16 * 1024
  /// Bytes of an unwanted body that are read and dropped, so that the connection can go on or the
  /// answer is not lost to a reset.
  static let maximumDiscardByteCount = 64 * 1024

  // MARK: Time

  /// From the first byte of a head to its last.
  static let headTimeout: Duration = .seconds(10)
  /// From the end of a head to the end of its body.
  static let bodyTimeout: Duration = .seconds(60)
  /// A body slower than this after `bodyGrace` is given up.
  static let minimumBodyBytesPerSecond = 1024
  static let bodyGrace: Duration = .seconds(10)
  /// While others wait for its memory, a body must be whole after this.
  static let bodyTimeoutUnderPressure: Duration = .seconds(5)
  /// A reader that does not read what was written, however little it is.
  static let writeTimeout: Duration = .seconds(30)
  /// A connection between two requests.
  static let idleTimeout: Duration = .seconds(300)
  /// A connection that is closed in order waits this long for the other side's end.
  static let lingerTimeout: Duration = .seconds(2)
  /// A report that is not durable by then is answered 503; the stock collector gives up after 5 s.
  static let replyTimeout: Duration = .seconds(4)
  /// How often deadlines are looked at.
  static let tickInterval: Duration = .milliseconds(250)
  /// How often waiting connections are offered memory that others, on other loops, gave back.
  static let retryInterval: Duration = .milliseconds(5)

  // MARK: Memory

  /// Bodies up to `smallBodyByteCount` have a share of their own, so that large ones cannot starve
  /// the collectors' ordinary reports.
  static let smallBodyShareByteCount = 64 * 1024 * 1024
  static let largeBodyShareByteCount = 128 * 1024 * 1024
  /// What compressed bodies become.
  static let inflatedShareByteCount = 64 * 1024 * 1024
  static let smallBodyByteCount = 64 * 1024
  /// One read from a socket; NIO keeps a buffer of this size for each connection that has sent
  /// something, which is most of what an idle connection costs.
  static let receiveBufferByteCount = 8 * 1024
  /// Reads for one wake-up of a socket.
  static let readsPerWakeup: UInt = 2
  /// Written but unsent bytes of a connection at which no further request of it is begun.
  static let writeHighWaterByteCount = 64 * 1024
  /// Bytes of later requests that a connection may hold while one is being worked on.
  static let maximumWaitingByteCount = 64 * 1024

  // MARK: Connections

  /// Open connections at most; beyond that accepting pauses.
  static let maximumConnectionCount = 131_072
  /// File descriptors kept for object files, and for logs, the API server and the store.
  static let reservedDescriptorCount = IngestLimits.maximumOpenObjects + 512
  /// Connections that the kernel holds before they are accepted.
  static let listenBacklog: Int32 = 4096
  /// Event loops: one serves some 30,000 reports a second, and the rest of the machine has the
  /// writer, the log and the encoder to run.
  static let maximumEventLoopCount = 4

  // MARK: Logs

  /// Bytes of a string from outside that a log line shows.
  static let maximumLoggedStringByteCount = 256

  // MARK: Settings

  /// Bytes of a Kubernetes configuration, token or certificate file.
  static let maximumConfigurationFileByteCount = 4 * 1024 * 1024

  // MARK: Life

  /// How often the main thread looks around while it waits for a signal.
  static let mainLoopMilliseconds = 100
  /// A recovery of DATA_DIR that takes longer is told, in the line that names the port.
  static let quietRecovery: Duration = .seconds(1)
  /// How often a watcher that is not ready is named in the log.
  static let watcherReminderInterval: Duration = .seconds(60)
  /// How often the end looks for a second signal.
  static let shutdownSlice: Duration = .milliseconds(100)
  /// After SIGTERM reports are still taken for this long …
  static let drainWindow: Duration = .seconds(5)
  /// … but not after none has arrived for this long.
  static let drainQuiet: Duration = .seconds(1)
  /// From SIGTERM to the end; what is not stored by then is stored after the next start.
  static let shutdownLimit: Duration = .seconds(25)
}

/// Bounds of the object store and of the delivery to it.
extension ServiceLimits {
  // MARK: Requests

  /// Tries of one request, the first included.
  static let triesPerRequest = 3
  /// What retries may cost in all before successes have paid for more.
  static let retryQuota = 500
  /// Longest wait between two tries of one request, seconds.
  static let retryDelaySeconds = 20.0
  /// For TCP and TLS to be established.
  static let storeConnectTimeout: Duration = .seconds(5)
  /// For S3 to put the parts together.
  static let completeTimeout: Duration = .seconds(300)
  /// A slower upload of a part is broken off and begun again.
  static let minimumUploadBytesPerSecond = 100 * 1024
  static let minimumUploadSpeedSeconds = 30
  /// A clock that is off by less is not the cause of a refusal.
  static let clockToleranceSeconds = 240.0
  /// An error's text in a log line, characters.
  static let maximumErrorTextCount = 300
  /// Body of an error answer.
  static let maximumErrorBodyByteCount = 64 * 1024

  // MARK: XML answers

  /// A page of a list has up to 1,000 entries with keys of up to 1,024 bytes.
  static let maximumXMLByteCount = 4 * 1_048_576
  static let maximumXMLDepth = 32
  static let maximumXMLElements = 100_000
  /// Pages of a list of unfinished uploads.
  static let maximumListPages = 100

  // MARK: Credentials

  /// Token files, profile files, CA bundles, and answers of credential endpoints.
  static let maximumSmallFileByteCount = 1_048_576
  /// Credentials are renewed when they have less than this left.
  static let credentialRenewalSeconds = 600.0
  /// Credentials with less than this left are not used.
  static let credentialMarginSeconds = 60.0
  /// For how long credentials are used that had expired by this machine's clock when they were
  /// given; longer than what is left at a renewal, so that not each request asks for others.
  static let credentialGraceSeconds = 900.0
  /// After a renewal in advance has failed.
  static let credentialRetrySeconds = 30.0

  // MARK: Delivery

  /// Threads, each with one request at a time.
  static let deliveryThreads = 4
  static let deliveryStackByteCount = 1_048_576
  /// Parts of an upload, as S3 has it.
  static let maximumParts = 10_000
  /// S3's least is 5 MiB.
  static let minimumPartByteCount = 8 * 1_048_576
  /// A smaller object goes in one request.
  static let minimumMultipartByteCount = 5 * 1_048_576
  /// Bytes from the end of an object that are compared.
  static let proofByteCount = 65_536
  /// Files are read for sending and hashing in pieces of this size.
  static let filePieceByteCount = 262_144
  static let maximumUploadIDByteCount = 2048
  static let maximumUploadRecordByteCount = 1_048_576
  /// Between two tries to find the records of uploads, with which delivery begins.
  static let recordsRetryInterval: Duration = .seconds(1)
  /// Then delivery begins, and the uploads of a record that cannot be read are found by their key.
  static let triesOfUnreadableRecord = 5
  /// Between two checks of the store, until one succeeds.
  static let storeCheckInterval: Duration = .seconds(60)
  /// Waits between two tries of a step: full jitter. The cap bounds how long an outage is outlived.
  static let deliveryDelayBaseSeconds = 0.5
  static let deliveryDelayMaximumSeconds = 8.0
  /// Of leftovers whose abort is refused, once the object itself is stored.
  static let triesOfRefusedCleanUp = 10
  /// After a refusal that only a person can mend.
  static let refusedDelaySeconds = 60.0

  // MARK: Inspection

  /// Bytes of output that are gathered for one write.
  static let inspectOutputByteCount = 64 << 10
  /// Characters of a key that a table shows: a row fits some 100 columns.
  static let inspectKeyCharacterCount = 61
  /// How often the line that says how far a check is changes.
  static let checkMeterInterval: Duration = .milliseconds(100)
}
