import Foundation
import Testing

@testable import fleet

/// Protects what the aggregator's index is tested against: lists are snapshots, and a list plus the
/// events after it is the next list.
@Suite struct ClusterTests {
  static func cluster(history: Int = 1 << 16, seed: UInt64 = 11) -> Cluster {
    Cluster(
      nodeCount: 12, podCount: 400, seed: seed, history: history,
      startMicros: 1_795_514_400_000_000)
  }

  static func object(_ text: String) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
    return try #require(value as? [String: Any])
  }

  static func metadata(_ object: [String: Any]) throws -> [String: Any] {
    try #require(object["metadata"] as? [String: Any])
  }

  /// All pages of a list, by UID.
  static func list(
    _ cluster: Cluster, _ kind: ObjectKind, at version: Int, limit: Int
  ) throws -> [String: String] {
    var found: [String: String] = [:]
    var query = try #require(ListQuery(target: "/api/v1/pods?limit=\(limit)"))
    query.kind = kind
    var slot = 0
    var remaining = cluster.count(kind, nil, version, from: 0)
    while true {
      var stream = ListStream(query: query, version: version, slot: slot, remaining: remaining)
      var writer = ByteWriter()
      while !stream.isFinished { stream.appendChunk(of: cluster, to: &writer) }
      let page = try object(writer.text)
      let items = try #require(page["items"] as? [[String: Any]])
      #expect(items.count == min(limit, remaining))
      for item in items {
        let metadata = try metadata(item)
        let uid = try #require(metadata["uid"] as? String)
        let resourceVersion = try #require(metadata["resourceVersion"] as? String)
        #expect(try #require(Int(resourceVersion)) <= version)
        #expect(found.updateValue(resourceVersion, forKey: uid) == nil)
      }
      guard let text = try metadata(page)["continue"] as? String else { return found }
      let token = try #require(ContinueToken(text: text))
      #expect(token.version == version)
      (slot, remaining) = (token.slot, token.remaining)
    }
  }

  @Test(arguments: ObjectKind.allCases)
  func aListAndTheEventsAfterItAreTheNextList(kind: ObjectKind) throws {
    let cluster = Self.cluster()
    let first = cluster.history.newest
    var state = try Self.list(cluster, kind, at: first, limit: 37)
    for round in 1...20 as ClosedRange<Int64> {
      cluster.churn(count: 25, nowSeconds: 1_795_514_400 + round * 300)
      cluster.heartbeat(nowSeconds: 1_795_514_400 + round * 300)
    }
    let last = cluster.history.newest
    // The old version is still listed as it was.
    #expect(try Self.list(cluster, kind, at: first, limit: 1000).keys == state.keys)
    var query = try #require(ListQuery(target: "/api/v1/pods?watch=1"))
    query.kind = kind
    var watch = WatchStream(query: query, version: first, startsWithObjects: false)
    while watch.isBehind(cluster) {
      var writer = ByteWriter()
      watch.appendChunk(of: cluster, to: &writer)
      for line in writer.text.split(separator: "\n") {
        let event = try Self.object(String(line))
        let object = try #require(event["object"] as? [String: Any])
        #expect(object["kind"] as? String == kind.kindName)
        let metadata = try Self.metadata(object)
        let uid = try #require(metadata["uid"] as? String)
        let version = try #require(metadata["resourceVersion"] as? String)
        switch event["type"] as? String {
        case "ADDED": #expect(state.updateValue(version, forKey: uid) == nil)
        case "MODIFIED": #expect(state.updateValue(version, forKey: uid) != nil)
        case "DELETED": #expect(state.removeValue(forKey: uid) != nil)
        default: Issue.record("unknown event: \(line.prefix(80))")
        }
      }
    }
    #expect(watch.version == last)
    #expect(try Self.list(cluster, kind, at: last, limit: 100) == state)
    #expect(state.count == cluster.liveCount(of: kind))
  }

  @Test func anOldVersionExpiresWhenItsSlotsAreReused() throws {
    let cluster = Self.cluster(history: 64)
    let first = cluster.history.newest
    for round in 1...40 as ClosedRange<Int64> {
      cluster.churn(count: 20, nowSeconds: 1_795_514_400 + round * 300)
      #expect(cluster.history.start <= cluster.history.newest)
      #expect(cluster.livePods == 400)
    }
    #expect(cluster.history.start > first)
    let query = try #require(ListQuery(target: "/api/v1/pods?watch=1"))
    var watch = WatchStream(query: query, version: first, startsWithObjects: false)
    var writer = ByteWriter()
    watch.appendChunk(of: cluster, to: &writer)
    #expect(watch.isExpired)
    #expect(writer.text.contains("\"code\":410"))
    let now = cluster.history.newest
    #expect(try Self.list(cluster, .pods, at: now, limit: 100).count == 400)
  }

  @Test func podsLookAsPromised() throws {
    let cluster = Self.cluster(seed: 4)
    var claiming = 0
    for slot in 0..<UInt32(400) {
      var writer = ByteWriter()
      cluster.appendPod(slot, at: cluster.history.newest, withType: true, to: &writer)
      let pod = try Self.object(writer.text)
      let metadata = try Self.metadata(pod)
      let labels = try #require(metadata["labels"] as? [String: String])
      let annotations = try #require(metadata["annotations"] as? [String: String])
      #expect((6...10).contains(labels.count), "\(labels)")
      #expect((2...5).contains(annotations.count), "\(annotations)")
      if cluster.pods[slot].claimCount > 0 { claiming += 1 }
      let name = try #require(metadata["name"] as? String)
      guard let owners = metadata["ownerReferences"] as? [[String: Any]] else { continue }
      let owner = try #require(owners.first?["name"] as? String)
      if owners.first?["kind"] as? String == "ReplicaSet" {
        let hash = try #require(labels["pod-template-hash"])
        #expect(owner.hasSuffix("-\(hash)") && name.hasPrefix("\(owner)-"))
      }
    }
    #expect((30...55).contains(claiming), "\(claiming) of 400 pods have claims")
  }

  @Test func theSameSeedIsTheSameCluster() {
    func reports(seed: UInt64) -> String {
      let cluster = Self.cluster(seed: seed)
      var collector = Collector(cluster: cluster, seed: seed)
      var writer = ByteWriter()
      for round in 0..<3 as Range<Int64> {
        for node in 0..<12 {
          _ = collector.appendReport(node: node, timestampMicros: round * 30_000_000, to: &writer)
        }
        cluster.churn(count: 10, nowSeconds: 1_795_514_400 + round * 30)
      }
      return writer.text
    }
    #expect(reports(seed: 1) == reports(seed: 1))
    #expect(reports(seed: 1) != reports(seed: 2))
  }

  @Test func everyNodeKeepsItsNumberOfPods() {
    let cluster = Self.cluster()
    for round in 1...20 as ClosedRange<Int64> {
      cluster.churn(count: 60, nowSeconds: 1_795_514_400 + round * 300)
      for node in 0..<12 {
        for position in cluster.nodeStarts[node]..<cluster.nodeStarts[node + 1] {
          #expect(cluster.samples[position].identity.node == UInt32(node))
        }
      }
    }
    #expect(cluster.nodeStarts.last == 400)
  }

  @Test func continueTokensAreReadBackAndOthersRefused() {
    let token = ContinueToken(version: 431, slot: 99, remaining: 7)
    let read = ContinueToken(text: token.text)
    #expect(read?.version == 431 && read?.slot == 99 && read?.remaining == 7)
    for text in ["", "abc", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ"] {
      #expect(ContinueToken(text: text) == nil, "\(text)")
    }
  }
}
