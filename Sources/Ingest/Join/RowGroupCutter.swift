import Columnar
import KubeIndex

/// Ends a row group where its distinct text, or one column's dictionary, would become too large.
///
/// Pods are never cut but by the text of reports, of which one pod can have very many. One cutter
/// serves all partitions of a batch: what costs per report of the batch is done once.
struct RowGroupCutter {
  private let resolved: ResolvedBatch
  private let hostTable: HostTable
  private var nextRun = 0
  /// Rows of the next run that are in earlier row groups.
  private var takenRows: UInt32 = 0
  /// Row group of the batch, from 1, in which a report or host was last counted; empty while all
  /// reports' text fits any row group.
  private var groupOfReport: [UInt32] = []
  private var groupOfHost: [UInt32] = []
  private var group: UInt32 = 0

  init(_ resolved: ResolvedBatch, _ hostTable: HostTable) {
    self.resolved = resolved
    self.hostTable = hostTable
    let batch = resolved.batch
    var byteCount = 0
    for report in 0..<batch.reportCount { byteCount += reportByteCount(report) }
    for host in hostTable.hosts.indices { byteCount += hostByteCount(host) }
    if byteCount > ColumnarLimits.maximumDictionaryBytes {
      groupOfReport = [UInt32](repeating: 0, count: batch.reportCount)
      groupOfHost = [UInt32](repeating: 0, count: hostTable.hosts.count)
    }
  }

  /// Starts a partition.
  mutating func begin() {
    nextRun = 0
    takenRows = 0
  }

  /// Fills `pods` with the rows of the next row group of the partition, whose pods are `podRuns`,
  /// and gives their number, at least 1. `reports` holds the reports of the rows from there on.
  mutating func fill(
    _ pods: PodColumns, _ podRuns: [EntryRun], reports: UnsafeMutablePointer<UInt32>
  ) -> Int {
    group += 1
    var rowCount = 0
    var reportBytes = 0
    while nextRun < podRuns.count {
      let pod = resolved.batch.reportedPod(Int(podRuns[nextRun].entry))
      let ahead = nextRun + IngestLimits.podPrefetchDistance
      if ahead < podRuns.count { resolved.prefetch(pod: Int(podRuns[ahead].entry)) }
      if rowCount > 0 && isFull(pods, reportBytes, pod) { break }
      let left = podRuns[nextRun].rowCount - takenRows
      let taken = countRows(left, reports + rowCount, isFirst: rowCount == 0, &reportBytes)
      if taken > 0 { pods.append(pod, of: resolved, rowCount: taken) }
      rowCount += Int(taken)
      if taken < left {
        takenRows += taken
        break
      }
      takenRows = 0
      nextRun += 1
    }
    return rowCount
  }

  /// Whether the pod must wait for the next row group. What it would add is added up only where
  /// that may matter: what the index holds of a pod is less than `largePodTextByteCount`, and what
  /// reports say of it is looked at.
  private func isFull(_ pods: PodColumns, _ reportBytes: Int, _ pod: ReportedPod) -> Bool {
    let largest = pods.meter.largest
    let total = pods.meter.sum + reportBytes
    let bound = pod.byteCount + IngestLimits.largePodTextByteCount
    if largest + bound <= ColumnarLimits.maximumDictionaryBytes
      && total + bound <= IngestLimits.rowGroupTextByteCount
    {
      return false
    }
    let addition = pods.additionalByteCount(pod, of: resolved)
    return largest + addition > ColumnarLimits.maximumDictionaryBytes
      || total + addition > IngestLimits.rowGroupTextByteCount
  }

  /// How many of the next `limit` rows the text of their reports and hosts leaves room for.
  private mutating func countRows(
    _ limit: UInt32, _ reports: UnsafeMutablePointer<UInt32>, isFirst: Bool,
    _ byteCount: inout Int
  ) -> UInt32 {
    guard !groupOfReport.isEmpty else { return limit }
    for row in 0..<Int(limit) {
      let report = Int(reports[row])
      let host = Int(hostTable.hostOfReport[report])
      var addition = 0
      if groupOfReport[report] != group { addition += reportByteCount(report) }
      if groupOfHost[host] != group { addition += hostByteCount(host) }
      let isFull = byteCount + addition > ColumnarLimits.maximumDictionaryBytes
      if isFull && !(isFirst && row == 0) { return UInt32(row) }
      byteCount += addition
      groupOfReport[report] = group
      groupOfHost[host] = group
    }
    return limit
  }

  private func reportByteCount(_ report: Int) -> Int {
    resolved.batch.reportTimestamp(report).count + 4
  }

  private func hostByteCount(_ host: Int) -> Int {
    let (node, report) = (hostTable.hosts[host].node, hostTable.hosts[host].report)
    let record = resolved.nodes[node]
    let id = report.flatMap { resolved.batch.reportInstanceID($0)?.count }
    let texts = [record?.instanceType, record?.zone, record?.capacityType]
    return texts.reduce(
      resolved.batch.nodeName(node).count + (id ?? record?.instanceID?.count ?? 0) + 8
    ) { $0 + ($1?.count ?? 0) + 4 }
  }
}
