import Synchronization

/// Counts of the API client and the index, readable from any thread.
package final class KubeCounters: Sendable {
  /// One number, changed and read without order.
  package struct Counter: ~Copyable, Sendable {
    private let value = Atomic<Int>(0)

    package func add(_ amount: Int) { value.wrappingAdd(amount, ordering: .relaxed) }

    package func set(_ newValue: Int) { value.store(newValue, ordering: .relaxed) }

    package var current: Int { value.load(ordering: .relaxed) }
  }

  /// Counts of one kind of object.
  package final class Kind: Sendable {
    /// Requests that ended, and how long they took together, by verb. A watch's time is until its
    /// head arrived.
    package let lists = Counter()
    package let listMicroseconds = Counter()
    package let watches = Counter()
    package let watchMicroseconds = Counter()
    /// Requests that did not get a 2xx.
    package let failures = Counter()
    /// Watches started again after one had ended.
    package let restarts = Counter()
    /// Lists after the first one.
    package let relists = Counter()
    /// Events that were no valid JSON, or of an unknown type: each ends its stream.
    package let malformedEvents = Counter()
    /// Watch events taken in, bookmarks included.
    package let events = Counter()
    /// Unix seconds of the last event or list page; 0: none yet.
    package let lastEventSeconds = Counter()
    /// Objects in the index that exist.
    package let objects = Counter()
    /// 1 when the kind has been listed in whole and its changes handed over, else 0.
    package let ready = Counter()

    package init() {}
  }

  private let nodes = Kind()
  private let pods = Kind()
  private let persistentVolumeClaims = Kind()
  private let persistentVolumes = Kind()
  /// Lookups in the index, of every kind, and those that found nothing.
  package let lookups = Counter()
  package let misses = Counter()
  /// Deleted objects dropped before their time because there were too many.
  package let tombstonesDropped = Counter()

  package init() {}

  package func kind(_ kind: ObjectKind) -> Kind {
    switch kind {
    case .nodes: nodes
    case .pods: pods
    case .persistentVolumeClaims: persistentVolumeClaims
    case .persistentVolumes: persistentVolumes
    }
  }
}
