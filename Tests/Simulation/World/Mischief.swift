import Glibc
import Ingest
import SimulationModels

/// Decides which disk call and which request fails, one planned thing after the other.
struct Mischief {
  /// Waits for a step, and for how many more of it.
  private struct Trap {
    enum Effect {
      case crash(isAfter: Bool)
      case tornWrite
      case fault(DiskFault)
    }

    /// nil: any step.
    var step: String?
    var skip: Int
    var effect: Effect
    var since: Duration
  }

  /// A planned step that has not come by then is given up for any other.
  private static let patience = Duration.seconds(60)

  /// What cannot be damaged by then is not.
  private static let maximumPutOffs = 20

  private(set) var tally = Tally()
  private var plans: [Scenario.Plan]
  private var trap: Trap?
  private var putOffCount = 0
  private var isForeignObjectDue = false
  private var isCrashToFollow = false
  /// Until then these calls fail.
  private var failing: (calls: Set<DiskError.Call>, until: Duration)?
  /// No call of it has failed yet.
  private var isFailingNew = false
  /// Calls of the start at hand at which power goes.
  private var nestedCrash: Int?
  private(set) var isFullUntil: Duration?
  private(set) var outage: (StoreOutage, until: Duration)?
  /// The world ends everything: nothing fails any more.
  private(set) var isOver = false

  init(scenario: Scenario) { plans = scenario.plans }

  mutating func end() {
    isOver = true
    plans = []
    trap = nil
    isForeignObjectDue = false
    failing = nil
    nestedCrash = nil
    isFullUntil = nil
    outage = nil
  }

  var isIdle: Bool {
    plans.isEmpty && trap == nil && !isForeignObjectDue && failing == nil && isFullUntil == nil
      && outage == nil
  }

  /// Faults so far that are no crashes.
  private(set) var otherFaultCount = 0

  private static let otherFaults = Set(
    DiskFault.allCases.map(\.rawValue) + StoreOutage.allCases.map(\.rawValue)
      + StoreFault.allCases.map(\.rawValue)
      + [LifeFault.stopped.rawValue, LifeFault.clockJump.rawValue])

  mutating func count(_ name: String) {
    tally.add(name)
    if Self.otherFaults.contains(name) { otherFaultCount += 1 }
  }

  // MARK: Plans

  /// What the world itself must do now: the rest is done when a call comes.
  enum Deed {
    case stop, clockJump, fill, flip(DiskFault), outage(StoreOutage)
  }

  /// What lasts ends when its time has come.
  mutating func expire(now: Duration) {
    if let failing, failing.until <= now { self.failing = nil }
    if let until = isFullUntil, until <= now { isFullUntil = nil }
    if let outage, outage.until <= now { self.outage = nil }
  }

  mutating func next(now: Duration, _ random: inout SeededRandom) -> Deed? {
    if let old = trap, old.step != nil, now - old.since > Self.patience {
      trap?.step = nil
      trap?.since = now
    }
    guard trap == nil, failing == nil, let plan = plans.first,
      Int.random(in: 0..<60, using: &random) == 0
    else { return nil }
    plans.removeFirst()
    let skip = Scenario.one(of: [0, 1, 3], weights: [7, 2, 1], &random)
    switch plan {
    case .crash(let step, let isAfter):
      trap = Trap(step: step, skip: skip, effect: .crash(isAfter: isAfter), since: now)
    case .tornWrite:
      let step = ["write log", "write object", "write seal", "write upload"]
        .randomElement(using: &random)
      trap = Trap(step: step, skip: skip, effect: .tornWrite, since: now)
    case .foreignObject: isForeignObjectDue = true
    case .stop: return .stop
    case .clockJump: return .clockJump
    case .outage(let kind):
      let tenths = Scenario.one(of: [20, 1_000, 5_000, 216_000], weights: [2, 3, 2, 1], &random)
      outage = (kind, now + .milliseconds(100 * Int.random(in: 1...tenths, using: &random)))
      return .outage(kind)
    case .disk(let fault): return deed(fault, skip, now, &random)
    }
    return nil
  }

  private mutating func deed(
    _ fault: DiskFault, _ skip: Int, _ now: Duration, _ random: inout SeededRandom
  ) -> Deed? {
    let step: String?
    switch fault {
    case .flippedFrame, .flippedLogHeader, .flippedSeal, .flippedObject, .flippedWriter,
      .unreadable, .unreadableForAWhile, .readableAgain:
      return .flip(fault)
    case .full:
      isFullUntil = now + .seconds(Int.random(in: 1...60, using: &random))
      return .fill
    case .errorOnEverything:
      failing = ([.write, .sync], now + .milliseconds(Int.random(in: 100...9_000, using: &random)))
      isFailingNew = true
      return nil
    case .errorOnWrite, .shortWrite:
      step = ["write log", "write object", "write seal", "write upload"]
        .randomElement(using: &random)
    case .errorOnSync, .slowSync, .errorOnSyncForever:
      step =
        Int.random(in: 0..<2, using: &random) == 0
        ? "sync log"
        : Coverage.diskSteps.filter { $0.hasPrefix("sync") }.randomElement(using: &random)
    case .noSpaceOnce:
      step =
        Coverage.diskSteps.filter { !$0.hasPrefix("remove") && !$0.hasPrefix("rename") }
        .randomElement(using: &random)
    case .errorOnce, .tornWrite: step = Coverage.failingSteps.randomElement(using: &random)
    }
    trap = Trap(step: step, skip: skip, effect: .fault(fault), since: now)
    return nil
  }

