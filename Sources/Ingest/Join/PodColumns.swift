import Columnar
import KubeIndex

/// The columns that hang on a pod: their values are put in once a pod and row group.
///
/// Null means not known: the pod is not in the index. 0 and the empty list mean known to be none.
final class PodColumns {
  let podID = PodColumn(TextDictionary())
  let namespace = PodColumn(TextDictionary())
  let podName = PodColumn(TextDictionary())
  let podStartTime = PodColumn(NumberDictionary())
  let annotations = ListColumn()
  let claimCount = PodColumn(NumberDictionary())
  let claimStorageBytes = PodColumn(NumberDictionary())
  let claimNames = ListColumn()
  let volumeIDs = ListColumn()
  let templates = TemplateColumns()

  private let dictionaries: [TextDictionary]

  init() {
    dictionaries =
      [
        podID.dictionary, namespace.dictionary, podName.dictionary, annotations.dictionary,
        claimNames.dictionary, volumeIDs.dictionary,
      ] + templates.dictionaries
  }

  /// Adds `rowCount` rows of the pod of that ordinal.
  func append(_ pod: Int, of resolved: ResolvedBatch, rowCount: UInt32) {
    let batch = resolved.batch
    podID.append(batch.podID(pod), rowCount: rowCount)
    namespace.append(sorted: batch.podNamespace(pod), rowCount: rowCount)
    podName.append(batch.podName(pod), rowCount: rowCount)
    podStartTime.append(batch.podStartMicros(pod), rowCount: rowCount)
    guard let known = resolved.pods[pod] else {
      templates.append(nil, rowCount: rowCount)
      annotations.append(nullEntry, rowCount: rowCount)
      claimCount.append(nullEntry, rowCount: rowCount)
      claimStorageBytes.append(nullEntry, rowCount: rowCount)
      claimNames.append(nullEntry, rowCount: rowCount)
      volumeIDs.append(nullEntry, rowCount: rowCount)
      return
    }
    templates.append(known.record.template, rowCount: rowCount)
    annotations.append(annotations.ordinal(of: known.record.annotations), rowCount: rowCount)
    appendClaims(known, rowCount: rowCount)
  }

  private func appendClaims(_ pod: ResolvedPod, rowCount: UInt32) {
    let names = pod.record.claims
    claimCount.append(Int64(names.elements.count), rowCount: rowCount)
    claimNames.append(claimNames.ordinal(of: names), rowCount: rowCount)
    var storageBytes: Int64 = 0
    for case let claim? in pod.claims {
      let (sum, overflow) = storageBytes.addingReportingOverflow(claim.storageBytes)
      storageBytes = overflow ? .max : sum
    }
    claimStorageBytes.append(storageBytes, rowCount: rowCount)
    let volumes = pod.volumes.compactMap { $0?.volumeID }
    let list =
      volumes.isEmpty
      ? volumeIDs.ordinal(of: .empty) : volumeIDs.ordinal(ofElements: volumes)
    volumeIDs.append(list, rowCount: rowCount)
  }

  // MARK: Text

  /// Bytes of the largest dictionary of texts, as its page holds it, and of all together.
  var dictionaryByteCounts: (largest: Int, sum: Int) {
    var (largest, sum) = (0, 0)
    for dictionary in dictionaries {
      let byteCount = dictionary.pageByteCount
      largest = max(largest, byteCount)
      sum += byteCount
    }
    return (largest, sum)
  }

  /// Bytes of what reports say of the pod.
  func reportedByteCount(_ pod: Int, of resolved: ResolvedBatch) -> Int {
    let batch = resolved.batch
    return batch.podID(pod).count + batch.podNamespace(pod).count + batch.podName(pod).count + 12
  }

  /// The most bytes of text that the pod would add.
  func additionalByteCount(_ pod: Int, of resolved: ResolvedBatch) -> Int {
    var byteCount = reportedByteCount(pod, of: resolved)
    guard let known = resolved.pods[pod] else { return byteCount }
    byteCount += templates.additionalByteCount(known.record.template)
    if !annotations.contains(known.record.annotations) {
      byteCount += known.record.annotations.plainByteCount
    }
    if !known.claims.isEmpty {
      byteCount += known.record.claims.plainByteCount
      byteCount += known.volumes.reduce(0) { $0 + ($1?.volumeID?.count ?? 0) + 4 }
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
  }
}
