import KubeIndex

/// A place that keeps objects under keys: S3, or a directory. Calls block and may come from several
/// threads at once.
///
/// Each call tells apart what certainly did not happen from what may have happened
/// (`StoreFailure.Kind.unknown`): the caller must look before it does that again.
protocol ObjectStore: AnyObject, Sendable {
  /// For log lines, as in "S3 bucket b".
  var description: String { get }
  /// Where the credentials in use come from; nil: none needed, or none found yet.
  var credentialSource: String? { get }
  /// Whether an object can be brought in parts before its end is known.
  var takesParts: Bool { get }

  /// Whether the bucket is there and may be used. Writes nothing.
  func check() throws(StoreFailure)
  /// nil: there is no such object.
  func head(_ key: String) throws(StoreFailure) -> ObjectFacts?
  /// Exactly `byteCount` bytes from `offset` of the object that `facts` describes.
  func read(
    _ key: String, facts: ObjectFacts, offset: Int, byteCount: Int
  ) throws(StoreFailure) -> [UInt8]
  /// Creates the object with the bytes of `source`; `.preconditionFailed` when the key is taken.
  func put(_ key: String, _ source: PartSource) throws(StoreFailure)
  /// The new upload's id.
  func createMultipart(_ key: String) throws(StoreFailure) -> String
  func uploadPart(
    _ key: String, uploadID: String, number: Int, _ source: PartSource
  ) throws(StoreFailure) -> CompletedPart
  /// Makes the parts the object; `.preconditionFailed` when the key is taken.
  func complete(_ key: String, uploadID: String, parts: [CompletedPart]) throws(StoreFailure)
  /// No error when there is no such upload (any more).
  func abort(_ key: String, uploadID: String) throws(StoreFailure)
  /// Ids of the unfinished uploads of exactly this key.
  func uploadIDs(ofKey key: String) throws(StoreFailure) -> [String]
  /// Ends the running calls and all later ones with `.cancelled`.
  func cancel()
}

/// What a store says about an object.
struct ObjectFacts: Sendable, Equatable {
  var byteCount: Int
  var eTag: String
}

/// A part that the store has.
struct CompletedPart: Sendable, Equatable {
  /// 1...10,000.
  var number: Int
  /// As the store gave it, quotes included.
  var eTag: String
}

/// Why a call to a store gave nothing. `message` is for people and holds no secret.
struct StoreFailure: Error, Sendable, CustomStringConvertible {
  enum Kind: Sendable, Equatable {
    /// It may have been done: the answer was lost, late, or made no sense.
    case unknown
    /// The store was not reached: nothing was done.
    case unreachable
    /// It asks for fewer requests: nothing was done.
    case throttled
    case accessDenied
    case noSuchBucket
    case noSuchKey
    case noSuchUpload
    /// The key is taken (412).
    case preconditionFailed
    /// A conflicting request was under way (409).
    case conflict
    /// The store does not know a part, or not as it was given.
    case invalidPart
    case notImplemented
    /// Refused for another reason, for good.
    case rejected
    /// The bytes to send cannot be read.
    case file
    /// The service is stopping; like `unknown`, it may have been done.
    case cancelled
  }

  var kind: Kind
  var message: String

  init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// Whether the call may have taken effect although it failed.
  var mayBeDone: Bool { kind == .unknown || kind == .cancelled }

  var description: String { message }
}
