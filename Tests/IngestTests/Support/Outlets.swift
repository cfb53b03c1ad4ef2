import Synchronization

@testable import Ingest

/// Remembers answers by token.
final class RecordingSink: ReportReplySink {
  private let outcomes = Mutex<[UInt64: [ReportOutcome]]>([:])

  func deliver(_ replies: [ReportReply]) {
    outcomes.withLock { outcomes in
      for reply in replies { outcomes[reply.token, default: []].append(reply.outcome) }
    }
  }

  func outcome(_ token: UInt64) -> ReportOutcome? { outcomes.withLock { $0[token]?.last } }
  func answerCount(_ token: UInt64) -> Int { outcomes.withLock { $0[token]?.count ?? 0 } }
}

/// A store that takes every sealed object at once: an object is created once and never replaced.
final class StoringDelivery: ObjectDelivery {
  struct Stored: Equatable {
    var object: SealedObject
    var bytes: [UInt8]
  }

  private struct State {
    var stored: [String: Stored] = [:]
    var isReachable = true
    var waiting: [UInt64] = []
    var faults: [String] = []
    var abandoned: [UInt64] = []
    var opened: [ObjectID] = []
    var observer: (any DeliveryObserver)?
  }

  private let disk: any Disk
  private let state = Mutex(State())

  init(disk: any Disk) { self.disk = disk }

  var stored: [String: Stored] { state.withLock { $0.stored } }
  var rowCount: Int { state.withLock { $0.stored.values.reduce(0) { $0 + $1.object.rowCount } } }
  /// What must never happen.
  var faults: [String] { state.withLock { $0.faults } }
  var abandoned: [UInt64] { state.withLock { $0.abandoned } }

  func attach(_ observer: any DeliveryObserver) { state.withLock { $0.observer = observer } }
  func setReachable(_ isReachable: Bool) { state.withLock { $0.isReachable = isReachable } }

  func objectOpened(_ id: ObjectID, key: String, fileName: String) {
    state.withLock { $0.opened.append(id) }
  }

  func objectGrew(_ id: ObjectID, byteCount: Int) {}

  func segmentAbandoned(_ segment: UInt64) {
    state.withLock { $0.abandoned.append(segment) }
  }

  func segmentSealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool) {
    guard state.withLock({ $0.isReachable }) else { return }
    for object in objects {
      let bytes: [UInt8]?
      do {
        bytes = try disk.contents(of: object.fileName, maximumByteCount: 1 << 30)
      } catch {
        // A listed file that is absent was stored; any other failure means no power.
        if error.errno != 2 { return }
        state.withLock { state in
          if state.stored[object.key] == nil { state.faults.append("\(object.key) is lost") }
        }
        continue
      }
      state.withLock { state in
        let stored = Stored(object: object, bytes: bytes ?? [])
        if let old = state.stored[object.key], old.bytes != stored.bytes {
          state.faults.append("\(object.key) would be replaced by other bytes")
        }
        if stored.bytes.count != object.byteCount {
          state.faults.append("\(object.key) has another size than its seal says")
        }
        let hash = stored.bytes.withUnsafeBytes { SHA256.hex(SHA256.digest($0)) }
        if hash != object.sha256 { state.faults.append("\(object.key) has another hash") }
        state.stored[object.key] = stored
      }
      guard (try? disk.remove(object.fileName)) != nil else { return }
    }
    state.withLock { $0.observer }?.segmentDelivered(segment)
  }
}
