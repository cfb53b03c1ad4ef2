/// What happens between us and the API server. No case ever holds a credential of ours.
package enum KubeEvent: Sendable {
  /// The two things that are asked for.
  package enum Verb: String, Sendable { case list, watch }

  // MARK: Only in debug mode

  /// A request goes out; `url` in full.
  case requested(ObjectKind, Verb, url: String)
  /// The head of the answer is there. For a watch, its events follow.
  case responded(ObjectKind, Verb, status: Int, milliseconds: Int)
  /// One event of a watch, or one item of a list (type `LISTED`): the object as JSON, whole.
  case received(ObjectKind, type: String, object: [UInt8])
  /// A record was made and goes to the index. Hits and misses of all lookups so far.
  case cacheUpdated(ObjectKind, type: String, key: String, hits: Int, misses: Int)

  // MARK: Always

  /// A list is complete: the watcher is ready.
  case listed(ObjectKind, objects: Int, milliseconds: Int)
  /// A list or watch failed, and is tried again after the delay. `reason` is such as
  /// `403: cannot list persistentvolumeclaims`.
  case failed(ObjectKind, Verb, reason: String, retryMilliseconds: Int)
  /// A watch ended and is resumed from its last version.
  case resumed(ObjectKind, reason: String)
  /// Everything is listed again, because the version is gone or a stream was not to be trusted.
  case relisting(ObjectKind, reason: String)
  /// An object was taken in without what could not be read; `reason` names the field.
  case objectFault(ObjectKind, key: String, reason: String)
  /// The token or CA file cannot be read; the last contents are used on.
  case credentialsUnreadable(path: String, reason: String)
}
