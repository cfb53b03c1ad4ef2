import Synchronization

/// The memory that bodies of requests may take together, in three shares.
///
/// A body's whole capacity is reserved before the first byte of it is read, and given back when the
/// writer has answered. No share waits for an earlier one: a small body of unknown length may have
/// to wait for the large share, a compressed one for the inflated share, and that one waits only
/// for the writer. So there is no circle in which bodies could wait for each other.
/// Thread-safe.
final class BodyBudget: Sendable {
  enum Share: Sendable {
    case small, large, inflated
  }

  /// Bytes taken from one share, to be given back once.
  struct Reservation: Sendable {
    var share: Share
    var byteCount: Int
  }

  private let small = Atomic<Int>(0)
  private let large = Atomic<Int>(0)
  private let inflated = Atomic<Int>(0)
  private let smallLimit: Int
  private let largeLimit: Int
  private let inflatedLimit: Int

  init(
    small: Int = ServiceLimits.smallBodyShareByteCount,
    large: Int = ServiceLimits.largeBodyShareByteCount,
    inflated: Int = ServiceLimits.inflatedShareByteCount
  ) {
    smallLimit = small
    largeLimit = large
    inflatedLimit = inflated
  }

  /// The share that a body of `byteCount` bytes as sent draws from.
  static func share(of byteCount: Int) -> Share {
    byteCount <= ServiceLimits.smallBodyByteCount ? .small : .large
  }

  /// Reserves, or returns nil when the share has too little left. A body larger than a whole share
  /// gets it when nobody else holds any of it.
  func tryReserve(_ byteCount: Int, from share: Share) -> Reservation? {
    let taken: Bool
    switch share {
    case .small: taken = Self.tryAdd(byteCount, to: small, limit: smallLimit)
    case .large: taken = Self.tryAdd(byteCount, to: large, limit: largeLimit)
    case .inflated: taken = Self.tryAdd(byteCount, to: inflated, limit: inflatedLimit)
    }
    return taken ? Reservation(share: share, byteCount: byteCount) : nil
  }

  func release(_ reservation: Reservation) {
    switch reservation.share {
    case .small: small.subtract(reservation.byteCount, ordering: .relaxed)
    case .large: large.subtract(reservation.byteCount, ordering: .relaxed)
    case .inflated: inflated.subtract(reservation.byteCount, ordering: .relaxed)
    }
  }

  /// Bytes reserved now.
  var byteCount: Int {
    small.load(ordering: .relaxed) + large.load(ordering: .relaxed)
      + inflated.load(ordering: .relaxed)
  }

  private static func tryAdd(_ byteCount: Int, to used: borrowing Atomic<Int>, limit: Int) -> Bool {
    let (_, sum) = used.add(byteCount, ordering: .relaxed)
    if sum <= limit || sum == byteCount { return true }
    used.subtract(byteCount, ordering: .relaxed)
    return false
  }
}
