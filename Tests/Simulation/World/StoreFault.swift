/// What may go wrong between the service and its store.
enum StoreFault: String, CaseIterable {
  case internalError = "500 before the effect"
  case lateInternalError = "500 after the effect"
  case slowDown = "503 SlowDown"
  case gateway = "502 from something in between"
  case refused = "connection refused"
  case resetBefore = "reset before the effect"
  case resetAfter = "reset after the effect"
  case timeoutBefore = "timeout before the effect"
  case timeoutAfter = "timeout after the effect"
  case errorInOK = "200 with an error inside, no effect"
  case errorInOKAfter = "200 with an error inside, done"
  case truncated = "answer cut short"
  case conflict = "409 conflict"
  case uploadGone = "404 NoSuchUpload"
  case wrongETag = "ETag of other bytes"
  case noETag = "answer without ETag"
  case expiredToken = "ExpiredToken"
  case late = "request arrives after its sender gave up or died"

  /// Whether it makes sense for this request.
  func applies(to operation: StoreRequest.Operation) -> Bool {
    switch self {
    case .errorInOK, .errorInOKAfter:
      [.create, .part, .complete, .list].contains(operation)
    case .conflict: [.put, .complete].contains(operation)
    case .uploadGone: [.part, .complete, .abort].contains(operation)
    case .wrongETag, .noETag: [.part, .put, .head].contains(operation)
    // One that creates an upload nobody could find again if it came at any time.
    case .late: [.put, .part, .complete, .abort].contains(operation)
    default: true
    }
  }
}

/// A state of the store that lasts.
enum StoreOutage: String, CaseIterable {
  case down = "store down for hours"
  case denied = "403 for a long time"
  case noBucket = "bucket missing for a long time"
}

/// What others may have done to the bucket.
enum Neighbour: String, CaseIterable {
  case foreignObject = "someone else's object under a key of ours"

  static let bytes = Array("someone else's".utf8)
}

/// How the store takes `If-None-Match`.
enum StoreManner: String, CaseIterable {
  case strict = "knows If-None-Match"
  case refuses = "501 for If-None-Match"
  case ignores = "ignores If-None-Match"
}
