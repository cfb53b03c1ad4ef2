/// What a `WatchMachine` sends to the API server. Versions and tokens are opaque: stored, sent
/// back, compared for equality only. See
/// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
package enum WatchRequest: Equatable, Sendable {
  /// A watch that begins with all objects as ADDED and a bookmark behind them (streaming list).
  case stream(notOlderThan: String?)
  /// A page of a list: the first, or the one that a token continues with.
  case list(limit: Int, notOlderThan: String?)
  case listMore(limit: Int, continueToken: String)
  /// Changes after a version.
  case watch(resourceVersion: String)

  /// Whether the answer is a stream of events rather than one document.
  package var isStream: Bool {
    switch self {
    case .stream, .watch: true
    case .list, .listMore: false
    }
  }

  /// What it is for.
  package var verb: KubeEvent.Verb {
    if case .watch = self { .watch } else { .list }
  }
}

/// Why a request did not do what it was for.
package enum WatchFailure: Equatable, Sendable {
  /// The answer's status, or the code of an ERROR event.
  case status(Int, retryAfterSeconds: Int?)
  /// 401, and reading the token again brought another one.
  case unauthorizedWithFreshToken
  /// No whole answer: connection, TLS, timeout.
  case transport
  /// What came is no event, no list, no object. Nothing of the stream is to be trusted.
  case malformed
  /// A line, and so an object, beyond the limit.
  case tooLong
  /// A streaming list went silent, or turned out to be an ordinary watch.
  case notStreaming

  /// How long the server wants to be left alone.
  var retryAfterSeconds: Int? {
    if case .status(_, let seconds) = self { seconds } else { nil }
  }
}

/// One event of a stream, as far as the machine needs to know it.
package enum WatchInput: Equatable, Sendable {
  case applied(resourceVersion: String)
  case deleted(resourceVersion: String)
  case bookmark(resourceVersion: String, initialEventsEnd: Bool)
}

/// What to do next: always one thing.
package enum WatchAction: Equatable, Sendable {
  case nothing
  /// Send it; what comes is the answer to this and nothing else.
  case send(WatchRequest)
  /// What comes is a list: tell the index that it begins.
  case beginRelist
  /// Hand the object over.
  case apply
  case delete
  /// The list is complete; the stream goes on with changes.
  case endRelist
  /// The list is complete; send the watch.
  case endRelistAndSend(WatchRequest)
  /// End the stream if one is open, wait, then `timerFired`. `relists`: everything will be listed.
  case wait(Duration, relists: Bool)
}
