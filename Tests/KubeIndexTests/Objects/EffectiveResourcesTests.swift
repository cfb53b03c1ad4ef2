import Testing

@testable import KubeIndex

/// The effective resources of a pod follow Kubernetes' resource helper, case by case.
@Suite struct EffectiveResourcesTests {
  func resources(_ spec: String) throws -> (PodResources, faults: [String]) {
    var faults: [String] = []
    let resources = try withJSON(spec) { PodResources(spec: $0) { faults.append($0) } }
    return (resources, faults)
  }

  static func container(_ requests: String, _ limits: String = "{}", always: Bool = false) -> String
  {
    let policy = always ? #""restartPolicy":"Always","# : ""
    return "{\(policy)\"resources\":{\"requests\":\(requests),\"limits\":\(limits)}}"
  }

  @Test func nothingSetIsZero() throws {
    #expect(try resources("{}").0 == PodResources())
    #expect(try resources(#"{"containers":[{"resources":{}},{}]}"#).0 == PodResources())
    #expect(try resources(#"{"containers":null,"initContainers":null}"#).0 == PodResources())
  }

  @Test func containersAreAddedAndRoundedOnce() throws {
    let one = Self.container(#"{"cpu":"0.4m","memory":"0.5"}"#, #"{"cpu":"1","memory":"1Ki"}"#)
    let (sum, _) = try resources("{\"containers\":[\(one),\(one),\(one)]}")
    #expect(sum.requestsCPUMillicores == 2)
    #expect(sum.requestsMemoryBytes == 2)
    #expect(sum.limitsCPUMillicores == 3000)
    #expect(sum.limitsMemoryBytes == 3072)
  }

  @Test func initContainersCountWhenLarger() throws {
    let main = Self.container(#"{"cpu":"100m","memory":"1G"}"#)
    let first = Self.container(#"{"cpu":"2","memory":"1M"}"#)
    let (sum, _) = try resources("{\"containers\":[\(main)],\"initContainers\":[\(first)]}")
    #expect(sum.requestsCPUMillicores == 2000)
    #expect(sum.requestsMemoryBytes == 1_000_000_000)
  }

  /// A sidecar adds to the containers, and to the init containers declared behind it.
  @Test func sidecarsRunBesideWhatFollows() throws {
    let main = Self.container(#"{"cpu":"100m"}"#)
    let before = Self.container(#"{"cpu":"500m"}"#)
    let sidecar = Self.container(#"{"cpu":"300m"}"#, always: true)
    let after = Self.container(#"{"cpu":"400m"}"#)
    func cpu(_ initContainers: [String]) throws -> Int64 {
      let list = initContainers.joined(separator: ",")
      return try resources("{\"containers\":[\(main)],\"initContainers\":[\(list)]}").0
        .requestsCPUMillicores
    }
    #expect(try cpu([sidecar]) == 400)
    #expect(try cpu([before, sidecar]) == 500)
    #expect(try cpu([sidecar, before]) == 800)
    #expect(try cpu([sidecar, after, sidecar]) == 700)
    #expect(try cpu([sidecar, sidecar, after]) == 1000)
  }

  /// Overhead is added to requests always, to limits only where there is one.
  @Test func overhead() throws {
    let main = Self.container(#"{"cpu":"100m"}"#, #"{"memory":"1Ki"}"#)
    let (sum, _) = try resources(
      "{\"containers\":[\(main)],\"overhead\":{\"cpu\":\"50m\",\"memory\":\"1Ki\"}}")
    #expect(sum.requestsCPUMillicores == 150)
    #expect(sum.requestsMemoryBytes == 1024)
    #expect(sum.limitsCPUMillicores == 0)
    #expect(sum.limitsMemoryBytes == 2048)
  }

  /// Pod-level resources replace what the containers say, resource by resource; overhead comes on
  /// top.
  @Test func podLevelResources() throws {
    let main = Self.container(
      #"{"cpu":"2","memory":"1G","ephemeral-storage":"1M"}"#, #"{"cpu":"3","memory":"2G"}"#)
    let (sum, _) = try resources(
      """
      {"containers":[\(main)],"overhead":{"cpu":"1m"},
       "resources":{"requests":{"cpu":"500m","ephemeral-storage":"7"},"limits":{"memory":"3G"}}}
      """)
    #expect(sum.requestsCPUMillicores == 501)
    #expect(sum.requestsMemoryBytes == 1_000_000_000)
    #expect(sum.requestsStorageBytes == 1_000_000)
    #expect(sum.limitsCPUMillicores == 3001)
    #expect(sum.limitsMemoryBytes == 3_000_000_000)
  }

  @Test func acceleratorsAreAddedByEffectiveRequest() throws {
    let main = Self.container(
      #"{"nvidia.com/gpu":"2","nvidia.com/mig-1g.5gb":"3","amd.com/gpu":"1","x/gpu.shared":"9"}"#
    )
    let first = Self.container(#"{"nvidia.com/gpu":"4","gpu":"8"}"#)
    let (sum, _) = try resources("{\"containers\":[\(main)],\"initContainers\":[\(first)]}")
    #expect(sum.gpuRequests == 8)
  }

  /// A pod may name as many resources as fit in an object; what they cost grows with their number.
  @Test func manyAcceleratorsAreReadInTime() throws {
    let count = 12_000
    func request(_ index: Int) -> String { "{\"a\(index)/gpu\":\"1\"}" }
    let main = (0..<count).map(request).map { Self.container($0) }
    let sidecars = (0..<count).map { Self.container(request($0), always: true) }
    let inits = (0..<count).map { Self.container(request($0)) }
    let spec =
      "{\"containers\":[\(main.joined(separator: ","))],"
      + "\"initContainers\":[\((sidecars + inits).joined(separator: ","))]}"
    let start = ContinuousClock.now
    let (sum, _) = try resources(spec)
    #expect(ContinuousClock.now - start < .seconds(4))
    #expect(sum.gpuRequests == Int64(2 * count))
  }

  /// With init containers and sidecars in any order, resource by resource, as computed the long
  /// way: each init container beside all sidecars declared before it.
  @Test func acceleratorsAgreeWithTheLongWay() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      let nameCount = Int.random(in: 1...80, using: &random)
      var sidecars: [Int: Int] = [:]
      var highest: [Int: Int] = [:]
      var sum: [Int: Int] = [:]
      var inits: [String] = []
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        var amounts: [Int: Int] = [:]
        for _ in 0..<Int.random(in: 0...12, using: &random) {
          amounts[Int.random(in: 0..<nameCount, using: &random)] = Int.random(
            in: 0...9, using: &random)
        }
        let isSidecar = Bool.random(using: &random)
        if isSidecar {
          sum.merge(amounts, uniquingKeysWith: +)
          sidecars.merge(amounts, uniquingKeysWith: +)
          highest.merge(sidecars, uniquingKeysWith: max)
        } else {
          highest.merge(amounts.merging(sidecars, uniquingKeysWith: +), uniquingKeysWith: max)
        }
        let members = amounts.map { "\"a\($0)/gpu\":\($1)" }.joined(separator: ",")
        inits.append(Self.container("{\(members)}", always: isSidecar))
      }
      sum.merge(highest, uniquingKeysWith: max)
      let (found, _) = try resources("{\"initContainers\":[\(inits.joined(separator: ","))]}")
      #expect(found.gpuRequests == Int64(sum.values.reduce(0, +)))
    }
  }

  @Test func saturatesInsteadOfWrapping() throws {
    let main = Self.container(#"{"cpu":"9E","memory":"9E"}"#)
    let (sum, _) = try resources("{\"containers\":[\(main),\(main)]}")
    #expect(sum.requestsCPUMillicores == .max)
    #expect(sum.requestsMemoryBytes == .max)
  }

  @Test func whatIsNoQuantityIsReportedAndZero() throws {
    let (sum, faults) = try resources(
      #"{"containers":[{"resources":{"requests":{"cpu":"much","memory":1024,"disk":"x"}}}]}"#)
    #expect(sum.requestsCPUMillicores == 0)
    #expect(sum.requestsMemoryBytes == 1024)
    #expect(faults == ["cpu: not a quantity"])
  }
}
