import CShims
import Columnar
import KubeIndex
import Testing

@testable import Ingest

/// Protects: a batch says of every row what the reports said, and going back to a mark leaves no
/// trace, under random reports, against an array of plain values.
struct ReportBatchTests {
  struct Generator {
    var random: SeededGenerator

    mutating func pick<T>(_ values: [T]) -> T {
      values[Int.random(in: values.indices, using: &random)]
    }

    /// Few values, so that pods recur, also under another name or start time.
    mutating func pod(_ universe: Int) -> (json: String, row: (inout DecodedRow) -> Void) {
      let number = Int.random(in: 0..<universe, using: &random)
      let hex = String(number, radix: 16)
      let padded = String(repeating: "0", count: 12 - hex.count) + hex
      let id = pick([
        "1b671a64-40d5-491e-99b0-\(padded)", "1b671a64-40d5-491e-99b0-\(padded)",
        "1B671A64-40d5-491e-99b0-\(padded)", "static-\(hex)", hex,
      ])
      let namespace = pick(["default", "kube-system", "d"])
      let name = pick(["web-\(number)", "web-\(number)", "w"])
      let start: (String, Int64?) = pick([
        ("null", nil), ("\"2024-01-01T00:00:00Z\"", 1_704_067_200_000_000),
        ("\"2024-01-01T01:00:00+01:00\"", 1_704_067_200_000_000),
        ("\"1899-12-31T23:59:59Z\"", nil), ("\"1900-01-01T00:00:00Z\"", -2_208_988_800_000_000),
      ])
      let memory: Int64? =
        Bool.random(using: &random) ? .random(in: 0 ... .max, using: &random) : nil
      let sent: Int64? = Bool.random(using: &random) ? .random(in: 0...99_999, using: &random) : nil
      let cpu: Double? = Bool.random(using: &random) ? .random(in: 0...8, using: &random) : nil
      let json = """
        {"pod_id":"\(id)","namespace":"\(namespace)","name":"\(name)","pod_start_time":\(start.0),\
        "memory_usage_bytes":\(memory.map { "\($0)" } ?? "null"),"net_tx_bytes":\
        \(sent.map { "\($0)" } ?? "null"),"cpu_usage_cores":\(cpu.map { "\($0)" } ?? "null")}
        """
      return (
        json,
        { row in
          (row.podID, row.namespace, row.name, row.startMicros) = (id, namespace, name, start.1)
          (row.memory, row.networkSent, row.cpu) = (memory, sent, cpu)
        }
      )
    }

    mutating func report(universe: Int, podCount: Int) -> (body: [UInt8], rows: [DecodedRow]) {
      let node = "node-\(Int.random(in: 0..<20, using: &random))"
      let time: (String, Int64?, Int32) = pick([
        ("2026-11-24T23:59:59Z", 1_795_564_799_000_000, 20781),
        ("2026-11-25T00:00:00.5+00:00", 1_795_564_800_500_000, 20782),
        ("2026-11-25T00:30:00+01:00", 1_795_563_000_000_000, 20781),
        ("1899-12-31T12:00:00Z", nil, -25568),
      ])
      let instance: (String, String?) = pick([("null", nil), ("\"\"", nil), ("\"i-1\"", "i-1")])
      let pods = (0..<podCount).map { _ in pod(universe) }
      let body = """
        {"timestamp":"\(time.0)","node_name":"\(node)","hostname":"h","ec2_instance_id":\
        \(instance.0),"pods":[\(pods.map(\.json).joined(separator: ","))]}
        """
      let rows = pods.map { pod in
        var row = DecodedRow(
          timestamp: time.0, collectedMicros: time.1, day: time.2, node: node,
          instanceID: instance.1)
        pod.row(&row)
        return row
      }
      return (Array(body.utf8), rows)
    }
  }

