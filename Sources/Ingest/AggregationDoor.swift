import KubeIndex

/// What is there before DATA_DIR is recovered: the lock on it, and where reports and index changes
/// are handed in.
package struct AggregationDoor: Sendable {
  let settings: IngestSettings
  let disk: any Disk
  let delivery: any ObjectDelivery
  let counters: IngestCounters
  let kubeCounters: KubeCounters
  let time: any TimeSource
  let random: @Sendable () -> UInt64
  let events: @Sendable (IngestEvent) -> Void
  let gate = IntakeGate()
  let inbox: WriterInbox

  /// Locks DATA_DIR, and refuses one that another version has written to.
  package init(
    settings: IngestSettings, disk: any Disk, delivery: any ObjectDelivery,
    counters: IngestCounters, kubeCounters: KubeCounters, time: any TimeSource,
    random: @escaping @Sendable () -> UInt64, events: @escaping @Sendable (IngestEvent) -> Void
  ) throws(Aggregation.StartError) {
    self.settings = settings
    self.disk = disk
    self.delivery = delivery
    self.counters = counters
    self.kubeCounters = kubeCounters
    self.time = time
    self.random = random
    self.events = events
    inbox = WriterInbox(gate: gate, time: time, counters: counters)
    do {
      try ObjectKey.check(prefix: settings.prefix)
    } catch {
      throw .prefix(error)
    }
    let foreign: (name: String, version: UInt32)?
    do {
      try disk.lock(FileName.lock.text)
      foreign = try LogScan.foreignLog(on: disk)
    } catch {
      if error.call == .lock, error.isWouldBlock { throw .locked(holder: Self.holder(disk)) }
      throw .disk(error)
    }
    if let foreign { throw .logVersion(name: foreign.name, version: foreign.version) }
  }

  /// The pid in the lock's file.
  private static func holder(_ disk: any Disk) -> Int? {
    guard let bytes = try? disk.contents(of: FileName.lock.text, maximumByteCount: 32)
    else { return nil }
    return Int(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
  }
}
