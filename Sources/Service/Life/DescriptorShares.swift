import Glibc
import Ingest

/// How the files that this process may have open are shared out.
struct DescriptorShares: Equatable {
  /// Connections that fit in.
  let connections: Int
  /// Object files of one segment. A segment that needed more could never be encoded.
  let openObjects: Int

  /// `limit`: files that may be open.
  init(limit: Int) {
    let reserved = min(ServiceLimits.reservedDescriptorCount, limit / 2)
    connections = min(ServiceLimits.maximumConnectionCount, limit - reserved)
    // Where few may be open, a live segment and one of the backlog share what connections leave.
    openObjects = max(1, min(IngestLimits.maximumOpenObjects, limit / 8))
  }

  /// Raises the limit of open files as far as allowed, and shares out what that is.
  static func raised() -> DescriptorShares {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return DescriptorShares(limit: 1_024)
    }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = limit.rlim_max
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return DescriptorShares(limit: Int(clamping: limit.rlim_cur))
  }
}
