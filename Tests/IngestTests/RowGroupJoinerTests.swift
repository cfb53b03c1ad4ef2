import Columnar
import KubeIndex
import Testing

@testable import Ingest

/// How a batch is cut: by cluster and date into files, by text into row groups.
@Suite struct RowGroupJoinerTests {
  @Test func aFileForEachClusterAndDate() throws {
    let row = JoinSupport.Row(pod: "p")
    let batch = try JoinSupport.batch([
      ("2026-11-23T23:59:59Z", "a", [row]), ("2026-11-24T00:00:00Z", "a", [row]),
      ("2026-11-24T00:00:01Z", "b", [row]), ("1700-01-01T00:00:00Z", "c", [row]),
    ])
    let nodes = ["b": NodeRecord(name: Text("b"), clusterName: Text("other"))]
    let files = try JoinSupport.join(JoinSupport.resolved(batch, nodes: nodes, clusterName: "mine"))
    #expect(
      Set(files.keys) == [
        PartitionKey(cluster: "mine", day: 20_780), PartitionKey(cluster: "mine", day: 20_781),
        PartitionKey(cluster: "other", day: 20_781), PartitionKey(cluster: "mine", day: -98_615),
      ])
    #expect(files.values.allSatisfy { $0.rowCount == 1 })
  }

  @Test(arguments: [nil, "", "c"] as [String?])
  func aClusterWithoutNameIsUnknown(_ name: String?) throws {
    let batch = try JoinSupport.batch([("2026-11-24T00:00:00Z", "a", [.init(pod: "p")])])
    let files = try JoinSupport.join(JoinSupport.resolved(batch, clusterName: name))
    #expect(files.keys.map(\.cluster) == [name == "c" ? "c" : "unknown"])
  }

  /// Two spellings of a name that Unicode calls equivalent are two clusters.
  @Test func clustersAreToldApartByTheirBytes() throws {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    let row = JoinSupport.Row(pod: "p")
    let batch = try JoinSupport.batch([
      ("2026-11-24T00:00:00Z", "a", [row]), ("2026-11-24T00:00:00Z", "b", [row]),
    ])
    let nodes = [
      "a": NodeRecord(name: Text("a"), clusterName: Text(composed)),
      "b": NodeRecord(name: Text("b"), clusterName: Text(decomposed)),
    ]
    let resolved = JoinSupport.resolved(batch, nodes: nodes)
    let files = try JoinSupport.join(resolved)
    #expect(files.count == 2 && files.values.allSatisfy { $0.rowCount == 1 })
    let clusters = resolved.partitions().map { Array($0.key.cluster.utf8) }
    #expect(clusters == [Array(decomposed.utf8), Array(composed.utf8)])
  }

  /// A joiner that wrote other partitions and larger batches before writes the same bytes as a new
  /// one: its memory is cleared where it was used, and nowhere else.
  @Test func aUsedJoinerWritesWhatANewOneDoes() throws {
    var random = SeededGenerator(state: 7)
    let used = RowGroupJoiner()
    for reportCount in [300, 20, 3, 150] {
      let reports = (0..<reportCount).map { report -> (String, String, [JoinSupport.Row]) in
        let day = 10 + Int.random(in: 0..<8, using: &random)
        let second = 10 + Int.random(in: 0..<50, using: &random)
        let rows = (0..<Int.random(in: 1...9, using: &random)).map { _ in
          JoinSupport.Row(pod: "pod-\(Int.random(in: 0..<400, using: &random))")
        }
        return ("2026-11-\(day)T00:00:\(second)Z", "node-\(report % 40)", rows)
      }
      let batch = try JoinSupport.batch(reports)
      var pods: [String: ResolvedPod] = [:]
      for pod in 0..<300 {
        pods["pod-\(pod)"] = JoinSupport.pod(annotations: TextList([Text("a\(pod % 90)")]))
      }
      let resolved = JoinSupport.resolved(batch, pods: pods)
      #expect(
        try JoinSupport.bytes(resolved, used) == JoinSupport.bytes(resolved, RowGroupJoiner()))
    }
  }

  @Test func aBatchWithoutRowsMakesNoFile() throws {
    let batch = try JoinSupport.batch([("2026-11-24T00:00:00Z", "a", [])])
    #expect(try JoinSupport.join(JoinSupport.resolved(batch)).isEmpty)
  }

  /// Annotations of 1 MiB each: a dictionary page holds 15 of them, lengths counted.
  @Test func aDictionaryIsNeverLargerThanItsPageMayBe() throws {
    let rows = (0..<40).map { JoinSupport.Row(pod: "pod-\($0)") }
    let batch = try JoinSupport.batch([("2026-11-24T00:00:00Z", "n", rows)])
    var pods: [String: ResolvedPod] = [:]
    for (index, row) in rows.enumerated() {
      let text = Text(String(repeating: "x", count: (1 << 20) - 3) + "\(index)")
      pods[row.pod] = JoinSupport.pod(annotations: TextList([text]))
    }
    let files = try JoinSupport.join(JoinSupport.resolved(batch, pods: pods))
    #expect(files.values.map(\.rowCount) == [40])
    #expect(files.values.map(\.rowGroupCount) == [3])
  }

  /// A list that many pods share counts once.
  @Test func sharedTextDoesNotCut() throws {
    let rows = (0..<40).map { JoinSupport.Row(pod: "pod-\($0)") }
    let batch = try JoinSupport.batch([("2026-11-24T00:00:00Z", "n", rows)])
    let shared = TextList([Text(String(repeating: "x", count: 1 << 20))])
    let pods = Dictionary(
      uniqueKeysWithValues: rows.map { ($0.pod, JoinSupport.pod(annotations: shared)) })
    let files = try JoinSupport.join(JoinSupport.resolved(batch, pods: pods))
    #expect(files.values.map(\.rowGroupCount) == [1])
  }

  /// A timestamp may have any number of fraction digits, so one pod's reports can be too much text.
  @Test func theTextOfReportsCutsInsideAPod() throws {
    let reports = (0..<40).map { index -> (String, String, [JoinSupport.Row]) in
      let digits = String(repeating: "1", count: 1_000_000)
      return ("2026-11-24T00:\(10 + index):00.\(digits)Z", "n", [.init(pod: "p"), .init(pod: "q")])
    }
    let batch = try JoinSupport.batch(reports)
    let files = try JoinSupport.join(JoinSupport.resolved(batch))
    #expect(files.values.map(\.rowCount) == [80])
    #expect(files.values.map(\.rowGroupCount) == [5])
  }

  @Test func claimStorageStaysAtTheLargestNumber() throws {
    let claim = ClaimRecord(
      namespace: Text("d"), name: Text("c"), storageBytes: .max - 1, volumeName: nil)
    let columns = PodColumns()
    let batch = try JoinSupport.batch([("2026-11-24T00:00:00Z", "n", [.init(pod: "p")])])
    let pods = ["p": JoinSupport.pod(claims: [claim, nil, claim])]
    columns.append(
      batch.reportedPod(0), of: JoinSupport.resolved(batch, pods: pods), rowCount: 1)
    #expect(columns.claimStorageBytes.dictionary.values == [.max])
    #expect(columns.claimCount.dictionary.values == [3])
  }

  @Test func orderIsPromisedOnlyWhereItHolds() throws {
    let namespaces = PodColumn(TextDictionary())
    let pods = PodColumn(TextDictionary())
    func append(_ namespace: String, _ pod: String, _ count: UInt32) {
      namespaces.append(namespaces.dictionary.intern(namespace), rowCount: count)
      pods.append(pods.dictionary.intern(pod), rowCount: count)
    }
    func isSorted(_ reports: [UInt32], _ times: [Int64]) -> Bool {
      reports.withUnsafeBufferPointer {
        SortingVerifier.isSorted(namespaces: namespaces, podIDs: pods, reports: $0, times: times)
      }
    }
    append("a", "p", 2)
    append("a", "q", 1)
    append("b", "p", 1)
    #expect(isSorted([0, 1, 0, 0], [5, 6]))
    #expect(!isSorted([1, 0, 0, 0], [5, 6]))
    append("a", "z", 1)
    #expect(!isSorted([0, 1, 0, 0, 0], [5, 6]))
  }
}
