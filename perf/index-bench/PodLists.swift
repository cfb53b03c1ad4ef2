/// Makes pages of a pod list as an API server writes them: Deployments of 24 pods with 6 labels, 2
/// to 4 annotations of the workload (on every tenth pod one of 500 bytes of its own besides), two
/// containers, and a claim for every tenth pod.
struct PodLists {
  private var random: UInt64
  private(set) var podCount = 0

  init(seed: UInt64) { random = seed }

  private mutating func next() -> UInt64 {
    // splitmix64, by Sebastiano Vigna, in the public domain.
    random &+= 0x9E37_79B9_7F4A_7C15
    var z = random
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private mutating func hex(_ count: Int) -> String {
    var text = ""
    while text.utf8.count < count {
      let digits = String(next(), radix: 16)
      text += String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
    return String(text.prefix(count))
  }

  private mutating func uuid() -> String {
    "\(hex(8))-\(hex(4))-4\(hex(3))-a\(hex(3))-\(hex(12))"
  }

  /// The next page.
  mutating func page(of count: Int) -> [UInt8] {
    let items = (0..<count).map { _ in pod() }.joined(separator: ",")
    return Array(
      "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[\(items)]}".utf8)
  }

  private mutating func pod() -> String {
    let workload = podCount / 24
    let own = podCount % 10 == 3
    let claims = podCount % 10 == 7
    podCount += 1
    // A workload's hash is a function of its number, so that its pods share it.
    let hash = String((UInt64(workload) &* 0x9E37_79B9_7F4A_7C15) >> 24, radix: 16)
    let name = "service-\(workload)-\(hash)-\(hex(5))"
    var annotations = [
      "\"prometheus.io/port\":\"\(8000 + workload % 90)\"", "\"prometheus.io/scrape\":\"true\"",
      "\"checksum/config\":\"\(String(repeating: hash, count: 6))\"",
    ]
    if own { annotations.append("\"example.com/placement\":\"\(hex(478))\"") }
    let volume =
      claims ? "{\"name\":\"d\",\"persistentVolumeClaim\":{\"claimName\":\"data-\(name)\"}}" : ""
    return """
      {"metadata":{"name":"\(name)","namespace":"team-\(workload % 40)","uid":"\(uuid())",\
      "resourceVersion":"\(podCount)","creationTimestamp":"2026-03-04T05:06:07Z",\
      "labels":{"app.kubernetes.io/instance":"service-\(workload)",\
      "app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/name":"service-\(workload)",\
      "app.kubernetes.io/version":"1.\(workload % 30).2","pod-template-hash":"\(hash)",\
      "team":"team-\(workload % 40)"},"annotations":{\(annotations.joined(separator: ","))},\
      "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet",\
      "name":"service-\(workload)-\(hash)","uid":"\(uuid())","controller":true}]},\
      "spec":{"volumes":[\(volume)],"containers":[\(container(workload)),\(container(7))],\
      "nodeName":"node-\(podCount % 1000)","serviceAccountName":"default",\
      "tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists",\
      "effect":"NoExecute","tolerationSeconds":300}]},\
      "status":{"phase":"Running","qosClass":"Burstable","podIP":"10.1.\(podCount % 250).7"}}
      """
  }

  private func container(_ workload: Int) -> String {
    """
    {"name":"c\(workload % 3)","image":"registry.example.com/service:\(workload)",\
    "resources":{"requests":{"cpu":"\(50 * (1 + workload % 40))m",\
    "memory":"\(64 * (1 + workload % 64))Mi"},\
    "limits":{"memory":"\(128 * (1 + workload % 64))Mi"}},\
    "ports":[{"containerPort":8080,"protocol":"TCP"}],"env":[{"name":"A","value":"b"}]}
    """
  }
}
