import CShims
import Glibc
import KubeIndex

/// Fills the index from pod lists, by the client's own path, and says what that costs a pod:
///
///     index-bench [PODS…]       30000 and 1000000 by default
///
/// - memory in use by malloc (mallinfo2) and memory mapped besides, before and after, the pool of
///   interned texts included;
/// - the bytes of the distinct texts in it, each counted once, and what is beyond them;
/// - the time of parsing and of taking in, the longest one for a change, and what a lookup costs.
@main
struct IndexBench {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    let counts = arguments.isEmpty ? [30_000, 1_000_000] : arguments.compactMap { Int($0) }
    guard counts.count == max(arguments.count, 1) || arguments.isEmpty,
      counts.allSatisfy({ (1...100_000_000).contains($0) })
    else {
      print("usage: index-bench [PODS…]")
      exit(64)
    }
    for count in counts { measure(count) }
  }

  static func measure(_ podCount: Int) {
    let reader = ListReader()
    let index = ClusterIndex(counters: KubeCounters())
    var lists = PodLists(seed: 1)
    var parse = 0.0
    var apply = 0.0
    var longest = 0.0
    warmUp(reader)
    let before = Memory.now()
    index.apply(.relistBegan(.pods), nowSeconds: 0)
    while lists.podCount < podCount {
      let page = lists.page(of: min(500, podCount - lists.podCount))
      var records: [ObjectRecord] = []
      let begun = seconds()
      do {
        try page.withUnsafeBytes { bytes in
          try reader.read(.pods, bytes) { records.append($0) }
        }
      } catch {
        print("index-bench: \(error)")
        exit(1)
      }
      let parsed = seconds()
      var last = parsed
      for record in records {
        index.apply(.applied(record), nowSeconds: 0)
        let now = seconds()
        longest = max(longest, now - last)
        last = now
      }
      parse += parsed - begun
      apply += last - parsed
    }
    index.apply(.relistEnded(.pods), nowSeconds: 0)
    cshims_heap_trim()
    let after = Memory.now()
    let (distinct, ids) = census(index)
    let lookup = lookupSeconds(index, ids)
    let inUse = Double(after.inUse - before.inUse) / Double(podCount)
    let resident = Double(after.resident - before.resident) / Double(podCount)
    let text = Double(distinct) / Double(podCount)
    print(
      """
      \(podCount) pods
        memory in use: \(rounded(inUse)) bytes a pod (resident: \(rounded(resident)))
        distinct metadata: \(rounded(text)) bytes a pod
        beyond it: \(rounded(inUse - text)) bytes a pod
        parse: \(rounded(parse / Double(podCount) * 1e6)) us a pod, take in: \
      \(rounded(apply / Double(podCount) * 1e6)) us a pod, longest: \(rounded(longest * 1e3)) ms
        lookup by UID: \(rounded(lookup * 1e9)) ns
      """)
  }

  /// What the parser allocates for a page is no part of the index: it is there before.
  private static func warmUp(_ reader: ListReader) {
    var lists = PodLists(seed: 2)
    let page = lists.page(of: 500)
    page.withUnsafeBytes { bytes in try? reader.read(.pods, bytes) { _ in } }
  }

  /// Bytes of all texts that the pods hold, each text once, and every pod's UID.
  private static func census(_ index: ClusterIndex) -> (byteCount: Int, ids: [String]) {
    var seen: Set<ObjectIdentifier> = []
    var byteCount = 0
    var ids: [String] = []
    func add(_ text: Text?) {
      guard let text, seen.insert(ObjectIdentifier(text)).inserted else { return }
      byteCount += text.count
    }
    index.forEachLive { record in
      guard case .pod(let pod) = record else { return }
      let id = pod.uid.string
      byteCount += id.utf8.count
      ids.append(id)
      let template = pod.template
      for text in [
        template.namespace, template.owner, template.ownerKind, template.workload,
        template.workloadKind, template.qosClass, template.priorityClass,
      ] { add(text) }
      for list in [template.labels, pod.annotations, pod.claims] {
        for text in list.elements { add(text) }
      }
    }
    return (byteCount, ids)
  }

  private static func lookupSeconds(_ index: ClusterIndex, _ ids: [String]) -> Double {
    var generator = SystemRandomNumberGenerator()
    let sample = (0..<min(100_000, ids.count)).compactMap { _ in
      ids.randomElement(using: &generator).map { Array($0.utf8) }
    }
    var found = 0
    let begun = seconds()
    for id in sample where id.withUnsafeBytes({ index.pod(id: $0) }) != nil { found += 1 }
    let end = seconds()
    guard found == sample.count else {
      print("index-bench: \(sample.count - found) pods are not found")
      exit(1)
    }
    return (end - begun) / Double(sample.count)
  }

  private static func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}

/// What the process holds.
struct Memory {
  /// Bytes in use by malloc, and the pages touched in what is mapped without it.
  var inUse: Int
  var resident: Int

  static func now() -> Memory {
    Memory(
      inUse: cshims_heap_byte_count() + MappedSlots.byteCount, resident: residentBytes())
  }

  private static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
