import Testing

@testable import KubeIndex

/// The index knows what exists, for a while what existed, and never less in between.
@Suite struct ClusterIndexTests {
  let counters = KubeCounters()

  func index(maximumTombstones: Int = 1000) -> ClusterIndex {
    ClusterIndex(counters: counters, maximumTombstones: maximumTombstones)
  }

  static func pod(
    _ uid: String, name: String = "p", mirror: String? = nil, claims: TextList = .empty
  ) -> PodRecord {
    let template = PodTemplate(
      namespace: Text("ns"), owner: nil, ownerKind: nil, workload: Text(name),
      workloadKind: Text("Pod"), labels: .empty, qosClass: nil, priorityClass: nil,
      resources: PodResources())
    let annotations =
      [Text("a=b")] + (mirror.map { [Text("kubernetes.io/config.mirror=\($0)")] } ?? [])
    return PodRecord(
      uid: PodUID(Text(uid)), template: template,
      annotations: TextList(annotations), claims: claims)
  }

  static func find(_ uid: String, in index: ClusterIndex) -> PodRecord? {
    Array(uid.utf8).withUnsafeBytes { index.pod(id: $0) }
  }

  static func findNode(_ name: String, in index: ClusterIndex) -> NodeRecord? {
    Array(name.utf8).withUnsafeBytes { index.node(name: $0) }
  }

  /// Pods looked up together are those that are found one by one, mirror pods included.
  @Test func lookupsTogetherFindTheSame() {
    let index = index()
    let uids = (0..<500).map { number in
      number % 3 == 0
        ? "odd-\(number)" : "1b671a64-40d5-491e-99b0-000000000\(String(number + 1000).suffix(3))"
    }
    for (number, uid) in uids.enumerated() where number % 5 != 0 {
      let mirror = number % 7 == 0 ? "kubelet-\(number)" : nil
      index.apply(.applied(.pod(Self.pod(uid, mirror: mirror))), nowSeconds: 0)
    }
    let asked = (uids + (0..<500).map { "kubelet-\($0)" }).map { Array($0.utf8) }
    for start in stride(from: 0, to: asked.count, by: 50) {
      let group = asked[start..<start + 50].map { Text(String(decoding: $0, as: UTF8.self)) }
      var found: [PodRecord?] = []
      TextList(group).withQueries { index.pods($0) { found.append($0) } }
      #expect(found.count == group.count)
      for (text, record) in zip(group, found) {
        #expect(record === Self.find(text.string, in: index), "\(text.string)")
      }
    }
    #expect(counters.lookups.current == 2 * asked.count)
  }

  @Test func readyOnlyWhenEveryKindWasListed() {
    let index = index()
    for kind in ObjectKind.allCases {
      #expect(!index.isReady)
      index.apply(.relistBegan(kind), nowSeconds: 0)
      #expect(!index.isReady(kind))
      index.apply(.relistEnded(kind), nowSeconds: 0)
      #expect(index.isReady(kind))
    }
    #expect(index.isReady)
  }

  @Test func deletedObjectsStayForTenMinutes() {
    let index = index()
    let pod = Self.pod("u1")
    index.apply(.applied(.pod(pod)), nowSeconds: 0)
    index.apply(.deleted(.pod(pod)), nowSeconds: 100)
    #expect(index.liveCount(.pods) == 0 && index.tombstoneCount == 1)
    index.expire(nowSeconds: 699, oldestRowSeconds: nil)
    #expect(Self.find("u1", in: index) === pod)
    // A row that arrived while the pod was still usable keeps it.
    index.expire(nowSeconds: 9_999, oldestRowSeconds: 699)
    #expect(Self.find("u1", in: index) === pod)
    index.expire(nowSeconds: 9_999, oldestRowSeconds: 700)
    #expect(Self.find("u1", in: index) == nil)
    #expect(index.tombstoneCount == 0 && index.checkInvariants() == nil)
  }

  /// A mass deletion falls due at one moment; the writer must not stand still for all of it.
  @Test func expiryOfManyIsCutIntoSlices() {
    let index = index(maximumTombstones: 100_000)
    let count = KubeIndexLimits.tombstonesPerExpiry * 2 + 1
    for number in 0..<count {
      index.apply(.deleted(.pod(Self.pod("u\(number)"))), nowSeconds: 0)
    }
    #expect(!index.expire(nowSeconds: 600, oldestRowSeconds: nil))
    #expect(index.tombstoneCount == KubeIndexLimits.tombstonesPerExpiry + 1)
    #expect(!index.expire(nowSeconds: 600, oldestRowSeconds: nil))
    #expect(index.expire(nowSeconds: 600, oldestRowSeconds: nil))
    #expect(index.tombstoneCount == 0 && index.checkInvariants() == nil)
  }

