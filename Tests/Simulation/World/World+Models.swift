import Ingest
import SimulationModels

/// What the models of disk, store and clock call back for.
extension World {
  /// Others work while a call is under way.
  func meanwhile() {
    guard process != nil, !isStarting, working.count < 3, !disk.isDown,
      Int.random(in: 0..<100, using: &random) < scenario.interleavingShare
    else { return }
    for _ in 0..<Int.random(in: 1...4, using: &random) { step(pick()) }
  }

  /// Time passes for someone who waits; the others go on.
  func pass(_ duration: Duration) {
    let end = time.uptime + duration
    while time.uptime < end, !disk.isDown {
      if !isStarting { for _ in 0..<4 { step(pick()) } }
      time.advance(min(.seconds(1), max(.milliseconds(1), end - time.uptime)))
      giveSight()
    }
  }

  func fault(at call: ModelDisk.Call) -> ModelDisk.Fault? {
    meanwhile()
    guard !disk.isDown else { return nil }
    let (fault, wait) = mischief.fault(
      at: call, now: time.uptime, isStarting: isStarting, &random)
    if let fault { note("\(call.step) (call \(call.number)): \(fault)") }
    if wait > .zero {
      note("\(call.step) takes \(wait)")
      pass(wait)
    }
    return fault
  }

  func storeFault(_ operation: StoreRequest.Operation) -> StoreFault? {
    guard !mischief.isOver, let fault = drawStoreFault(operation) else { return nil }
    mischief.count(fault.rawValue)
    note("\(operation.rawValue): \(fault.rawValue)")
    return fault
  }

  func arrived(_ request: StoreRequest) {
    guard store.bucket.objects[request.key] == nil,
      mischief.takesKey(before: request.operation)
    else { return }
    mischief.count(Neighbour.foreignObject.rawValue)
    note("someone else's object: \(request.key)")
    foreignKeys.insert(request.key)
    store.bucket.plant(request.key, Neighbour.bytes)
    // Its rows stay in DATA_DIR.
    for name in files(ofKey: request.key) {
      foreignFiles.insert(name)
      if let bytes = disk.bytes(of: name) { collectors.change { $0.objectDamaged(bytes) } }
    }
  }

  /// The object's file as the segment's seal says; any of the segment's should that be damaged.
  private func files(ofKey key: String) -> [String] {
    let stem = key.split(separator: "/").last?.dropLast(".parquet".count) ?? ""
    guard let writer = WriterID(stem.prefix(36)), let segment = UInt64(stem.dropFirst(37))
    else { return [] }
    let bytes = disk.bytes(of: FileName.seal(segment).text) ?? []
    let seal = bytes.withUnsafeBytes { Seal($0, writer: writer, segment: segment) }
    if let seal { return seal.objects.filter { $0.key == key }.map(\.fileName) }
    return disk.names.filter { name in
      if case .object(let id) = FileName(name) { id.segment == segment } else { false }
    }
  }

  private func drawStoreFault(_ operation: StoreRequest.Operation) -> StoreFault? {
    if let lure = mischief.lure(at: operation), Int.random(in: 0..<4, using: &random) == 0 {
      return lure
    }
    guard Int.random(in: 0..<1_000, using: &random) < scenario.storeFaultShare else { return nil }
    return scenario.storeFaults.filter { $0.applies(to: operation) }
      .randomElement(using: &random)
  }

  func storeCrash(_ operation: StoreRequest.Operation, _ isAfter: Bool) -> Bool {
    guard mischief.crashes(operation, isAfter: isAfter) else { return false }
    note("power goes \(isAfter ? "after" : "before") \(operation.rawValue)")
    disk.cutPower()
    return true
  }

  func fraction() -> Double { Double.random(in: 0..<1, using: &random) }
}
