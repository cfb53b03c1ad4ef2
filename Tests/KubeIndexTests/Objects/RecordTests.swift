import Testing

@testable import KubeIndex

/// Records hold what a row says about an object.
@Suite struct RecordTests {
  let builder = RecordBuilder()

  func pod(_ text: String) throws -> PodRecord { try withJSON(text) { try builder.pod($0) } }

  func pod(metadata: String, spec: String = "{}", status: String = "{}") throws -> PodRecord {
    try pod(
      """
      {"metadata":{"name":"p-1","namespace":"shop","uid":"u-1"\(metadata)},
       "spec":\(spec),"status":\(status)}
      """)
  }

  /// As many claims as fit in an object, each once, in their order, at a cost that grows with them.
  @Test func manyClaimsAreReadInTime() throws {
    let names = (0..<25_000).map { "claim-\($0)" }
    let volumes = (names + names.reversed()).map {
      "{\"persistentVolumeClaim\":{\"claimName\":\"\($0)\"}}"
    }
    let start = ContinuousClock.now
    let pod = try pod(metadata: "", spec: "{\"volumes\":[\(volumes.joined(separator: ","))]}")
    #expect(ContinuousClock.now - start < .seconds(4))
    #expect(pod.claims.elements.map(\.string) == names)
  }

