import Ingest

/// Sums over the sealed objects, kept as each of them changes.
struct DeliveryTally {
  /// What one object adds.
  struct Share: Equatable {
    /// Sealed, and not in the store yet.
    var isPending = false
    /// Sealed, and neither done with nor quarantined.
    var isOpen = false
    var byteCount = 0
    /// Arrival of its oldest row, seconds since 1970.
    var oldestRowSeconds: Int64 = 0
  }

  private struct Age: Comparable {
    var seconds: Int64
    var id: ObjectID

    static func < (left: Age, right: Age) -> Bool {
      (left.seconds, left.id) < (right.seconds, right.id)
    }
  }

  private var shares: [ObjectID: Share] = [:]
  /// Pending objects by age; one that is out of date is passed over when it comes up.
  private var ages = BinaryHeap<Age>()
  private(set) var pendingCount = 0
  private(set) var pendingByteCount = 0
  private(set) var openCount = 0

  /// nil: the object is forgotten.
  mutating func set(_ id: ObjectID, _ share: Share?) {
    let old = shares[id] ?? Share()
    let new = share ?? Share()
    shares[id] = share
    guard old != new else { return }
    pendingCount += (new.isPending ? 1 : 0) - (old.isPending ? 1 : 0)
    pendingByteCount += (new.isPending ? new.byteCount : 0) - (old.isPending ? old.byteCount : 0)
    openCount += (new.isOpen ? 1 : 0) - (old.isOpen ? 1 : 0)
    if new.isPending, !old.isPending || new.oldestRowSeconds != old.oldestRowSeconds {
      ages.insert(Age(seconds: new.oldestRowSeconds, id: id))
    }
  }

  /// Arrival of the oldest row that is not in the store, seconds since 1970; nil: none waits.
  mutating func oldestRowSeconds() -> Int64? {
    while let least = ages.least {
      if let share = shares[least.id], share.isPending, share.oldestRowSeconds == least.seconds {
        return least.seconds
      }
      ages.removeLeast()
    }
    return nil
  }
}
