import Foundation
import Ingest
import Synchronization
import Testing

@testable import Service

/// The whole delivery on one thread, a manual clock and a store that fails at random: whatever the
/// answers, each object comes to lie under its key once and unchanged, and no upload is left.
struct DeliverySimulationTests {
  @Test(arguments: 0..<200)
  func storesEverythingOnce(round: Int) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let simulation = try DeliverySimulation(seed: seed)
    do {
      try simulation.run()
    } catch {
      Issue.record("seed \(seed): \(error)")
    }
  }

  /// What was uploaded while the file grew is completed after the seal, and not sent again.
  @Test func growingUploadIsCompleted() throws {
    for seed in UInt64(0)..<50 {
      let simulation = try DeliverySimulation(seed: seed)
      simulation.store.faultShare.withLock { $0 = 0 }
      try simulation.write(segment: 1, sizes: [70])
      simulation.seal(1)
      simulation.drive()
      #expect(simulation.delivered == [1], "seed \(seed)")
      #expect(simulation.store.createdUploadCount == 1, "seed \(seed)")
      #expect(simulation.store.sentPartCount == 5, "seed \(seed)")
    }
  }

  /// A file that is not what its seal says is never made visible, and stays for a human.
  @Test(arguments: [20, 6])
  func damagedFileIsSetAsideAndToldOf(byteCount: Int) throws {
    let simulation = try DeliverySimulation(seed: 1)
    simulation.store.faultShare.withLock { $0 = 0 }
    try simulation.write(segment: 1, sizes: [byteCount, 30])
    simulation.damage(segment: 1, partition: 0)
    simulation.seal(1)
    simulation.drive()
    #expect(simulation.store.object("key-1-0") == nil)
    #expect(simulation.store.object("key-1-1") != nil)
    #expect(simulation.store.uploadCount == 0)
    #expect(simulation.disk.names == ["00000000000000000001-0.parquet.quarantine"])
    #expect(simulation.delivered == [1])
    #expect(simulation.counters.damaged.load(ordering: .relaxed) == 1)
    #expect(
      simulation.events.contains { if case .objectDamaged = $0 { true } else { false } })
  }

  /// A foreign object under the key is never replaced, and its segment never counts as delivered.
  @Test func foreignObjectStaysAndIsToldOf() throws {
    let simulation = try DeliverySimulation(seed: 1)
    simulation.store.plant("key-1-0", Array("someone else's".utf8))
    simulation.store.faultShare.withLock { $0 = 0 }
    try simulation.write(segment: 1, sizes: [20])
    simulation.seal(1)
    simulation.drive()
    #expect(simulation.store.object("key-1-0") == Array("someone else's".utf8))
    #expect(simulation.delivered.isEmpty)
    #expect(simulation.disk.names.contains("00000000000000000001-0.parquet"))
    #expect(simulation.counters.quarantined.load(ordering: .relaxed) == 1)
    #expect(
      simulation.events.contains {
        if case .uploadQuarantined = $0 { true } else { false }
      })
  }
}

/// Segments of small objects, a restart now and then, and random faults.
private final class DeliverySimulation {
  let store: FaultyStore
  let disk = MemoryDisk()
  let counters = DeliveryCounters()
  private(set) var delivered: [UInt64] = []
  private(set) var events: [StoreEvent] = []
  private var core: DeliveryCore
  private var random: SplitMix
  private let clock = ManualClock(wallSeconds: 0)
  private var sealed: [UInt64: [SealedObject]] = [:]
  private var contents: [String: [UInt8]] = [:]

  private static let settings = MultipartMachine.Settings(
    partByteCount: 16, minimumMultipartByteCount: 8, maximumPartsInFlight: 3, takesParts: true)

  init(seed: UInt64) throws {
    random = SplitMix(seed: seed)
    store = FaultyStore(seed: seed &+ 1)
    core = Self.makeCore()
  }

  private static func makeCore() -> DeliveryCore {
    DeliveryCore(settings: settings, store: "S3", random: { 0.5 })
  }

  func run() throws {
    for segment in 1...UInt64(4) {
      let sizes = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        Int.random(in: 1...70, using: &random)
      }
      try write(segment: segment, sizes: sizes)
      if Int.random(in: 0..<4, using: &random) == 0 {
        // Given up before the seal, and encoded again.
        core.abandoned(segment)
        for partition in sizes.indices { try disk.remove(Self.temporaryName(segment, partition)) }
        try write(segment: segment, sizes: sizes)
      }
      seal(segment)
      drive(steps: Int.random(in: 0...20, using: &random))
      if Int.random(in: 0..<3, using: &random) == 0 { restart() }
    }
    drive(steps: 5000)
    store.faultShare.withLock { $0 = 0 }
    drive()
    #expect(core.isDrained)
    #expect(delivered.sorted() == sealed.keys.sorted())
    for (key, bytes) in contents { #expect(store.object(key) == bytes, "\(key)") }
    #expect(store.objectCount == contents.count)
    #expect(store.overwrites == 0)
    restart()
    drive()
    #expect(store.uploadCount == 0)
    #expect(disk.names.isEmpty)
  }