  static let workloads:
    [(references: String, labels: String, owner: String?, workload: String, kind: String)] = [
      ("", "", nil, "p-1", "Pod"),
      (#"{"kind":"StatefulSet","name":"db","controller":true}"#, "", "db", "db", "StatefulSet"),
      (#"{"kind":"A","name":"first"},{"kind":"B","name":"second"}"#, "", "first", "first", "A"),
      (
        #"{"kind":"A","name":"first"},{"kind":"B","name":"second","controller":true}"#, "",
        "second",
        "second", "B"
      ),
      (
        #"{"kind":"ReplicaSet","name":"web-5d9f","controller":true}"#,
        #""pod-template-hash":"5d9f""#, "web-5d9f", "web", "Deployment"
      ),
      (
        #"{"kind":"ReplicaSet","name":"web-5d9f","controller":true}"#,
        #""pod-template-hash":"other""#, "web-5d9f", "web-5d9f", "ReplicaSet"
      ),
      (
        #"{"kind":"ReplicaSet","name":"-5d9f"}"#, #""pod-template-hash":"5d9f""#, "-5d9f", "-5d9f",
        "ReplicaSet"
      ),
      (#"{"kind":"ReplicaSet","name":"web"}"#, "", "web", "web", "ReplicaSet"),
      (#"{"kind":"Job","name":"nightly-29360000"}"#, "", "nightly-29360000", "nightly", "CronJob"),
      (
        #"{"kind":"Job","name":"nightly-2936000"}"#, "", "nightly-2936000", "nightly-2936000", "Job"
      ),
      (#"{"kind":"Job","name":"29360000"}"#, "", "29360000", "29360000", "Job"),
      (#"{"kind":"Job","name":"-29360000"}"#, "", "-29360000", "-29360000", "Job"),
      (#"{"kind":"Node","name":"n1","controller":true}"#, "", "n1", "n1", "Node"),
    ]

  @Test(arguments: workloads)
  func ownerAndWorkload(
    references: String, labels: String, owner: String?, workload: String, kind: String
  ) throws {
    let pod = try pod(metadata: ",\"labels\":{\(labels)},\"ownerReferences\":[\(references)]")
    #expect(pod.template.owner?.string == owner)
    #expect((pod.template.ownerKind == nil) == (owner == nil))
    #expect(pod.template.workload.string == workload)
    #expect(pod.template.workloadKind.string == kind)
  }

  /// Sorted by key, not by the whole pair: `a=` would come behind `a-b=`.
  @Test func labelsAndAnnotationsAreSortedByKey() throws {
    let pod = try pod(
      metadata: #","labels":{"a-b":"1","b":"","a":"2"},"annotations":{"ü":"Ω\n\"","k":"v"}"#)
    #expect(pod.template.labels.elements.map(\.string) == ["a=2", "a-b=1", "b="])
    #expect(pod.annotations.elements.map(\.string) == ["k=v", "ü=Ω\n\""])
  }

  @Test func claimsInSpecOrderEachOnce() throws {
    let pod = try pod(
      metadata: "",
      spec: """
        {"volumes":[
          {"name":"b","persistentVolumeClaim":{"claimName":"zeta"}},{"name":"c","configMap":{}},
          {"name":"scratch","ephemeral":{"volumeClaimTemplate":{}}},
          {"name":"d","persistentVolumeClaim":{"claimName":"alpha"}},
          {"name":"e","persistentVolumeClaim":{"claimName":"zeta"}}],
         "priorityClassName":"high"}
        """, status: #"{"qosClass":"Burstable"}"#)
    #expect(pod.claims.elements.map(\.string) == ["zeta", "p-1-scratch", "alpha"])
    #expect(pod.template.priorityClass?.string == "high")
    #expect(pod.template.qosClass?.string == "Burstable")
  }

  @Test func podsOfOneOwnerShareATemplate() throws {
    let metadata = #","labels":{"app":"x"},"ownerReferences":[{"kind":"StatefulSet","name":"db"}]"#
    let first = try pod(metadata: metadata)
    let second = try pod(metadata: metadata)
    let other = try pod(metadata: metadata, status: #"{"qosClass":"Guaranteed"}"#)
    #expect(first.template === second.template)
    #expect(first.template !== other.template)
    #expect(first.template.labels === other.template.labels)
    #expect(first.claims === TextList.empty)
  }

  @Test(arguments: [
    #"{}"#, #"{"metadata":{}}"#, #"{"metadata":{"name":"a","namespace":"b"}}"#,
    #"{"metadata":{"name":"","namespace":"b","uid":"c"}}"#, #"{"metadata":{"name":"a","uid":"c"}}"#,
    #"[]"#, #""text""#,
  ])
  func anObjectWithoutIdentityIsRefused(text: String) throws {
    #expect(throws: RecordBuilder.Fault.self) { _ = try pod(text) }
  }

  @Test(
    arguments: [
      (#""eks.amazonaws.com/capacityType":"ON_DEMAND""#, "on-demand"),
      (
        #""eks.amazonaws.com/capacityType":"SPOT","karpenter.sh/capacity-type":"on-demand""#, "spot"
      ),
      (#""karpenter.sh/capacity-type":"on-demand""#, "on-demand"), (#""other":"x""#, nil),
    ] as [(String, String?)])
  func capacityType(labels: String, expected: String?) throws {
    let node = try withJSON("{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"labels\":{\(labels)}}}")
    {
      try builder.node($0)
    }
    #expect(node.capacityType?.string == expected)
  }

  @Test(
    arguments: [
      ("aws:///us-east-1a/i-0abc", "i-0abc"), ("aws:///us-east-1a/x-0abc", nil),
      ("gce:///z/i-1", nil),
      ("aws://i-1", "i-1"), ("", nil),
    ] as [(String, String?)])
  func instanceID(providerID: String, expected: String?) throws {
    let text =
      "{\"metadata\":{\"name\":\"n\",\"uid\":\"u\"},\"spec\":{\"providerID\":\"\(providerID)\"}}"
    let node = try withJSON(text) { try builder.node($0) }
    #expect(node.instanceID?.string == expected)
  }

  @Test(
    arguments: [
      (#""csi":{"driver":"ebs.csi.aws.com","volumeHandle":"vol-1"}"#, "vol-1"),
      (#""csi":{"driver":"efs.csi.aws.com","volumeHandle":"vol-1"}"#, nil),
      (#""awsElasticBlockStore":{"volumeID":"aws://us-east-1a/vol-2"}"#, "vol-2"),
      (#""awsElasticBlockStore":{"volumeID":"vol-3"}"#, "vol-3"), (#""nfs":{}"#, nil),
    ] as [(String, String?)])
  func volumeID(source: String, expected: String?) throws {
    let text = "{\"metadata\":{\"name\":\"v\",\"uid\":\"u\"},\"spec\":{\(source)}}"
    let volume = try withJSON(text) { try builder.volume($0) }
    #expect(volume.volumeID?.string == expected)
  }

  @Test func claim() throws {
    let text =
      """
      {"metadata":{"name":"c","namespace":"s","uid":"u"},
       "spec":{"volumeName":"pv","resources":{"requests":{"storage":"1.5Gi"}}}}
      """
    let claim = try withJSON(text) { try builder.claim($0) }
    #expect(claim.storageBytes == 1_610_612_736)
    #expect(claim.volumeName?.string == "pv")
    let unbound = try withJSON(
      #"{"metadata":{"name":"c","namespace":"s","uid":"u"},"spec":{"volumeName":""}}"#
    ) { try builder.claim($0) }
    #expect(unbound.storageBytes == 0)
    #expect(unbound.volumeName == nil)
  }
}