  @Test func replayedDeletionDoesNotProlong() {
    let index = index()
    let pod = Self.pod("u1")
    index.apply(.applied(.pod(pod)), nowSeconds: 0)
    index.apply(.deleted(.pod(pod)), nowSeconds: 0)
    index.apply(.deleted(.pod(Self.pod("u1"))), nowSeconds: 500)
    index.expire(nowSeconds: 600, oldestRowSeconds: nil)
    #expect(Self.find("u1", in: index) == nil)
  }

  /// Deleted, back, deleted again: the second deletion counts.
  @Test func oldTombstoneDoesNotTakeWhatIsBack() {
    let index = index()
    index.apply(.deleted(.pod(Self.pod("u1"))), nowSeconds: 0)
    index.apply(.applied(.pod(Self.pod("u1"))), nowSeconds: 1)
    index.expire(nowSeconds: 10_000, oldestRowSeconds: nil)
    #expect(Self.find("u1", in: index) != nil && index.liveCount(.pods) == 1)
    index.apply(.deleted(.pod(Self.pod("u1"))), nowSeconds: 10_000)
    index.expire(nowSeconds: 10_599, oldestRowSeconds: nil)
    #expect(Self.find("u1", in: index) != nil)
    index.expire(nowSeconds: 10_600, oldestRowSeconds: nil)
    #expect(Self.find("u1", in: index) == nil)
  }

  @Test func relistReplacesAtomically() {
    let index = index()
    for uid in ["a", "b", "c"] { index.apply(.applied(.pod(Self.pod(uid))), nowSeconds: 0) }
    index.apply(.relistBegan(.pods), nowSeconds: 1)
    index.apply(.applied(.pod(Self.pod("b"))), nowSeconds: 1)
    // Nothing is missing before the end, also when the list breaks off and begins again.
    #expect(index.liveCount(.pods) == 3)
    index.apply(.relistBegan(.pods), nowSeconds: 2)
    index.apply(.applied(.pod(Self.pod("d"))), nowSeconds: 2)
    index.apply(.applied(.pod(Self.pod("a"))), nowSeconds: 2)
    #expect(index.liveCount(.pods) == 4)
    index.apply(.relistEnded(.pods), nowSeconds: 3)
    #expect(index.liveCount(.pods) == 2 && index.tombstoneCount == 2)
    #expect(Self.find("c", in: index) != nil)
    index.expire(nowSeconds: 603, oldestRowSeconds: nil)
    #expect(Self.find("c", in: index) == nil && Self.find("b", in: index) == nil)
    #expect(Self.find("a", in: index) != nil && Self.find("d", in: index) != nil)
    #expect(index.checkInvariants() == nil)
  }

  @Test func relistOfOneKindLeavesTheOthers() {
    let index = index()
    index.apply(.applied(.node(NodeRecord(name: Text("n")))), nowSeconds: 0)
    index.apply(.relistBegan(.pods), nowSeconds: 0)
    index.apply(.relistEnded(.pods), nowSeconds: 0)
    #expect(index.liveCount(.nodes) == 1)
  }

  @Test func tombstonesAreBounded() {
    let index = index(maximumTombstones: 10)
    for number in 0..<15 { index.apply(.deleted(.pod(Self.pod("u\(number)"))), nowSeconds: 0) }
    #expect(index.tombstoneCount == 10)
    #expect(counters.tombstonesDropped.current == 5)
    #expect(Self.find("u4", in: index) == nil && Self.find("u5", in: index) != nil)
  }

  @Test func staticPodIsFoundByItsMirror() {
    let index = index()
    let mirror = Self.pod("api-uid", mirror: "0123abcd")
    index.apply(.applied(.pod(mirror)), nowSeconds: 0)
    #expect(Self.find("0123abcd", in: index) === mirror)
    #expect(Self.find("api-uid", in: index) === mirror)
    // Made again by the kubelet: another UID, the same static pod.
    let second = Self.pod("api-uid-2", mirror: "0123abcd")
    index.apply(.applied(.pod(second)), nowSeconds: 1)
    index.apply(.deleted(.pod(mirror)), nowSeconds: 2)
    index.expire(nowSeconds: 700, oldestRowSeconds: nil)
    #expect(Self.find("0123abcd", in: index) === second)
    let changed = Self.pod("api-uid-2", mirror: "ffff")
    index.apply(.applied(.pod(changed)), nowSeconds: 701)
    #expect(Self.find("0123abcd", in: index) == nil && Self.find("ffff", in: index) === changed)
    index.apply(.deleted(.pod(changed)), nowSeconds: 702)
    #expect(Self.find("ffff", in: index) != nil)
    index.expire(nowSeconds: 2000, oldestRowSeconds: nil)
    #expect(Self.find("ffff", in: index) == nil && index.checkInvariants() == nil)
  }

