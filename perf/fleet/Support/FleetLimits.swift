/// Every bound of the simulated cluster and its collectors.
enum FleetLimits {
  static let maximumNodes = 200_000
  static let maximumPods = 5_000_000
  static let maximumConnections = 20_000

  /// Changes that a watch can resume over, unless `--history` says otherwise.
  static let defaultHistory = 1 << 17

  /// Objects in a page of a list whose client sets no limit, and events a watch writes at once:
  /// what is rendered under one hold of the cluster's lock.
  static let objectsPerChunk = 64

  /// Claims that one pod mounts at most.
  static let maximumClaimsPerPod = 2

  /// Idle watches get a bookmark this often.
  static let bookmarkSeconds: Int64 = 60

  /// Bytes of an answer's head and body that a collector keeps.
  static let maximumAnswerBytes = 64 * 1024

  /// A retry waits this long at first, doubled each time up to the maximum, unless Retry-After
  /// says.
  static let firstRetryMilliseconds: Int64 = 50
  static let maximumRetryMilliseconds: Int64 = 5000

  /// Acknowledged reports gathered before they go to the ledger's file.
  static let ledgerBufferBytes = 256 * 1024
}
