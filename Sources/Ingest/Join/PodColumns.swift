import Columnar
import KubeIndex

/// The columns that hang on a pod: their values are put in once a pod and row group.
///
/// Null means not known: the pod is not in the index. 0 and the empty list mean known to be none.
final class PodColumns {
  /// How much text is in all columns.
  let meter: TextMeter
  let podID: PodColumn<TextDictionary>
  let namespace: PodColumn<TextDictionary>
  let podName: PodColumn<TextDictionary>
  let podStartTime = PodColumn(NumberDictionary())
  let annotations: ListColumn
  let claimCount = PodColumn(NumberDictionary())
  let claimStorageBytes = PodColumn(NumberDictionary())
  let claimNames: ListColumn
  let volumeIDs: ListColumn
  let templates: TemplateColumns

  /// The claims of the pod before where it is known to have none.
  @exclusivity(unchecked) private var noClaims: UnsafeMutableRawPointer?

  init() {
    let meter = TextMeter()
    self.meter = meter
    podID = PodColumn(TextDictionary(meter: meter))
    namespace = PodColumn(TextDictionary(meter: meter))
    podName = PodColumn(TextDictionary(meter: meter))
    annotations = ListColumn(meter)
    claimNames = ListColumn(meter)
    volumeIDs = ListColumn(meter)
    templates = TemplateColumns(meter)
  }

  /// Adds `rowCount` rows of `pod`, which is of `resolved`.
  func append(_ pod: ReportedPod, of resolved: ResolvedBatch, rowCount: UInt32) {
    if pod.isOnlyOfID {
      podID.append(distinct: pod.id, rowCount: rowCount)
    } else {
      podID.append(pod.id, rowCount: rowCount)
    }
    namespace.append(sorted: pod.namespace, rowCount: rowCount)
    podName.append(pod.name, rowCount: rowCount)
    podStartTime.append(pod.startMicros, rowCount: rowCount)
    guard let known = resolved.pods[pod.ordinal] else {
      noClaims = nil
      templates.appendUnknown(rowCount: rowCount)
      annotations.append(nullEntry, rowCount: rowCount)
      claimCount.append(nullEntry, rowCount: rowCount)
      claimStorageBytes.append(nullEntry, rowCount: rowCount)
      claimNames.append(nullEntry, rowCount: rowCount)
      volumeIDs.append(nullEntry, rowCount: rowCount)
      return
    }
    templates.append(known.parts.template, rowCount: rowCount)
    annotations.append(annotations.ordinal(of: known.parts.annotations), rowCount: rowCount)
    if known.parts.claims.toOpaque() == noClaims {
      claimCount.repeatLast(rowCount: rowCount)
      claimStorageBytes.repeatLast(rowCount: rowCount)
      claimNames.repeatLast(rowCount: rowCount)
      volumeIDs.repeatLast(rowCount: rowCount)
    } else {
      appendClaims(known, of: resolved.pods, rowCount: rowCount)
    }
  }

  private func appendClaims(_ pod: ResolvedPods.Pod, of pods: ResolvedPods, rowCount: UInt32) {
    let names = pod.parts.claims
    let count = names._withUnsafeGuaranteedRef { $0.elements.count }
    noClaims = count == 0 ? names.toOpaque() : nil
    claimCount.append(Int64(count), rowCount: rowCount)
    claimNames.append(claimNames.ordinal(of: names), rowCount: rowCount)
    var storageBytes: Int64 = 0
    var hasVolumes = false
    let first = Int(pod.firstClaim)
    for index in first..<first + count {
      if let claim = pods.claims[index] {
        let (sum, overflow) = storageBytes.addingReportingOverflow(claim.storageBytes)
        storageBytes = overflow ? .max : sum
      }
      if let id = pods.volumes[index]?.volumeID {
        volumeIDs.append(element: id)
        hasVolumes = true
      }
    }
    claimStorageBytes.append(storageBytes, rowCount: rowCount)
    let list =
      hasVolumes ? volumeIDs.endList() : volumeIDs.ordinal(of: .passUnretained(TextList.empty))
    volumeIDs.append(list, rowCount: rowCount)
  }

  // MARK: Text

  /// The most bytes of text that the pod would add.
  func additionalByteCount(_ pod: ReportedPod, of resolved: ResolvedBatch) -> Int {
    var byteCount = pod.byteCount
    guard let known = resolved.pods[pod.ordinal] else { return byteCount }
    byteCount += templates.additionalByteCount(known.parts.template.takeUnretainedValue())
    if !annotations.contains(known.parts.annotations) {
      byteCount += known.parts.annotations.takeUnretainedValue().plainByteCount
    }
    let claims = known.parts.claims.takeUnretainedValue()
    let first = Int(known.firstClaim)
    byteCount += claims.plainByteCount
    for index in first..<first + claims.elements.count {
      byteCount += (resolved.pods.volumes[index]?.volumeID?.count ?? 0) + 4
    }
    return byteCount
  }

  func reset() {
    podID.reset()
    namespace.reset()
    podName.reset()
    podStartTime.reset()
    annotations.reset()
    claimCount.reset()
    claimStorageBytes.reset()
    claimNames.reset()
    volumeIDs.reset()
    templates.reset()
    meter.reset()
    noClaims = nil
  }
}
