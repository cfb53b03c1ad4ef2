/// Mirror pods by the UID that the kubelet gave the static pod.
///
/// A static pod has one UID at its kubelet and another at the API server, where its mirror pod
/// stands for it; the mirror pod's annotation holds the kubelet's. See
/// https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
struct MirrorTable: ~Copyable {
  static let annotationPrefix: StaticString = "kubernetes.io/config.mirror="

  var table = ProbeTable<PodRecord>()

  /// Takes `old`'s entry away, if it has one, and gives `new` one if it is a mirror pod. A deleted
  /// pod does not take the entry of the one that came after it.
  mutating func replace(_ old: PodRecord?, with new: PodRecord, isDeleted: Bool) {
    if let old, old !== new { remove(old) }
    new.withMirrorID { id in
      let hash = Text.hash(id)
      if let bucket = table.find(hash: hash, matches: { $0.hasMirrorID(id) }) {
        if !isDeleted { table.replace(at: bucket, with: new) }
      } else {
        table.insert(hash: hash, value: new)
      }
    }
  }

  /// Takes the entry of exactly this record away; another pod's entry for the same UID stays.
  mutating func remove(_ record: PodRecord) {
    record.withMirrorID { id in
      if let bucket = table.find(hash: Text.hash(id), matches: { $0 === record }) {
        table.remove(at: bucket)
      }
    }
  }

  func find(id: UnsafeRawBufferPointer, hash: UInt64) -> PodRecord? {
    guard table.count > 0 else { return nil }
    return table.find(hash: hash, matches: { $0.hasMirrorID(id) }).map { table.value(at: $0) }
  }
}

extension PodRecord {
  /// Calls `body` with the value of the mirror annotation, if the pod carries one.
  fileprivate func withMirrorID(_ body: (UnsafeRawBufferPointer) -> Void) {
    let prefix = MirrorTable.annotationPrefix.utf8CodeUnitCount
    for annotation in annotations.elements where annotation.count > prefix {
      let isMirror = annotation.withBytes { bytes -> Bool in
        UnsafeRawBufferPointer(rebasing: bytes[..<prefix]).elementsEqual(
          UnsafeRawBufferPointer(
            start: MirrorTable.annotationPrefix.utf8Start, count: prefix))
      }
      guard isMirror else { continue }
      annotation.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[prefix...])) }
      return
    }
  }

  fileprivate func hasMirrorID(_ id: UnsafeRawBufferPointer) -> Bool {
    var isSame = false
    withMirrorID { isSame = $0.elementsEqual(id) }
    return isSame
  }
}
