import Columnar
import KubeIndex

/// The columns that hang on a pod's template: their values are put in once a template.
final class TemplateColumns {
  let owner: KeyedColumn<TextDictionary>
  let ownerKind: KeyedColumn<TextDictionary>
  let workload: KeyedColumn<TextDictionary>
  let workloadKind: KeyedColumn<TextDictionary>
  let qosClass: KeyedColumn<TextDictionary>
  let priorityClass: KeyedColumn<TextDictionary>
  let requestsCPUMillicores = KeyedColumn(NumberDictionary())
  let requestsMemoryBytes = KeyedColumn(NumberDictionary())
  let limitsCPUMillicores = KeyedColumn(NumberDictionary())
  let limitsMemoryBytes = KeyedColumn(NumberDictionary())
  let requestsStorageBytes = KeyedColumn(NumberDictionary())
  let limitsStorageBytes = KeyedColumn(NumberDictionary())
  let gpuRequests = KeyedColumn(NumberDictionary())
  let labels: ListColumn
  private var labelLists: [UInt32] = []

  /// The row group's templates, row by row; the numbers are keys of the columns above.
  @exclusivity(unchecked) private(set) var runs: [EntryRun] = []
  @exclusivity(unchecked) private var keys = IdentityTable()
  private var keyCount: UInt32 = 0

  init(_ meter: TextMeter) {
    owner = KeyedColumn(TextDictionary(meter: meter))
    ownerKind = KeyedColumn(TextDictionary(meter: meter))
    workload = KeyedColumn(TextDictionary(meter: meter))
    workloadKind = KeyedColumn(TextDictionary(meter: meter))
    qosClass = KeyedColumn(TextDictionary(meter: meter))
    priorityClass = KeyedColumn(TextDictionary(meter: meter))
    labels = ListColumn(meter)
  }

  /// Adds rows of a pod of `template`.
  func append(_ template: Unmanaged<PodTemplate>, rowCount: UInt32) {
    let key = keys.number(of: template.toOpaque()) { makeKey(template.takeUnretainedValue()) }
    runs.append(key, rowCount: rowCount)
  }

  /// Adds rows of a pod that is not known: all columns are null.
  func appendUnknown(rowCount: UInt32) { runs.append(nullEntry, rowCount: rowCount) }

  /// Writes `labels`.
  func writeLabels(to group: RowGroupWriter) throws {
    try labels.write(runs, ordinals: labelLists, to: group)
  }

  private func makeKey(_ template: PodTemplate) -> UInt32 {
    owner.append(template.owner)
    ownerKind.append(template.ownerKind)
    workload.append(template.workload)
    workloadKind.append(template.workloadKind)
    qosClass.append(template.qosClass)
    priorityClass.append(template.priorityClass)
    requestsCPUMillicores.append(template.requestsCPUMillicores)
    requestsMemoryBytes.append(template.requestsMemoryBytes)
    limitsCPUMillicores.append(template.limitsCPUMillicores)
    limitsMemoryBytes.append(template.limitsMemoryBytes)
    requestsStorageBytes.append(template.requestsStorageBytes)
    limitsStorageBytes.append(template.limitsStorageBytes)
    gpuRequests.append(template.gpuRequests)
    labelLists.append(labels.ordinal(of: .passUnretained(template.labels)))
    keyCount += 1
    return keyCount - 1
  }

  // MARK: Text

  private var texts: [KeyedColumn<TextDictionary>] {
    [owner, ownerKind, workload, workloadKind, qosClass, priorityClass]
  }
  private var numbers: [KeyedColumn<NumberDictionary>] {
    [
      requestsCPUMillicores, requestsMemoryBytes, limitsCPUMillicores, limitsMemoryBytes,
      requestsStorageBytes, limitsStorageBytes, gpuRequests,
    ]
  }

  /// The most bytes of text that a pod of `template` would add.
  func additionalByteCount(_ template: PodTemplate) -> Int {
    if keys.contains(Unmanaged.passUnretained(template).toOpaque()) { return 0 }
    let texts = [
      template.owner, template.ownerKind, template.workload, template.workloadKind,
      template.qosClass, template.priorityClass,
    ]
    return texts.reduce(template.labels.plainByteCount) { $0 + ($1?.count ?? 0) + 4 }
  }

  func reset() {
    texts.forEach { $0.reset() }
    numbers.forEach { $0.reset() }
    labels.reset()
    labelLists.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
    keys.reset()
    keyCount = 0
  }
}
