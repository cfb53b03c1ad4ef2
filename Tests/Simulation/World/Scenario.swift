import Ingest
import Service
import SimulationModels

/// What a seed fixes before anything happens. No seed makes a smaller scenario than these bounds.
struct Scenario {
  /// What must have happened before a run may end.
  struct Bounds {
    var acknowledged: Int
    /// Sealed segments of at least two partitions each.
    var wideSegments: Int
    var crashes: Int
    var otherFaults: Int
  }

  var bounds = Bounds(acknowledged: 100, wideSegments: 3, crashes: 1, otherFaults: 3)
  var reportCount: Int
  var nodeCount: Int
  /// Days of November 2026 that timestamps are of.
  var days: ClosedRange<Int>
  var ingest: IngestSettings
  var partByteCount: Int
  var minimumMultipartByteCount: Int
  var manner: StoreManner
  /// Of 1,000 requests, how many fail.
  var storeFaultShare: Int
  var storeFaults: [StoreFault]
  /// Of 100 calls, at how many others work meanwhile.
  var interleavingShare: Int
  /// Crashes and faults of the disk that are planned, in order.
  var plans: [Plan]

  /// One thing that is planned; the next one begins when it has happened.
  enum Plan {
    case crash(step: String, isAfter: Bool)
    case tornWrite
    case disk(DiskFault)
    case outage(StoreOutage)
    case foreignObject
    case stop
    case clockJump
  }

  init(_ random: inout SeededRandom) {
    reportCount = Int.random(in: 110...150, using: &random)
    // Fewer reports a node than ids are remembered of it.
    nodeCount = Int.random(in: 7...12, using: &random)
    let first = Int.random(in: 20...24, using: &random)
    days = first...first + Int.random(in: 1...2, using: &random)
    ingest = IngestSettings(
      prefix: "usage/", clusterName: "blue", spoolMaximumByteCount: 1 << 30,
      flushInterval: .seconds(Int.random(in: 10...40, using: &random)),
      flushMaximumByteCount: Int.random(in: 20_000...400_000, using: &random),
      batchRowCapacity: Int.random(in: 12...80, using: &random))
    partByteCount = Int.random(in: 3_000...9_000, using: &random)
    minimumMultipartByteCount = Int.random(in: 2_000...30_000, using: &random)
    manner = Self.one(of: StoreManner.allCases, weights: [6, 2, 2], &random)
    storeFaultShare = Self.one(of: [0, 30, 100, 300], weights: [1, 4, 3, 2], &random)
    storeFaults = StoreFault.allCases.filter { _ in Bool.random(using: &random) }
    interleavingShare = Self.one(of: [0, 10, 40], weights: [1, 2, 2], &random)
    plans = Self.plans(&random)
    // Other stores would let us write over it.
    if manner == .strict, Int.random(in: 0..<12, using: &random) == 0 {
      plans.append(.foreignObject)
    }
  }

  /// The same small course of events each time, without any fault.
  static func calm() -> (scenario: Scenario, random: SeededRandom) {
    var random = SeededRandom(seed: 1)
    var scenario = Scenario(&random)
    scenario.bounds = Bounds(acknowledged: 0, wideSegments: 2, crashes: 0, otherFaults: 0)
    scenario.reportCount = 30
    scenario.nodeCount = 7
    scenario.days = 23...24
    scenario.ingest.flushInterval = .seconds(6)
    scenario.ingest.batchRowCapacity = 20
    scenario.partByteCount = 4_000
    scenario.minimumMultipartByteCount = 9_000
    scenario.manner = .strict
    scenario.storeFaultShare = 0
    scenario.interleavingShare = 10
    scenario.plans = []
    return (scenario, random)
  }

  private static func plans(_ random: inout SeededRandom) -> [Plan] {
    var plans: [Plan] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) { plans.append(crash(&random)) }
    for _ in 0..<Int.random(in: 3...6, using: &random) {
      switch Int.random(in: 0..<10, using: &random) {
      case 0: plans.append(.outage(StoreOutage.allCases.randomElement(using: &random) ?? .down))
      case 1: plans.append(.stop)
      case 2: plans.append(.clockJump)
      default:
        let fault = DiskFault.drawn.randomElement(using: &random) ?? .errorOnce
        plans.append(fault == .tornWrite ? .tornWrite : .disk(fault))
      }
    }
    plans.shuffle(using: &random)
    return plans
  }

  static func crash(_ random: inout SeededRandom) -> Plan {
    // Requests are fewer than disk calls, and so are their crashes.
    let steps = Coverage.diskSteps + Coverage.storeSteps + Coverage.storeSteps
    return .crash(
      step: steps.randomElement(using: &random) ?? "sync log",
      isAfter: Bool.random(using: &random))
  }

  static func one<Element>(
    of elements: [Element], weights: [Int], _ random: inout SeededRandom
  ) -> Element {
    var rest = Int.random(in: 0..<weights.reduce(0, +), using: &random)
    for (element, weight) in zip(elements, weights) {
      if rest < weight { return element }
      rest -= weight
    }
    return elements[0]
  }
}
