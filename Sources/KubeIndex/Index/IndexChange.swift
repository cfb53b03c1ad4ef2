/// What the API server's streams tell the index, in order.

/// A record of any kind.
package enum ObjectRecord: Sendable {
  case node(NodeRecord)
  case pod(PodRecord)
  case claim(ClaimRecord)
  case volume(VolumeRecord)

  package var kind: ObjectKind {
    switch self {
    case .node: .nodes
    case .pod: .pods
    case .claim: .persistentVolumeClaims
    case .volume: .persistentVolumes
    }
  }
}

/// One step. A list arrives as `relistBegan`, its objects as `applied`, then `relistEnded`: what
/// was known before stays until then, so that the index is never empty in between; what the list
/// did not hold counts as deleted at the end. A list that breaks off is followed by a new
/// `relistBegan`.
package enum IndexChange: Sendable {
  case relistBegan(ObjectKind)
  /// Added, modified or listed.
  case applied(ObjectRecord)
  /// Deleted, with its last state.
  case deleted(ObjectRecord)
  case relistEnded(ObjectKind)
}

/// The writer's door for changes. Thread-safe.
package protocol IndexMailbox: AnyObject, Sendable {
  /// Hands over changes in order; blocks while the mailbox is full, and returns at once (the
  /// changes are dropped) when the writer has stopped.
  func send(_ changes: [IndexChange])
}
