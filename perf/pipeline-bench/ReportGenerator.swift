import Glibc
import Ingest

/// Reports of a made-up cluster, in memory, as the stock collector writes them: Python's
/// `json.dumps` with its default separators, times by `isoformat()` with microseconds.
///
/// CPU has nine decimals, memory walks by up to 64 pages, network counters grow by 0 to 4 MiB, and
/// nodes report in a new random order each interval, so no two bodies are the same. One seed
/// repeats one run.
struct ReportGenerator {
  struct Pod {
    /// Which of the cluster's `workloadCount` workloads it belongs to.
    var workload: Int
    var uid: String
    var namespace: String
    var name: String
    var startTime: String
    var memory: Int64
    var networkSent: Int64
    var networkReceived: Int64
  }

  struct Node {
    var name: String
    var instanceID: String
    var pods: [Pod]
  }

  static let workloadCount = 400

  private(set) var nodes: [Node]
  private(set) var interval = 0
  private var random: SplitMix64
  private let startSeconds: Int
  private let intervalSeconds: Int
  private var order: [Int]

  init(
    nodeCount: Int, podsPerNode: Int, seed: UInt64, startSeconds: Int = 1_795_478_400,
    intervalSeconds: Int = 30
  ) {
    var random = SplitMix64(state: seed)
    self.startSeconds = startSeconds
    self.intervalSeconds = intervalSeconds
    nodes = (0..<nodeCount).map { node in
      let pods = (0..<podsPerNode).map { _ in
        let workload = Int.random(in: 0..<Self.workloadCount, using: &random)
        return Pod(
          workload: workload, uid: Self.uuid(&random), namespace: "team-\(workload % 40)",
          name: "service-\(workload)-\(Self.hex(10, &random))-\(Self.hex(5, &random))",
          startTime: Self.isoformat(
            startSeconds - Int.random(in: 60...2_000_000, using: &random), micros: 0),
          memory: Int64.random(in: 2_000...300_000, using: &random) * 4096,
          networkSent: Int64.random(in: 0...20_000_000_000, using: &random),
          networkReceived: Int64.random(in: 0...20_000_000_000, using: &random))
      }
      return Node(
        name: "ip-10-\(node >> 16)-\(node >> 8 & 255)-\(node & 255).eu-central-1.compute.internal",
        instanceID: "i-0\(Self.hex(16, &random))", pods: pods)
    }
    order = Array(0..<nodeCount)
    self.random = random
  }

  /// Appends one body a node, in a new random order.
  mutating func appendInterval(to bodies: inout ReportBodies) {
    order.shuffle(using: &random)
    for node in order {
      let micros = Int.random(in: 1..<1_000_000, using: &random)
      let offset = Int.random(in: 0..<max(1, intervalSeconds / 2), using: &random)
      appendReport(
        node: node,
        timestamp: Self.isoformat(
          startSeconds + interval * intervalSeconds + offset, micros: micros),
        to: &bodies)
    }
    interval += 1
  }

  private mutating func appendReport(
    node index: Int, timestamp: String, to bodies: inout ReportBodies
  ) {
    let node = nodes[index]
    bodies.append("{\"timestamp\": \"")
    bodies.append(timestamp)
    bodies.append("\", \"node_name\": \"")
    bodies.append(node.name)
    bodies.append("\", \"hostname\": \"")
    bodies.append(node.name)
    bodies.append("\", \"ec2_instance_id\": \"")
    bodies.append(node.instanceID)
    bodies.append("\", \"pods\": [")
    for pod in node.pods.indices {
      if pod > 0 { bodies.append(", ") }
      appendPod(node: index, pod: pod, to: &bodies)
    }
    bodies.append("]}")
    bodies.finishBody()
  }

  private mutating func appendPod(node: Int, pod index: Int, to bodies: inout ReportBodies) {
    Self.walk(&nodes[node].pods[index], &random)
    let pod = nodes[node].pods[index]
    bodies.append("{\"pod_id\": \"")
    bodies.append(pod.uid)
    bodies.append("\", \"namespace\": \"")
    bodies.append(pod.namespace)
    bodies.append("\", \"name\": \"")
    bodies.append(pod.name)
    bodies.append("\", \"cpu_usage_cores\": 0.")
    bodies.append(Int64.random(in: 100_000_000..<1_000_000_000, using: &random))
    bodies.append(", \"memory_usage_bytes\": ")
    bodies.append(pod.memory)
    bodies.append(", \"net_tx_bytes\": ")
    bodies.append(pod.networkSent)
    bodies.append(", \"net_rx_bytes\": ")
    bodies.append(pod.networkReceived)
    bodies.append(", \"pod_start_time\": \"")
    bodies.append(pod.startTime)
    bodies.append("\"}")
  }

  private static func walk(_ pod: inout Pod, _ random: inout SplitMix64) {
    let step = Int64.random(in: -64...64, using: &random) * 4096
    pod.memory = max(4096, pod.memory + step)
    pod.networkSent += Int64.random(in: 0...4 << 20, using: &random)
    pod.networkReceived += Int64.random(in: 0...4 << 20, using: &random)
  }

  // MARK: Text

  static func hex(_ count: Int, _ random: inout SplitMix64) -> String {
    let digits = Array("0123456789abcdef")
    return String((0..<count).map { _ in digits[Int.random(in: 0..<16, using: &random)] })
  }

  static func uuid(_ random: inout SplitMix64) -> String {
    let variant = ["8", "9", "a", "b"][Int.random(in: 0..<4, using: &random)]
    return hex(8, &random) + "-" + hex(4, &random) + "-4" + hex(3, &random) + "-" + variant
      + hex(3, &random) + "-" + hex(12, &random)
  }

  /// Python's `datetime.isoformat()` of a time in UTC.
  static func isoformat(_ seconds: Int, micros: Int) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let date =
      "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-"
      + padded(parts.tm_mday, 2)
    let clock =
      "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):"
      + padded(parts.tm_sec, 2)
    return "\(date)T\(clock)" + (micros == 0 ? "" : "." + padded(micros, 6)) + "+00:00"
  }
}

/// Bodies one behind another, with the readable padding that the decoder wants behind the last.
struct ReportBodies {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }
  /// Bytes of all bodies.
  var byteCount: Int { ends.last ?? 0 }

  init() {}

  /// Room for `capacity` bytes of bodies.
  init(capacity: Int) { bytes.reserveCapacity(capacity + ReportBody.paddingByteCount) }

  mutating func append(_ part: ArraySlice<UInt8>) { bytes.append(contentsOf: part) }

  mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  mutating func append(_ value: Int64) {
    var digits: UInt64 = value.magnitude
    var reversed: [UInt8] = []
    repeat {
      reversed.append(UInt8(ascii: "0") + UInt8(digits % 10))
      digits /= 10
    } while digits > 0
    bytes.append(contentsOf: reversed.reversed())
  }

  mutating func finishBody() { ends.append(bytes.count) }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  /// Calls `action` with each body in turn.
  mutating func forEach(_ action: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    let length = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: ReportBody.paddingByteCount))
    defer { bytes.removeLast(bytes.count - length) }
    try bytes.withUnsafeBytes { all in
      var start = 0
      for end in ends {
        try action(UnsafeRawBufferPointer(rebasing: all[start..<end]))
        start = end
      }
    }
  }
}

/// Steele, Lea and Flood's SplitMix64: small, seedable, good enough for test data.
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
