/// The measured part of rows in the making: four numbers, their presence and two ordinals, in
/// preallocated columns. Everything textual of a row hangs on the ordinals.
///
/// Memory is reserved for `capacity` rows and touched on first use; `reset` keeps it,
/// `releaseMemory` gives it back to the system and keeps the reservation.
/// Not thread-safe: one owner at a time.
package final class RowBatch {
  /// Bits of `presence`: set when the report gave a value (not null).
  package struct Presence {
    package static let cpu: UInt8 = 1 << 0
    package static let memory: UInt8 = 1 << 1
    package static let networkSent: UInt8 = 1 << 2
    package static let networkReceived: UInt8 = 1 << 3
  }

  /// Rows that fit.
  package let capacity: Int
  /// Rows present, at most `capacity`. The decoder writes behind it, then moves it.
  package var count = 0

  /// cpu_usage_cores; 0 where absent.
  package let cpu: UnsafeMutablePointer<Double>
  /// memory_usage_bytes; 0 where absent.
  package let memory: UnsafeMutablePointer<Int64>
  /// net_tx_bytes; 0 where absent.
  package let networkSent: UnsafeMutablePointer<Int64>
  /// net_rx_bytes; 0 where absent.
  package let networkReceived: UnsafeMutablePointer<Int64>
  package let presence: UnsafeMutablePointer<UInt8>
  /// Which distinct (pod_id, namespace, name, pod_start_time) of the batch.
  package let podOrdinal: UnsafeMutablePointer<UInt32>
  /// Which report of the batch.
  package let reportOrdinal: UnsafeMutablePointer<UInt32>

  private let reservation: MappedMemory

  package init(capacity: Int) {
    precondition(capacity > 0 && capacity <= 1 << 24)
    self.capacity = capacity
    // Each column starts on its own page, so that releasing and touching stay per column.
    let sizes = [8, 8, 8, 8, 1, 4, 4].map { MappedMemory.roundedToPages($0 * capacity) }
    let reservation = MappedMemory(byteCount: sizes.reduce(0, +))
    var bases: [UnsafeMutableRawPointer] = []
    var next = reservation.base
    for size in sizes {
      bases.append(next)
      next += size
    }
    cpu = bases[0].bindMemory(to: Double.self, capacity: capacity)
    memory = bases[1].bindMemory(to: Int64.self, capacity: capacity)
    networkSent = bases[2].bindMemory(to: Int64.self, capacity: capacity)
    networkReceived = bases[3].bindMemory(to: Int64.self, capacity: capacity)
    presence = bases[4].bindMemory(to: UInt8.self, capacity: capacity)
    podOrdinal = bases[5].bindMemory(to: UInt32.self, capacity: capacity)
    reportOrdinal = bases[6].bindMemory(to: UInt32.self, capacity: capacity)
    self.reservation = reservation
  }

  package var availableRowCount: Int { capacity - count }

  package func reset() { count = 0 }

  /// Gives the touched pages back to the system; the batch must be empty.
  package func releaseMemory() {
    precondition(count == 0)
    reservation.release()
  }
}
