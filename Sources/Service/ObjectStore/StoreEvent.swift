import Logging

/// Something worth a log line about the store, its credentials or an upload.
enum StoreEvent: Sendable, Equatable {
  /// An object as its lines name it. `rowCount` is nil while the object still grows.
  struct Object: Sendable, Equatable {
    var key: String
    var rowCount: Int?
    var byteCount: Int
  }

  /// How an object came to be stored.
  enum Manner: String, Sendable {
    case put = "one request"
    case multipart
    /// It was there already: an earlier attempt had succeeded.
    case proved = "found stored by an earlier attempt"
    /// Its file was gone at the start: it had been stored and removed.
    case earlier = "stored before the restart"
  }

  case checked(line: String, isUsable: Bool)
  case uploadEnded(Object, store: String, manner: Manner, seconds: Double, partCount: Int)
  case uploadRetried(Object, store: String, step: String, reason: String, delaySeconds: Double)
  case uploadFailed(Object, store: String, step: String, reason: String, delaySeconds: Double)
  /// Other content lies under the key: nothing is overwritten, the file stays.
  case uploadQuarantined(Object, store: String, fileName: String)
  /// The medium has changed the file since it was sealed: it is set aside, its rows are not stored.
  case objectDamaged(Object, store: String, fileName: String)
  case leftoverAborted(key: String, count: Int)
  case leftoverKept(key: String, reason: String)
  case conditionalWritesOff(reason: String)
  case clockCorrected(seconds: Double)
  case regionChanged(from: String, to: String)
  case credentialsLoaded(source: String, expiresInSeconds: Double?)
  case credentialsFailed(reason: String)
  case recordUnreadable(name: String, reason: String)

  var level: Logger.Level {
    switch self {
    case .checked(_, let isUsable): isUsable ? .info : .error
    case .uploadEnded: .info
    case .uploadRetried, .conditionalWritesOff, .clockCorrected, .regionChanged, .leftoverKept:
      .warning
    case .uploadFailed, .credentialsFailed, .recordUnreadable: .error
    case .uploadQuarantined, .objectDamaged: .critical
    case .leftoverAborted, .credentialsLoaded: .info
    }
  }

  /// One line. It holds the words `S3` and `upload` where an upload to S3 is meant.
  var message: String {
    // A server's words are among it: they must not begin a line of their own.
    let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
      scalar.properties.generalCategory == .control || scalar == "\u{2028}" || scalar == "\u{2029}"
        ? " " : scalar
    }
    return String(String.UnicodeScalarView(scalars))
  }

  private var text: String {
    switch self {
    case .checked(let line, _): line
    case .uploadEnded(let object, let store, let manner, let seconds, let partCount):
      "\(store) upload done: \(Self.text(object)) \(manner.rawValue)"
        + (partCount > 0 ? ", \(partCount) parts" : "") + ", \(Self.text(seconds)) s"
    case .uploadRetried(let object, let store, let step, let reason, let delay):
      "\(store) upload retry in \(Self.text(delay)) s: \(Self.text(object)) \(step): \(reason)"
    case .uploadFailed(let object, let store, let step, let reason, let delay):
      "\(store) upload failed, next try in \(Self.text(delay)) s: \(Self.text(object)) \(step):"
        + " \(reason)"
    case .uploadQuarantined(let object, let store, let fileName):
      "\(store) upload stopped: other content lies under this key and is not overwritten; "
        + "\(Self.text(object)); its rows stay in DATA_DIR in \(fileName)"
    case .objectDamaged(let object, let store, let fileName):
      "\(store) upload stopped: \(fileName) is damaged, its SHA-256 is not the seal's; "
        + "\(Self.text(object)); it is kept in DATA_DIR as \(fileName).quarantine"
    case .leftoverAborted(let key, let count):
      "S3 upload leftovers aborted: key=\(key) uploads=\(count)"
    case .leftoverKept(let key, let reason):
      "S3 upload leftovers of key=\(key) cannot be aborted, a lifecycle rule should: \(reason)"
    case .conditionalWritesOff(let reason):
      "S3 does not know If-None-Match, it is not sent any more: \(reason)"
    case .clockCorrected(let seconds):
      "S3 says that this machine's clock is off by \(Self.text(seconds)) s; requests are dated so"
    case .regionChanged(let from, let to):
      "S3 bucket is in region \(to), not \(from); requests go there (set AWS_REGION)"
    case .credentialsLoaded(let source, let expires):
      "S3 credentials from \(source)"
        + (expires.map { ", they expire in \(Self.text($0)) s" } ?? "")
    case .credentialsFailed(let reason): "S3 credentials: \(reason)"
    case .recordUnreadable(let name, let reason):
      "S3 upload record \(name) cannot be used: \(reason)"
    }
  }

  private static func text(_ object: Object) -> String {
    let rows = object.rowCount.map(String.init) ?? "growing"
    return "key=\(object.key) rows=\(rows) bytes=\(object.byteCount)"
  }

  private static func text(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e12 else { return "?" }
    return String((seconds * 1000).rounded() / 1000)
  }
}

/// Receives events; called from any thread, must not block.
typealias StoreEventSink = @Sendable (StoreEvent) -> Void