  /// A name taken by a younger object is not deleted with the older one.
  @Test func lateDeletionOfAnotherIncarnationIsIgnored() {
    let index = index()
    let old = NodeRecord(name: Text("n"), incarnation: 1)
    let young = NodeRecord(name: Text("n"), incarnation: 2)
    index.apply(.applied(.node(old)), nowSeconds: 0)
    index.apply(.applied(.node(young)), nowSeconds: 1)
    index.apply(.deleted(.node(old)), nowSeconds: 2)
    #expect(Self.findNode("n", in: index) === young)
    #expect(index.liveCount(.nodes) == 1)
  }

  @Test func claimsAreFoundByNamespaceAndName() {
    let index = index()
    let claim = ClaimRecord(
      namespace: Text("a"), name: Text("c"), storageBytes: 5, volumeName: Text("pv"))
    index.apply(.applied(.claim(claim)), nowSeconds: 0)
    index.apply(
      .applied(.volume(VolumeRecord(name: Text("pv"), volumeID: Text("vol-1")))), nowSeconds: 0)
    #expect(index.claim(namespace: Text("a"), name: Text("c")) === claim)
    #expect(index.claim(namespace: Text("c"), name: Text("a")) == nil)
    #expect(index.volume(name: Text("pv"))?.volumeID?.string == "vol-1")
    #expect(counters.lookups.current == 3 && counters.misses.current == 1)
  }

  /// Random events and relists against a model of two dictionaries.
  @Test func agreesWithAModel() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let index = index(maximumTombstones: 100_000)
    var live: [String: PodRecord] = [:]
    var dead: [String: (record: PodRecord, seconds: Int64)] = [:]
    var now: Int64 = 0
    func bury(_ uid: String, _ record: PodRecord) {
      live[uid] = nil
      dead[uid] = (record, now)
    }
    for step in 0..<20_000 {
      now += Int64.random(in: 0...3, using: &random)
      let uid = "uid-\(Int.random(in: 0..<300, using: &random))"
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<55:
        let pod = Self.pod(uid)
        index.apply(.applied(.pod(pod)), nowSeconds: now)
        live[uid] = pod
        dead[uid] = nil
      case 55..<90:
        let pod = Self.pod(uid)
        index.apply(.deleted(.pod(pod)), nowSeconds: now)
        if dead[uid] == nil { bury(uid, pod) }
      case 90..<91:
        index.apply(.relistBegan(.pods), nowSeconds: now)
        for (uid, record) in live where Bool.random(using: &random) {
          index.apply(.applied(.pod(record)), nowSeconds: now)
          dead[uid] = (record, -1)
        }
        index.apply(.relistEnded(.pods), nowSeconds: now)
        for (uid, record) in live {
          if dead[uid]?.seconds == -1 { dead[uid] = nil } else { bury(uid, record) }
        }
      default:
        index.expire(nowSeconds: now, oldestRowSeconds: nil)
        dead = dead.filter { $0.value.seconds + 600 > now }
      }
      let probe = "uid-\(Int.random(in: 0..<300, using: &random))"
      let expected = live[probe] ?? dead[probe]?.record
      let found = Self.find(probe, in: index)
      if found !== expected {
        Issue.record("step \(step): \(probe)")
        return
      }
      #expect(index.liveCount(.pods) == live.count && index.tombstoneCount == dead.count)
      if step % 100 == 0 { #expect(index.checkInvariants() == nil) }
    }
  }
}

extension TextList {
  /// Calls `body` with a query for each text.
  fileprivate func withQueries(_ body: (UnsafeBufferPointer<ClusterIndex.PodQuery>) -> Void) {
    withExtendedLifetime(self) {
      var queries: [ClusterIndex.PodQuery] = []
      forEachText { queries.append(ClusterIndex.PodQuery(id: $0, packed: PodUID(packing: $0))) }
      queries.withUnsafeBufferPointer(body)
    }
  }
}