  /// Writes the files of a segment, letting the delivery see them grow.
  func write(segment: UInt64, sizes: [Int]) throws {
    var objects: [SealedObject] = []
    for (partition, size) in sizes.enumerated() {
      let id = ObjectID(segment: segment, partition: UInt32(partition))
      let name = Self.temporaryName(segment, partition)
      let key = "key-\(segment)-\(partition)"
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
      let file = try disk.create(name)
      core.opened(id, key: key, fileName: name)
      for start in stride(from: 0, to: size, by: 9) {
        try bytes[start..<min(size, start + 9)].withUnsafeBytes { try file.write($0, at: start) }
        core.grew(id, byteCount: min(size, start + 9))
        drive(steps: Int.random(in: 0...2, using: &random))
      }
      contents[key] = bytes
      objects.append(
        SealedObject(
          id: id, key: key, fileName: String(name.dropLast(4)), byteCount: size, rowCount: 1,
          sha256: SHA256.hex(bytes.withUnsafeBytes { SHA256.digest($0) }), attempt: "",
          oldestRowSeconds: 0))
    }
    sealed[segment] = objects
  }

  /// The medium changes a byte of a file that is written but not sealed.
  func damage(segment: UInt64, partition: Int) {
    guard let file = try? disk.open(Self.temporaryName(segment, partition)) else { return }
    try? [UInt8(ascii: "?"), UInt8(ascii: "!")].withUnsafeBytes { try file.write($0, at: 1) }
  }

  func seal(_ segment: UInt64) {
    let objects = sealed[segment] ?? []
    for object in objects {
      try? disk.rename(object.fileName + ".tmp", to: object.fileName)
      drive(steps: Int.random(in: 0...2, using: &random))
      core.opened(object.id, key: object.key, fileName: object.fileName)
      drive(steps: Int.random(in: 0...2, using: &random))
    }
    core.sealed(segment, objects: objects, recovered: false, now: clock.uptime)
  }

  /// What a crash leaves is the disk and the store.
  private func restart() {
    core = Self.makeCore()
    for (segment, objects) in sealed where !delivered.contains(segment) {
      core.sealed(segment, objects: objects, recovered: true, now: clock.uptime)
    }
  }

  /// Runs jobs, several at a time, until nothing is to be done (or `steps` are through).
  func drive(steps: Int = 100_000) {
    let runner = DeliveryRunner(
      store: store, disk: disk, directory: nil, checkLine: { _ in "" }, events: { _ in })
    var running: [DeliveryCore.Ticket] = []
    var left = steps
    while left > 0 {
      left -= 1
      delivered += core.takeDelivered()
      var due: Duration?
      if running.count < 4 {
        switch core.next(now: clock.uptime) {
        case .run(let ticket):
          running.append(ticket)
          continue
        case .wait(let until): due = until
        }
      }
      if running.isEmpty {
        guard let due else { break }
        clock.advance((due - clock.uptime).inSeconds + 0.001)
        continue
      }
      finish(running.remove(at: Int.random(in: 0..<running.count, using: &random)), runner)
    }
    for ticket in running { finish(ticket, runner) }
    delivered += core.takeDelivered()
  }

  private func finish(_ ticket: DeliveryCore.Ticket, _ runner: DeliveryRunner) {
    events += core.finish(
      ticket, runner.run(ticket.work), now: clock.uptime, wallSeconds: 0, counters: counters)
  }

  private static func temporaryName(_ segment: UInt64, _ partition: Int) -> String {
    FileName.objectTemporary(ObjectID(segment: segment, partition: UInt32(partition))).text
  }
}

/// A bucket in memory. A call may fail before or after it took effect.
private final class FaultyStore: ObjectStore {
  private struct State {
    var random: SplitMix
    var objects: [String: [UInt8]] = [:]
    var uploads: [String: (key: String, parts: [Int: [UInt8]])] = [:]
    var nextID = 1
    var overwrites = 0
    var sentPartCount = 0
  }

  private let state: Mutex<State>
  /// Of 100 calls, how many fail.
  let faultShare = Mutex(30)

  init(seed: UInt64) { state = Mutex(State(random: SplitMix(seed: seed))) }