  @Test(arguments: [8, 200, 5000])
  func randomReportsAndRollbacks(universe: Int) throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("ReportBatchTests seed \(seed)")
    var generator = Generator(random: SeededGenerator(state: seed))
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 20_000, seed: seed)
    var expected: [DecodedRow] = []
    var marks: [(ReportBatch.Mark, Int)] = [(batch.mark(), 0)]
    for step in 0..<400 {
      let action = Int.random(in: 0..<20, using: &generator.random)
      if action == 0, let (mark, count) = marks.popLast() {
        batch.rollback(to: mark)
        #expect(batch.mark() == mark)
        expected.removeLast(expected.count - count)
      } else if action == 1 {
        marks.append((batch.mark(), expected.count))
      } else if action == 2, step % 7 == 0 {
        batch.reset()
        if Bool.random(using: &generator.random) { batch.releaseMemory() }
        expected = []
        marks = []
      } else {
        let podCount = generator.pick([0, 1, 2, 30, 63, 64, 65, 130])
        let report = generator.report(universe: universe, podCount: podCount)
        let mark = batch.mark()
        switch DecodeSupport.decode(report.body, decoder, into: batch) {
        case .success(let decoded):
          #expect(decoded.rowCount == podCount)
          expected += report.rows
        case .failure(let error):
          #expect(error.reason == .batchFull && !batch.hasRoom(forRows: podCount))
          #expect(batch.mark() == mark)
        }
      }
      if step % 10 == 0 { batch.checkInvariants() }
    }
    batch.checkInvariants()
    let found = (0..<batch.rows.count).map { DecodedRow(batch, row: $0) }
    #expect(found == expected)
    struct Identity: Hashable {
      var id, namespace, name: String
      var start: Int64?
    }
    let distinct = Set(
      expected.map {
        Identity(id: $0.podID, namespace: $0.namespace, name: $0.name, start: $0.startMicros)
      })
    #expect(batch.podCount == distinct.count)
    Self.expectTrueIDs(batch)
    #expect(batch.nodeCount == Set(expected.map(\.node)).count)
  }

  @Test func textsAreTheSameOnlyInEveryByte() {
    for count in 0...70 {
      let text = (0..<count).map { UInt8($0) }
      #expect(cshims_is_equal(text, text.map { $0 }, count))
      for position in text.indices {
        for bit in [UInt8(1), 128] {
          var other = text
          other[position] ^= bit
          #expect(!cshims_is_equal(text, other, count))
          #expect(cshims_is_equal(text, other, position))
        }
      }
    }
  }

  /// A pod has the ordinal that it got first, also where the reports of a node name their pods in
  /// another order, leave some out, bring new ones or name one twice.
  @Test func podsKeepTheirOrdinalsInAnyOrder() throws {
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 4_000)
    var expected: [String: UInt32] = [:]
    func take(_ ids: [String]) throws {
      let start = batch.rows.count
      let pods = ids.map { DecodeSupport.pod(id: $0) }.joined(separator: ",")
      _ = try DecodeSupport.decode(DecodeSupport.report(pods: pods), decoder, into: batch).get()
      for (index, id) in ids.enumerated() {
        let ordinal = batch.rows.podOrdinal[start + index]
        #expect(ordinal == expected[id] ?? UInt32(expected.count))
        expected[id] = ordinal
      }
      batch.checkInvariants()
    }
    let ids = (0..<150).map { "pod-\($0)" }
    for _ in 0..<2 { try take(ids) }
    try take(ids.reversed())
    try take(ids.enumerated().filter { $0.offset % 7 != 0 }.map(\.element))
    try take(Array(ids[..<70]) + ["new"] + Array(ids[70...]))
    try take([ids[3], ids[3], ids[4], ids[4]])
    try take(ids.shuffled())
    let (mark, known) = (batch.mark(), expected)
    try take(["newer", "newest"] + ids)
    batch.rollback(to: mark)
    expected = known
    try take(["other"] + ids + ["newer"])
    try take(ids)
  }

  /// What is said of a pod to be the only one of its pod_id is, and a packed pod_id is its text.
  static func expectTrueIDs(_ batch: ReportBatch) {
    let pods = (0..<batch.podCount).map { batch.reportedPod($0) }
    let byID = Dictionary(grouping: pods) { Array($0.id) }
    for pod in pods {
      if pod.isOnlyOfID { #expect(byID[Array(pod.id)]?.count == 1) }
      #expect(Array(pod.id) == Array(batch.podID(pod.ordinal)))
      #expect(Array(pod.name) == Array(batch.podName(pod.ordinal)))
      #expect(Array(pod.namespace) == Array(batch.podNamespace(pod.ordinal)))
      #expect(pod.startMicros == batch.podStartMicros(pod.ordinal))
      let packed = batch.podUUID(pod.ordinal).map { PodUID(high: $0.high, low: $0.low) }
      let text = JoinSupport.text(pod.id)
      let isCanonical = text.utf8.count == 36 && text == text.lowercased()
      #expect(packed == (isCanonical ? PodUID(pod.id) : nil), "\(text)")
    }
  }

  /// A refused report leaves the batch as it was, also when its pods were good up to the last.
  @Test func refusedReportLeavesNoTrace() {
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 100)
    let good = DecodeSupport.report(pods: DecodeSupport.pod())
    _ = DecodeSupport.decode(good, decoder, into: batch)
    let mark = batch.mark()
    let bad = DecodeSupport.report(
      pods: DecodeSupport.pod(id: "new") + "," + DecodeSupport.pod(#","net_rx_bytes":-1"#))
    if case .success = DecodeSupport.decode(bad, decoder, into: batch) { Issue.record("accepted") }
    #expect(batch.mark() == mark)
    batch.checkInvariants()
  }

  /// The largest reports pass through and leave no memory behind that later ones pay for.
  @Test func hundredThousandPods() throws {
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 250_000)
    let pods = (0..<100_000).map { #"{"pod_id":"p\#($0)","namespace":"n","name":"m"}"# }
    let body = DecodeSupport.report(pods: pods.joined(separator: ","))
    for round in 1...2 {
      let report = try DecodeSupport.decode(body, decoder, into: batch).get()
      #expect(report.rowCount == 100_000 && batch.rows.count == round * 100_000)
      #expect(batch.podCount == 100_000)
    }
    #expect(throws: DecodeError(.batchFull)) {
      try DecodeSupport.decode(body, decoder, into: batch).get()
    }
    batch.checkInvariants()
  }

  /// Pods that share a pod_id, or UUIDs made for a fixed hash, cost no more than others. Were a
  /// search as long as they are many, this would take minutes.
  @Test(arguments: [
    "1b671a64-40d5-491e-99b0-0123456789ab", "static", "UUIDs with the last eight bytes in common",
  ])
  func podsThatShareAPodIDAreFoundAtOnce(podID: String) throws {
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 450_000)
    let mark = batch.mark()
    let bodies = (0..<2).map { half in
      let pods = (half * 100_000..<(half + 1) * 100_000).map { number in
        let hex = String(number, radix: 16)
        let padded = String(repeating: "0", count: 8 - hex.count) + hex
        let id = podID.contains(" ") ? "\(padded)-0000-0000-157c-4a7fb979379e" : podID
        return #"{"pod_id":"\#(id)","namespace":"n","name":"m\#(number % 150_000)","#
          + #""pod_start_time":"2024-01-01T00:00:\#(number < 150_000 ? "00" : "01")Z"}"#
      }
      return DecodeSupport.report(pods: pods.joined(separator: ","))
    }
    let elapsed = try ContinuousClock().measure {
      for body in bodies + bodies { _ = try DecodeSupport.decode(body, decoder, into: batch).get() }
    }
    #expect(elapsed < .seconds(60))
    #expect(batch.podCount == 200_000 && batch.rows.count == 400_000)
    batch.checkInvariants()
    batch.rollback(to: mark)
    #expect(batch.podCount == 0)
    batch.checkInvariants()
  }

  @Test func textMakesABatchFull() throws {
    let decoder = ReportDecoder(writerSeed: 3)
    let batch = ReportBatch(rowCapacity: 100)
    let text = String(repeating: "t", count: 9 << 20)
    for number in 0..<8 {
      #expect(batch.hasRoom(forRows: 1) && !batch.isFull)
      let body = DecodeSupport.report(
        pods: #"{"pod_id":"p\#(number)","namespace":"n","name":"\#(text)"}"#)
      _ = try DecodeSupport.decode(body, decoder, into: batch).get()
    }
    #expect(!batch.hasRoom(forRows: 1) && batch.isFull)
    #expect(batch.podName(7).count == 9 << 20)
    batch.reset()
    #expect(batch.distinctTextByteCount == 0 && batch.hasRoom(forRows: 100))
  }
}

extension DecodedRow {
  init(
    timestamp: String, collectedMicros: Int64?, day: Int32, node: String, instanceID: String?
  ) {
    (podID, namespace, name) = ("", "", "")
    (self.timestamp, self.collectedMicros, self.day) = (timestamp, collectedMicros, day)
    (self.node, self.instanceID) = (node, instanceID)
  }
}

/// SplitMix64: one seed repeats one run.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
