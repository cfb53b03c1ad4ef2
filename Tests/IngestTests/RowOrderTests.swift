import Columnar
import Testing

@testable import Ingest

/// Rows leave in the order (namespace, pod_id, time), each exactly once.
@Suite struct RowOrderTests {
  private struct Key: Comparable {
    var namespace: String
    var pod: String
    var time: Int64
    var row: Int

    static func < (left: Key, right: Key) -> Bool {
      let order = (
        Array(left.namespace.utf8), Array(right.namespace.utf8), Array(left.pod.utf8),
        Array(right.pod.utf8)
      )
      if order.0 != order.1 { return order.0.lexicographicallyPrecedes(order.1) }
      if order.2 != order.3 { return order.2.lexicographicallyPrecedes(order.3) }
      return (left.time, left.row) < (right.time, right.row)
    }
  }

  private func key(_ batch: ReportBatch, _ row: Int, _ times: [Int64]) -> Key {
    let pod = Int(batch.rows.podOrdinal[row])
    return Key(
      namespace: JoinSupport.text(batch.podNamespace(pod)), pod: JoinSupport.text(batch.podID(pod)),
      time: times[Int(batch.rows.reportOrdinal[row])], row: row)
  }

  private func check(_ batch: ReportBatch, _ comment: Comment) {
    let times = JoinSupport.times(batch)
    let ranking = PodRanking(batch)
    let order = RowOrder()
    var seen: [Int] = []
    for partition in JoinSupport.resolved(batch).partitions() {
      order.sort(partition, of: batch, by: ranking, times)
      let rows = (0..<partition.rowCount).map { Int(order.rows.base[$0]) }
      let expected = partition.rowRanges.flatMap { Array($0) }
        .map { key(batch, $0, times) }.sorted()
      #expect(rows == expected.map(\.row), comment)
      let reports = (0..<partition.rowCount).map { order.reports.base[$0] }
      #expect(reports == rows.map { batch.rows.reportOrdinal[$0] }, comment)
      let pods = order.podRuns.flatMap { [UInt32](repeating: $0.entry, count: Int($0.rowCount)) }
      #expect(pods == rows.map { batch.rows.podOrdinal[$0] }, comment)
      seen += rows
    }
    #expect(seen.sorted() == Array(0..<batch.rows.count), comment)
  }

  @Test func randomBatches() throws {
    for seed: UInt64 in 0..<60 {
      var random = SeededGenerator(state: seed)
      let names = [
        "a", "b", "ab", "é", "b-1", "0123456789abcdef0", "0123456789abcdef1", "01234567",
        "0123456g",
        "0123456", "1b671a64-40d5-491e-99b0-000000000001", "1b671a64-40d5-491e-99b0-000000000002",
        "1b671b64-40d5-491e-99b0-000000000001", "1B671a64-40d5-491e-99b0-000000000001", "9x", ":a",
      ]
      let reports = (0..<Int.random(in: 1...30, using: &random)).map { index in
        // Mostly in order of time, and over midnight.
        let minute = Int.random(in: 0...4, using: &random) == 0 ? 0 : index
        let time = minute < 10 ? "2026-11-23T23:5\(minute):00Z" : "2026-11-24T00:\(minute):00Z"
        let rows = (0..<Int.random(in: 0...8, using: &random)).map { _ in
          JoinSupport.Row(
            pod: names[Int.random(in: 0..<names.count, using: &random)],
            namespace: names[Int.random(in: 0..<3, using: &random)],
            name: names[Int.random(in: 0..<2, using: &random)])
        }
        return (time, "node", rows)
      }
      check(try JoinSupport.batch(reports), "seed \(seed)")
    }
  }

  @Test func podsThatAreEqualButForTheNameShareARank() throws {
    let batch = try JoinSupport.batch([
      ("2026-11-24T00:00:00Z", "n", [.init(pod: "p", name: "one"), .init(pod: "p", name: "two")]),
      ("2026-11-24T00:01:00Z", "n", [.init(pod: "p", name: "one"), .init(pod: "a")]),
    ])
    let ranking = PodRanking(batch)
    #expect(ranking.ranks == [1, 1, 0])
    #expect(ranking.podOfRank == [2, nullEntry])
    check(batch, "two names")
  }

  @Test func rowsBehindTheDurableOnesAreNotWritten() throws {
    let batch = try JoinSupport.batch([
      ("2026-11-24T00:00:00Z", "n", [.init(pod: "p"), .init(pod: "q")]),
      ("2026-11-24T00:01:00Z", "n", [.init(pod: "p"), .init(pod: "q")]),
    ])
    let partitions = JoinSupport.resolved(batch, rowCount: 2).partitions()
    #expect(partitions.map(\.rowRanges) == [[0..<2]])
  }
}