  var description: String { "S3" }
  var credentialSource: String? { nil }
  var takesParts: Bool { true }
  var objectCount: Int { state.withLock { $0.objects.count } }
  var uploadCount: Int { state.withLock { $0.uploads.count } }
  var overwrites: Int { state.withLock { $0.overwrites } }
  var createdUploadCount: Int { state.withLock { $0.nextID - 1 } }
  var sentPartCount: Int { state.withLock { $0.sentPartCount } }
  func object(_ key: String) -> [UInt8]? { state.withLock { $0.objects[key] } }
  func plant(_ key: String, _ bytes: [UInt8]) { state.withLock { $0.objects[key] = bytes } }
  func cancel() {}

  /// Fails before the effect, after it, or not at all.
  private func call<R>(
    _ effect: (inout State) throws(StoreFailure) -> R
  ) throws(StoreFailure) -> R {
    let share = faultShare.withLock { $0 }
    return try state.withLock { (state) throws(StoreFailure) -> R in
      let roll = Int.random(in: 0..<100, using: &state.random)
      if roll < share / 2 {
        let kinds: [StoreFailure.Kind] = [
          .unknown, .unreachable, .throttled, .accessDenied, .cancelled,
        ]
        throw StoreFailure(
          kinds[Int.random(in: 0..<kinds.count, using: &state.random)], "not done")
      }
      let result = try effect(&state)
      if roll < share { throw StoreFailure(.unknown, "answer lost") }
      return result
    }
  }

  func check() throws(StoreFailure) { try call { (_) throws(StoreFailure) in } }

  func head(_ key: String) throws(StoreFailure) -> ObjectFacts? {
    try call { (state) throws(StoreFailure) in
      state.objects[key].map { ObjectFacts(byteCount: $0.count, eTag: "e") }
    }
  }

  func read(
    _ key: String, facts: ObjectFacts, offset: Int, byteCount: Int
  ) throws(StoreFailure) -> [UInt8] {
    try call { (state) throws(StoreFailure) in
      guard let bytes = state.objects[key] else { throw StoreFailure(.noSuchKey, "gone") }
      return Array(bytes[offset..<offset + byteCount])
    }
  }

  func put(_ key: String, _ source: PartSource) throws(StoreFailure) {
    let bytes = try Self.bytes(source)
    try call { (state) throws(StoreFailure) in
      guard state.objects[key] == nil else { throw StoreFailure(.preconditionFailed, "taken") }
      state.objects[key] = bytes
    }
  }

  func createMultipart(_ key: String) throws(StoreFailure) -> String {
    try call { (state) throws(StoreFailure) in
      let id = "u\(state.nextID)"
      state.nextID += 1
      state.uploads[id] = (key, [:])
      return id
    }
  }

  func uploadPart(
    _ key: String, uploadID: String, number: Int, _ source: PartSource
  ) throws(StoreFailure) -> CompletedPart {
    let bytes = try Self.bytes(source)
    return try call { (state) throws(StoreFailure) in
      guard state.uploads[uploadID]?.key == key else { throw StoreFailure(.noSuchUpload, "gone") }
      state.uploads[uploadID]?.parts[number] = bytes
      state.sentPartCount += 1
      return CompletedPart(number: number, eTag: "e")
    }
  }

  func complete(
    _ key: String, uploadID: String, parts: [CompletedPart]
  ) throws(StoreFailure) {
    let isFaulty = faultShare.withLock { $0 > 0 }
    try call { (state) throws(StoreFailure) in
      guard let upload = state.uploads[uploadID] else { throw StoreFailure(.noSuchUpload, "gone") }
      if isFaulty, Int.random(in: 0..<20, using: &state.random) == 0 {
        throw StoreFailure(.conflict, "another request")
      }
      guard state.objects[key] == nil else { throw StoreFailure(.preconditionFailed, "taken") }
      var whole: [UInt8] = []
      for part in parts {
        guard let bytes = upload.parts[part.number] else {
          throw StoreFailure(.invalidPart, "missing part")
        }
        whole += bytes
      }
      state.objects[key] = whole
      state.uploads[uploadID] = nil
    }
  }

  func abort(_ key: String, uploadID: String) throws(StoreFailure) {
    try call { (state) throws(StoreFailure) in state.uploads[uploadID] = nil }
  }

  func uploadIDs(ofKey key: String) throws(StoreFailure) -> [String] {
    try call { (state) throws(StoreFailure) in
      state.uploads.filter { $0.value.key == key }.map(\.key)
    }
  }

  private static func bytes(_ source: PartSource) throws(StoreFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    try source.forEachPiece { (piece) throws(StoreFailure) in bytes += piece }
    return bytes
  }
}
