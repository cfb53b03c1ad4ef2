import Ingest

/// Which objects may have something to do, so that a step costs the same however many wait.
///
/// Whether an object really has a job its machine says. One that was sealed while it was in the
/// queue of the growing ones is in both, and is passed over there.
struct DeliveryQueue {
  private struct Later: Comparable {
    var time: Duration
    var id: ObjectID

    static func < (left: Later, right: Later) -> Bool {
      (left.time, left.id) < (right.time, right.id)
    }
  }

  /// Sealed objects first: until they are stored, their segments hold disk space.
  private var sealed = BinaryHeap<ObjectID>()
  private var growing = BinaryHeap<ObjectID>()
  private var sealedIDs: Set<ObjectID> = []
  private var growingIDs: Set<ObjectID> = []
  /// Objects that must not be tried before a time; an entry may be out of date.
  private var later = BinaryHeap<Later>()

  /// The next time at which an object is due.
  var nextTime: Duration? { later.least?.time }

  mutating func insert(_ id: ObjectID, isSealed: Bool) {
    if isSealed {
      if sealedIDs.insert(id).inserted { sealed.insert(id) }
    } else {
      if growingIDs.insert(id).inserted { growing.insert(id) }
    }
  }

  mutating func insert(_ id: ObjectID, at time: Duration) {
    later.insert(Later(time: time, id: id))
  }

  /// An object whose time has come, taken out.
  mutating func takeDue(now: Duration) -> ObjectID? {
    guard let least = later.least, least.time <= now else { return nil }
    later.removeLeast()
    return least.id
  }

  /// The first object, the oldest of the sealed ones or else of the growing ones; it stays.
  var first: (id: ObjectID, isSealed: Bool)? {
    if let id = sealed.least { return (id, true) }
    return growing.least.map { ($0, false) }
  }

  mutating func removeFirst() {
    if let id = sealed.removeLeast() {
      sealedIDs.remove(id)
    } else if let id = growing.removeLeast() {
      growingIDs.remove(id)
    }
  }
}