  /// While reports wait in the log for the index, a sync fails, and soon after the process ends:
  /// what got 503 must stay out though its bytes may still be read.
  mutating func failSyncThenCrash(now: Duration) {
    guard trap == nil, !isOver else { return }
    trap = Trap(step: "sync log", skip: 1, effect: .fault(.errorOnSync), since: now)
    isCrashToFollow = true
  }

  /// What was planned came to less than is promised.
  mutating func addFault() { plans.append(.disk(.errorOnWrite)) }

  /// There was nothing to damage: later, or else something that is always there.
  mutating func putOff(_ fault: DiskFault) {
    putOffCount += 1
    plans.append(.disk(putOffCount > Self.maximumPutOffs ? .errorOnWrite : fault))
  }

  /// A start begins: now and then it will not get far.
  mutating func startBegins(_ random: inout SeededRandom) {
    guard !isOver, Int.random(in: 0..<3, using: &random) == 0 else { return }
    nestedCrash = Int.random(in: 1...60, using: &random)
  }

  mutating func startEnded() { nestedCrash = nil }

  // MARK: Calls

  /// What happens to this call; `pass`: the caller waits that long before.
  mutating func fault(
    at call: ModelDisk.Call, now: Duration, isStarting: Bool, _ random: inout SeededRandom
  ) -> (fault: ModelDisk.Fault?, pass: Duration) {
    guard !isOver else { return (nil, .zero) }
    if let left = nestedCrash {
      nestedCrash = left - 1
      if left == 1 {
        count(LifeFault.nestedCrash.rawValue)
        return (.crash, .zero)
      }
    }
    if let failing, failing.calls.contains(call.call) {
      if isFailingNew { count(DiskFault.errorOnEverything.rawValue) }
      isFailingNew = false
      return (.error(EIO), .zero)
    }
    guard let due = trap, due.step == nil || due.step == call.step.description,
      Self.fits(due.effect, call)
    else { return (nil, .zero) }
    guard due.skip == 0 else {
      trap?.skip -= 1
      return (nil, .zero)
    }
    trap = nil
    return spring(due.effect, call, now, &random)
  }

  /// Whether the effect makes sense at this call; matters where any step will do.
  private static func fits(_ effect: Trap.Effect, _ call: ModelDisk.Call) -> Bool {
    switch effect {
    case .crash: true
    case .tornWrite, .fault(.shortWrite): call.call == .write && call.byteCount > 1
    case .fault(.errorOnWrite): call.call == .write
    case .fault(.errorOnSync), .fault(.errorOnSyncForever), .fault(.slowSync):
      call.call == .sync || call.call == .syncDirectory
    default: true
    }
  }

  private mutating func spring(
    _ effect: Trap.Effect, _ call: ModelDisk.Call, _ now: Duration, _ random: inout SeededRandom
  ) -> (fault: ModelDisk.Fault?, pass: Duration) {
    switch effect {
    case .crash(let isAfter):
      count(Coverage.crash(call.step.description, isAfter: isAfter))
      return (isAfter ? .crashAfter : .crash, .zero)
    case .tornWrite:
      count(DiskFault.tornWrite.rawValue)
      let count = Int.random(in: 1..<max(2, call.byteCount), using: &random)
      return (.crashInWrite(byteCount: count), .zero)
    case .fault(let fault):
      count(fault.rawValue)
      count("\(fault.rawValue) at \(call.step)")
      if isCrashToFollow {
        isCrashToFollow = false
        let skip = Int.random(in: 1...6, using: &random)
        trap = Trap(step: "sync log", skip: skip, effect: .crash(isAfter: true), since: now)
      }
      if fault == .slowSync { return (nil, .seconds(10)) }
      switch fault {
      case .shortWrite:
        let count = Int.random(in: 0..<max(1, call.byteCount), using: &random)
        return (.shortWrite(byteCount: count, Bool.random(using: &random) ? EIO : ENOSPC), .zero)
      case .noSpaceOnce: return (.error(ENOSPC), .zero)
      case .errorOnSyncForever:
        failing = ([.sync], now + .seconds(Int.random(in: 2...40, using: &random)))
        return (.error(EIO), .zero)
      default: return (.error(EIO), .zero)
      }
    }
  }

  /// A fault that brings the request that the trap waits for.
  func lure(at operation: StoreRequest.Operation) -> StoreFault? {
    switch (trap?.step, operation) {
    case (StoreRequest.Operation.read.rawValue, .put),
      (StoreRequest.Operation.read.rawValue, .complete),
      (StoreRequest.Operation.list.rawValue, .create):
      .resetAfter
    case (StoreRequest.Operation.abort.rawValue, .complete): .conflict
    default: nil
    }
  }

  /// The store is out of reach for long from now.
  func isOutageLong(now: Duration) -> Bool {
    outage.map { $0.until - now > .seconds(300) } ?? false
  }

  /// Whether this object's key is to be taken by someone else.
  mutating func takesKey(before operation: StoreRequest.Operation) -> Bool {
    guard isForeignObjectDue, operation == .put || operation == .complete else { return false }
    isForeignObjectDue = false
    return true
  }

  /// Whether power goes around this request.
  mutating func crashes(
    _ operation: StoreRequest.Operation, isAfter: Bool
  ) -> Bool {
    guard case .crash(isAfter) = trap?.effect, trap?.step == operation.rawValue else {
      return false
    }
    guard trap?.skip == 0 else {
      trap?.skip -= 1
      return false
    }
    trap = nil
    count(Coverage.crash(operation.rawValue, isAfter: isAfter))
    return true
  }
}
