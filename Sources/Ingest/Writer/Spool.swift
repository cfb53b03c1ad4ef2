import Synchronization

/// Allocated bytes in DATA_DIR, file by file, and the limit at which reports are refused. Encoding
/// and sending do not look at it.
package final class Spool: Sendable {
  private struct State {
    var files: [String: Int] = [:]
    var total = 0
    var logTotal = 0
    var isFull = false
  }

  /// Effective limit, bytes.
  package let limit: Int
  private let state = Mutex(State())
  private let gate: IntakeGate
  private let counters: IngestCounters
  private let events: @Sendable (IngestEvent) -> Void

  package init(
    limit: Int, gate: IntakeGate, counters: IngestCounters,
    events: @escaping @Sendable (IngestEvent) -> Void
  ) {
    self.limit = limit
    self.gate = gate
    self.counters = counters
    self.events = events
    counters.spoolLimitBytes.set(limit)
  }

  package var byteCount: Int { state.withLock { $0.total } }

  /// `name` now occupies `byteCount` bytes.
  package func set(_ name: String, byteCount: Int) { change(name, to: byteCount) }

  package func remove(_ name: String) { change(name, to: nil) }

  package func rename(_ old: String, to new: String) {
    state.withLock { state in
      guard let byteCount = state.files.removeValue(forKey: old) else { return }
      state.files[new] = byteCount
      if Self.isLog(old) { state.logTotal -= byteCount }
      if Self.isLog(new) { state.logTotal += byteCount }
      counters.logBytes.set(state.logTotal)
    }
  }

  /// What `name` really occupies; left as it was when the disk does not say. `onlyIfKnown`: for a
  /// file that another thread may remove meanwhile, so that what was removed stays so.
  package func measure(_ name: String, on disk: any Disk, onlyIfKnown: Bool = false) {
    guard let byteCount = try? disk.allocatedByteCount(of: name) else { return }
    change(name, to: byteCount, onlyIfKnown: onlyIfKnown)
  }

  private static func isLog(_ name: String) -> Bool { name.hasSuffix(".log") }

  private func change(_ name: String, to byteCount: Int?, onlyIfKnown: Bool = false) {
    let crossing: IngestEvent? = state.withLock { state in
      if onlyIfKnown, state.files[name] == nil { return nil }
      let amount = (byteCount ?? 0) - (state.files[name] ?? 0)
      state.files[name] = byteCount
      state.total += amount
      if Self.isLog(name) { state.logTotal += amount }
      counters.spoolBytes.set(state.total)
      counters.logBytes.set(state.logTotal)
      let isFull = state.total >= limit
      guard isFull != state.isFull else { return nil }
      state.isFull = isFull
      if isFull {
        gate.close(.spoolFull)
        return .spoolFull(byteCount: state.total, limit: limit)
      }
      gate.open(.spoolFull)
      return .spoolHasRoom(byteCount: state.total, limit: limit)
    }
    if let crossing { events(crossing) }
  }
}
