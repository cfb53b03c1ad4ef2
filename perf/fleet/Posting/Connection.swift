/// One collector's connection and the report on its way over it, if there is one.
final class Connection {
  enum State {
    /// No report in hand.
    case idle
    /// The report waits for the connection, or for room to send.
    case sending
    /// Sent whole.
    case awaitingAnswer
    /// Refused or failed; the same bytes go out again later.
    case waitingToRetry
    /// Nothing in hand, after a failure that should not be repeated at once.
    case resting
  }

  let number: Int
  var descriptor: Int32 = -1
  var state = State.idle
  /// The request: a gap for the head, then the body.
  var request = ByteWriter(capacity: 16 * 1024)
  /// Where the request begins in its buffer, and how far it is sent.
  var requestStart = 0
  var sentCount = 0
  var answer = ByteWriter(capacity: 1024)

  var node = 0
  var timestampMicros: Int64 = 0
  var rows = 0
  /// From when its latency counts.
  var startNanos: Int64 = 0
  /// When this attempt is given up, or when it is made again.
  var deadlineNanos: Int64 = 0
  var attempt = 0

  init(number: Int) {
    self.number = number
  }
}
