import Ingest
import KubeIndex
import Service
import SimulationModels

/// One seed: the service's own code on a disk, a store and clocks that only exist here, on one
/// thread, with collectors in front and mischief all around; then the verdict.
///
/// `@unchecked Sendable`: the models call back through protocols that ask for it; one thread.
package final class World: @unchecked Sendable {
  let scenario: Scenario
  let disk: ModelDisk
  let time = ManualTime()
  let store: ModelS3
  private let sink: AnswerSink
  var random: SeededRandom
  var mischief: Mischief
  var collectors: Collectors
  private(set) var process: ModelProcess?
  private let clock: WorldClock
  private let hooks: WorldHooks

  var working: [ModelProcess.Actor] = []
  private var sleeps: [Duration] = .init(
    repeating: .zero, count: ModelProcess.Actor.allCases.count)
  private var indexDue = Duration.zero
  private var isStopping: Duration?
  private var isFatal = false
  var isStarting = false
  /// Files in which a bit was turned over.
  private var rotten: Set<String> = []
  /// Lines about uploads that the store refused to abort.
  var leftoversTold: [String] = []
  private var blinded: [Blinded] = []
  /// A start has given a part of a log up: the index comes late, so that the log stays for a while.
  private var isLogKept = false
  /// Keys under which someone else's object lies.
  var foreignKeys: Set<String> = []
  /// The files of those keys.
  var foreignFiles: Set<String> = []
  var sealedWideSegments = 0
  var crashCount = 0
  var refusedStarts = 0
  var damageEvents = 0
  var failures: [String] = []
  private var trace: [String]?
  private var turnCount = 0

  private static let maximumTurns = 200_000

  init(scenario: Scenario, random: SeededRandom, isTraced: Bool) {
    let hooks = WorldHooks()
    // Of a copy: what the disk draws moves nothing else.
    var diskRandom = random
    let disk = ModelDisk(seed: diskRandom.next())
    self.disk = disk
    self.scenario = scenario
    self.random = random
    self.hooks = hooks
    mischief = Mischief(scenario: scenario)
    collectors = Collectors(scenario: scenario)
    sink = AnswerSink { disk.isDown }
    clock = WorldClock(time: time, hooks: hooks)
    let time = time
    store = ModelS3(
      minimumPartByteCount: scenario.partByteCount,
      world: ModelS3.World(
        isDown: { disk.isDown }, meanwhile: { hooks.world?.meanwhile() },
        fault: { hooks.world?.storeFault($0) },
        arrived: { hooks.world?.arrived($0) },
        crashes: { hooks.world?.storeCrash($0, $1) ?? false },
        pass: { hooks.world?.pass($0) },
        seconds: { 1_700_000_000 + Double(time.uptime.components.seconds) },
        note: { text in hooks.world?.note(text) }))
    if isTraced { trace = [] }
    hooks.world = self
    store.manner = scenario.manner
    disk.observe { [hooks] in hooks.world?.fault(at: $0) }
    time.setSleep { [hooks] in hooks.world?.pass($0) }
  }

  // MARK: Run

  package static func run(seed: UInt64, isTraced: Bool = false) -> Result {
    var random = SeededRandom(seed: seed)
    let scenario = Scenario(&random)
    return run(World(scenario: scenario, random: random, isTraced: isTraced), seed: seed)
  }

  static func run(_ world: World, seed: UInt64) -> Result {
    var result = Result(seed: seed)
    world.live()
    world.drain()
    result.diskCalls = world.disk.callCount
    world.judge(&result)
    if world.failures.isEmpty { world.restartOnceMore() }
    world.judge(&result)
    world.checkScenario()
    result.failures = world.failures
    result.tally = world.mischief.tally
    result.tally.merge(world.collectors.tally)
    result.trace = world.trace ?? []
    result.acknowledged = world.collectors.ledger.acknowledgedCount
    result.refusedStarts = world.refusedStarts
    result.requests = world.store.requestCount
    return result
  }

  private func live() {
    mischief.count(scenario.manner.rawValue)
    while failures.isEmpty, !isLivedOut {
      turn()
      countTurn()
    }
  }

  private var isLivedOut: Bool {
    if mischief.isIdle, mischief.otherFaultCount < scenario.bounds.otherFaults {
      mischief.addFault()
    }
    if hasEverything, crashCount < scenario.bounds.crashes { disk.cutPower() }
    return hasEverything
  }

  private var hasEverything: Bool {
    collectors.ledger.acknowledgedCount >= scenario.bounds.acknowledged
      && collectors.hasPostedAll && mischief.isIdle
      && sealedWideSegments >= scenario.bounds.wideSegments && process != nil
  }

  private func countTurn() {
    turnCount += 1
    if turnCount > Self.maximumTurns { fail("no end after \(turnCount) turns") }
  }

  /// Everything is mended; what is there comes to the store.
  func drain() {
    mischief.end()
    applyLasting()
    note("everything is mended")
    turnCount = 0
    while failures.isEmpty {
      if process?.isJoining == true { process?.core.status.flush() }
      turn()
      if collectors.hasPostedAll, process?.isDrained == true, store.late.isEmpty { break }
      if !store.late.isEmpty { deliverLate() }
      countTurn()
    }
  }

  /// A service that has stored everything may still have to abort an upload behind someone else's
  /// object, for which no end of a process waits.
  func awaitAborts() {
    let end = time.uptime + .seconds(900)
    while failures.isEmpty, !uploadsLeft.isEmpty, time.uptime < end {
      turn()
      countTurn()
    }
  }

  func fail(_ text: String) {
    note("FAILED: \(text)")
    if failures.count < 20 { failures.append(text) }
  }

  func note(_ text: @autoclosure () -> String) {
    guard trace != nil else { return }
    let milliseconds = time.uptime.nanoseconds / 1_000_000
    trace?.append("\(milliseconds) ms  \(text())")
  }

  // MARK: Turns

  private func turn() {
    mischief.expire(now: time.uptime)
    applyLasting()
    guard let process, !disk.isDown, !isFatal else {
      restart()
      return
    }
    if !process.isIndexReady, time.uptime >= indexDue { bringIndex(process) }
    takeAnswers()
    if let deed = mischief.next(now: time.uptime, &random) { carryOut(deed) }
    if isStopping == nil { post(process) }
    step(pick())
    takeAnswers()
    if !store.late.isEmpty, Int.random(in: 0..<400, using: &random) == 0 { deliverLate() }
    endIfStopped(process)
    if let least = sleeps.min(), least > .zero {
      // An outage of hours is gone through in larger steps.
      let isLong = mischief.isOutageLong(now: time.uptime)
      time.advance(isLong ? max(least, .seconds(20)) : least)
      for place in sleeps.indices { sleeps[place] = .zero }
    }
  }

  func pick() -> ModelProcess.Actor? {
    let free = ModelProcess.Actor.allCases.filter { !working.contains($0) }
    return free.randomElement(using: &random)
  }

  func step(_ actor: ModelProcess.Actor?) {
    guard let actor, let process, !disk.isDown else { return }
    working.append(actor)
    let sleep = process.step(actor) { Int.random(in: 0..<$0, using: &self.random) }
    working.removeLast()
    if sleep == .zero {
      for place in sleeps.indices { sleeps[place] = .zero }
    } else {
      sleeps[actor.rawValue] = sleep
    }
  }

  private func post(_ process: ModelProcess) {
    guard process.core.gate.refusal == nil else { return }
    let sink = sink
    // What is planned needs something to happen at.
    let isMoreWanted =
      !mischief.isOver && !mischief.isOutageLong(now: time.uptime)
      && !(mischief.isIdle && sealedWideSegments >= scenario.bounds.wideSegments)
    collectors.post(now: time.uptime, isMoreWanted: isMoreWanted, &random) { body, token in
      process.core.inbox.trySubmit(body, token: token, sink: sink)
    }
  }

  private func takeAnswers() {
    let replies = sink.take()
    if !replies.isEmpty { collectors.take(replies, now: time.uptime, &random) }
  }

  private func bringIndex(_ process: ModelProcess) {
    note("the index is there")
    let nodes = (0..<scenario.nodeCount).compactMap { number -> NodeRecord? in
      guard Int.random(in: 0..<3, using: &random) == 0 else { return nil }
      return NodeRecord(name: Text("node-\(number)"), clusterName: Text("green"))
    }
    process.makeIndexReady(nodes: nodes)
  }

  func deliverLate() {
    let place = Int.random(in: 0..<store.late.count, using: &random)
    note("a late \(store.late[place].operation.rawValue) arrives: \(store.late[place].key)")
    store.deliverLate(at: place)
  }

  // MARK: Life and death

  private func restart() {
    let isPowerCut = disk.isDown && Bool.random(using: &random)
    if isFatal { mischief.count(LifeFault.fatalEnd.rawValue) }
    if disk.isDown {
      crashCount += 1
      mischief.count((isPowerCut ? LifeFault.powerCut : .killed).rawValue)
      note(isPowerCut ? "power cut" : "killed")
    }
    end(keepingMemory: !isPowerCut)
  }

  /// The process is gone; the next one starts.
  func end(keepingMemory: Bool) {
    takeAnswers()
    process = nil
    isFatal = false
    isStopping = nil
    collectors.connectionsBroke(now: time.uptime, &random)
    disk.restart(keepingUnsynced: keepingMemory, random: &random)
    time.advance(.milliseconds(Int.random(in: 10...5_000, using: &random)))
    start()
  }

  private func start() {
    mischief.startBegins(&random)
    let faultsBefore = disk.faultCount
    isStarting = true
    defer {
      isStarting = false
      mischief.startEnded()
    }
    note("start")
    let hooks = hooks
    guard
      let delivery = DeliveryStepper(
        settings: DeliveryStepper.Settings(
          bucket: ModelS3.bucketName, endpoint: ModelS3.endpoint,
          environment: ModelS3.environment, partByteCount: scenario.partByteCount,
          minimumMultipartByteCount: scenario.minimumMultipartByteCount),
        disk: disk, transport: store, clock: clock,
        random: { hooks.world?.fraction() ?? 0 },
        events: { hooks.world?.take(line: $0, isDamage: $1) })
    else {
      fail("no delivery")
      return
    }
    do throws(Aggregation.StartError) {
      process = try ModelProcess(
        settings: scenario.ingest, disk: disk, time: time, delivery: delivery,
        random: { hooks.world?.random.next() ?? 0 }, events: { hooks.world?.take($0) })
    } catch {
      note("the start failed: \(error)")
      if !disk.isDown, disk.faultCount == faultsBefore, mischief.isFullUntil == nil {
        refusedStarts += 1
        fail("start refused: \(error)")
      }
      time.advance(.seconds(5))
      return
    }
    let isLate = Int.random(in: 0..<3, using: &random) == 0
    if isLate { mischief.count(LifeFault.lateIndex.rawValue) }
    if isLate, Int.random(in: 0..<3, using: &random) == 0 {
      mischief.failSyncThenCrash(now: time.uptime)
    }
    let wait = isLate ? Int.random(in: 2...60, using: &random) : isLogKept ? 30 : 0
    indexDue = time.uptime + .seconds(wait)
    isLogKept = false
    for place in sleeps.indices { sleeps[place] = .zero }
  }

  private func endIfStopped(_ process: ModelProcess) {
    guard let since = isStopping, !disk.isDown else { return }
    let isDone = process.core.isFlushed && process.delivery.isDrained
    guard isDone || time.uptime - since > .seconds(25) else { return }
    note(isDone ? "stopped with everything stored" : "stopped")
    if isDone, isDirectoryDone, Int.random(in: 0..<4, using: &random) == 0 {
      mischief.count(LifeFault.newVolume.rawValue)
      note("another volume, empty")
      disk.empty()
      // Nothing remembers what was posted before.
      collectors.change { $0.idsDamaged() }
    }
    end(keepingMemory: true)
  }

  /// Nothing that is not stored is in DATA_DIR.
  private var isDirectoryDone: Bool {
    process?.isDrained == true
      && disk.names.allSatisfy { ["writer", "seal", "quarantine"].contains(DiskStep.kind(of: $0)) }
  }

  private func take(line: String, isDamage: Bool) {
    note(line)
    if line.contains("a lifecycle rule should") { leftoversTold.append(line) }
    if isDamage || line.contains("other content lies under this key") { damageEvents += 1 }
  }

  private func take(_ event: IngestEvent) {
    note("\(event)")
    switch event {
    case .segmentSealed(_, let objects, _, _, _): if objects > 1 { sealedWideSegments += 1 }
    case .fatal: isFatal = true
    case .indexReady: process?.isJoining = true
    case .logGivenUp(let segment, let offset, _):
      damageEvents += 1
      comesBack(FileName.log(segment).text, after: .seconds(offset / 512 % 20))
    case .logDamaged, .tailSuspect, .fileQuarantined: damageEvents += 1
    default: break
    }
  }

  // MARK: Mischief

  private func carryOut(_ deed: Mischief.Deed) {
    note("\(deed)")
    switch deed {
    case .stop:
      mischief.count(LifeFault.stopped.rawValue)
      isStopping = time.uptime
      process?.core.gate.close(.stopping)
      process?.core.status.flush()
    case .clockJump:
      mischief.count(LifeFault.clockJump.rawValue)
      time.setWallClock(forwardBy: Bool.random(using: &random) ? -3_600 : 86_400)
    case .fill: break
    case .flip(let fault): flip(fault)
    case .outage(let outage): store.outage = outage
    }
  }

  private func flip(_ fault: DiskFault) {
    guard let flipped = BitRot.flip(fault, of: disk, sparing: &rotten, &random) else {
      mischief.putOff(fault)
      return
    }
    var fault = fault
    if case .sight = flipped.loss { fault = .unreadableForAWhile }
    mischief.count(fault.rawValue)
    note("\(fault.rawValue): \(flipped.name) at \(flipped.offset) \(flipped.loss)")
    switch flipped.loss {
    case .nothing: break
    case .reports(let numbers):
      for number in numbers { collectors.change { $0.frameDamaged(number) } }
      guard fault == .unreadable else { break }
      blinded.append(Blinded(flipped, reports: numbers))
      disk.cutPower()
    case .object(let bytes): collectors.change { $0.objectDamaged(bytes) }
    case .ids: collectors.change { $0.idsDamaged() }
    case .sight:
      // Not so long that a start or a replay gives up what cannot be read.
      let least = IngestLimits.startReadDelay
      let most = IngestLimits.startReadPatience - least * 2
      let isLong = flipped.offset / 1_024 % 2 == 0
      blinded.append(Blinded(flipped, until: time.uptime + (isLong ? most : least)))
      disk.cutPower()
    }
  }

  /// What a start has given up is posted again, and a later one can read it: it must not count
  /// twice by then.
  private func comesBack(_ name: String, after wait: Duration) {
    for place in blinded.indices where blinded[place].name == name {
      blinded[place].until = time.uptime + wait
      blinded[place].isGivenUp = true
      collectors.resend(blinded[place].reports, now: time.uptime)
      isLogKept = blinded[place].endsProcess
    }
  }

  /// Also while someone waits: a replay that goes on meanwhile must not give up what comes back.
  func giveSight() {
    guard !blinded.isEmpty else { return }
    let (uptime, isOver) = (time.uptime, mischief.isOver)
    let seeing = blinded.filter { isOver || ($0.until ?? .seconds(Int64.max)) <= uptime }
    blinded.removeAll { file in seeing.contains { $0.name == file.name } }
    for file in seeing {
      note("all of \(file.name) can be read again")
      disk.setUnreadable(nil, of: file.name)
      guard file.endsProcess else { continue }
      if file.isGivenUp, disk.names.contains(file.name) {
        mischief.count(DiskFault.readableAgain.rawValue)
      }
      disk.cutPower()
    }
  }

  private func applyLasting() {
    giveSight()
    if mischief.outage == nil, let outage = store.outage {
      note("the store is back")
      if store.outageRequestCount > 0 { mischief.count(outage.rawValue) }
      store.outage = nil
    }
    let isFull = mischief.isFullUntil != nil
    if !isFull, disk.refusedForSpaceCount > 0 {
      mischief.count(DiskFault.full.rawValue)
      disk.forgetRefusals()
    }
    disk.setCapacity(isFull ? disk.usedByteCount : .max)
  }
}
