/// What became of the reports.
struct Tally {
  var acknowledgedReports = 0
  var acknowledgedRows = 0
  /// Reports given up.
  var lostReports = 0
  var lostRows = 0
  var attempts = 0
  var retries = 0
  var bytesSent = 0
  /// Answers by status, 200 included.
  var statuses: [Int: Int] = [:]
  var timeouts = 0
  var connectFailures = 0
  /// Connections that ended before the answer was there.
  var closedEarly = 0
  var malformedAnswers = 0
  var connections = 0
  var latency = LatencyHistogram()
  /// The first answer that was not 200, to see why.
  var firstRefusal: String?

  var failures: Int {
    statuses.reduce(0) { $1.key == 200 ? $0 : $0 + $1.value } + timeouts + connectFailures
      + closedEarly + malformedAnswers
  }
}
