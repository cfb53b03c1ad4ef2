import Columnar
import KubeIndex

/// Turns a sealed batch into row groups: cut by (cluster, day), sorted, joined with what the index
/// knew, and written.
///
///     batch ─▶ partitions ─▶ row order ─▶ row groups (cut by text) ─▶ columns ─▶ file
///
/// What a pod, template or host is gets looked at once a row group; only the order, the times and
/// the four numbers cost per row. Owned by one thread; its memory is reused for all files.
package final class RowGroupJoiner {
  private var scratch = EncodingScratch()
  private var order = RowOrder()
  private var pods = PodColumns()
  private var hosts = HostColumns()
  private var reports = ReportColumns()
  private let clusters = TextDictionary()
  private var numbers = ScratchColumn<UInt64>()
  private var presence = ScratchColumn<UInt8>()

  package init() {}

  /// Appends the rows of `resolved` to the files that `files` lends, row group by row group.
  package func append(
    _ resolved: ResolvedBatch, to files: (PartitionKey) throws -> ParquetFileWriter
  ) throws {
    guard resolved.rowCount > 0 else { return }
    let batch = resolved.batch
    let ranking = PodRanking(batch)
    let hostTable = HostTable(batch)
    let times = ReportTimes(batch)
    var cutter = RowGroupCutter(resolved, hostTable)
    for partition in resolved.partitions() {
      let file = try files(partition.key)
      order.sort(partition, of: batch, by: ranking, times.instants)
      try append(partition, resolved, hostTable, times, &cutter, to: file)
    }
  }

  /// Gives the memory back; what is needed grows anew.
  package func releaseMemory() {
    scratch = EncodingScratch()
    order = RowOrder()
    pods = PodColumns()
    hosts = HostColumns()
    reports = ReportColumns()
    numbers = ScratchColumn()
    presence = ScratchColumn()
  }

  // MARK: Row groups

  private func append(
    _ partition: Partition, _ resolved: ResolvedBatch, _ hostTable: HostTable,
    _ times: ReportTimes, _ cutter: inout RowGroupCutter, to file: ParquetFileWriter
  ) throws {
    cutter.begin()
    var start = 0
    let partitionRowCount = partition.rowCount
    while start < partitionRowCount {
      pods.reset()
      let rowCount = cutter.fill(pods, order.podRuns, reports: order.reports.base + start)
      let slice = start..<start + rowCount
      try write(slice, partition, resolved, hostTable, times, to: file)
      start = slice.upperBound
    }
  }

  private func write(
    _ slice: Range<Int>, _ partition: Partition, _ resolved: ResolvedBatch,
    _ hostTable: HostTable, _ times: ReportTimes, to file: ParquetFileWriter
  ) throws {
    let rowReports = UnsafeBufferPointer(
      start: order.reports.base + slice.lowerBound, count: slice.count)
    hosts.reset(hostCount: hostTable.hosts.count)
    hosts.append(rowReports, hostTable, of: resolved)
    reports.fill(rowReports, of: resolved.batch, times)
    gatherPresence(slice, resolved.batch.rows)
    try file.appendRowGroup(rowCount: slice.count, scratch: scratch) { group in
      try writeDescribed(slice, rowReports, partition, resolved.batch.rows, to: group)
      // Only the benchmark asks for less, and then the last sorting column is not there.
      if file.schema.columns.count < UsageSchema.schema.columns.count { return [] }
      try writeAppended(rowReports, to: group)
      return isSorted(rowReports, times.instants) ? UsageSchema.sortingColumns : []
    }
  }

  /// Whether the rows are in the order of the sorting columns, by their values, and none is null.
  private func isSorted(_ rowReports: UnsafeBufferPointer<UInt32>, _ times: [Int64]) -> Bool {
    guard reports.hasAllInstants else { return false }
    return SortingVerifier.isSorted(
      namespaces: pods.namespace, podIDs: pods.podID, reports: rowReports, times: times)
  }

  // MARK: Columns

  /// Writes the 21 described columns.
  private func writeDescribed(
    _ slice: Range<Int>, _ rowReports: UnsafeBufferPointer<UInt32>, _ partition: Partition,
    _ rows: RowBatch, to group: RowGroupWriter
  ) throws {
    let templates = pods.templates
    try reports.writeTimestamps(rowReports, to: group)
    clusters.reset()
    let cluster = EntryRun(
      entry: clusters.intern(partition.key.cluster), rowCount: UInt32(slice.count))
    try group.append(runs: [cluster], dictionary: clusters)
    try hosts.nodeName.write(hosts.runs, to: group)
    try hosts.instanceID.write(hosts.runs, to: group)
    try pods.podID.write(to: group)
    try pods.namespace.write(to: group)
    try templates.owner.write(templates.runs, to: group)
    try write(rows.cpu, slice, RowBatch.Presence.cpu, to: group)
    try write(rows.memory, slice, RowBatch.Presence.memory, to: group)
    try write(rows.networkSent, slice, RowBatch.Presence.networkSent, to: group)
    try write(rows.networkReceived, slice, RowBatch.Presence.networkReceived, to: group)
    try templates.requestsCPUMillicores.write(templates.runs, to: group)
    try templates.requestsMemoryBytes.write(templates.runs, to: group)
    try templates.limitsCPUMillicores.write(templates.runs, to: group)
    try templates.limitsMemoryBytes.write(templates.runs, to: group)
    try templates.writeLabels(to: group)
    try pods.annotations.write(to: group)
    try pods.claimCount.write(to: group)
    try pods.claimStorageBytes.write(to: group)
    try pods.claimNames.write(to: group)
    try pods.volumeIDs.write(to: group)
  }

  /// Writes the columns that came after them.
  private func writeAppended(
    _ rowReports: UnsafeBufferPointer<UInt32>, to group: RowGroupWriter
  ) throws {
    let templates = pods.templates
    try pods.podName.write(to: group)
    try templates.ownerKind.write(templates.runs, to: group)
    try pods.podStartTime.write(to: group)
    try reports.writeInstants(rowReports, to: group)
    try templates.requestsStorageBytes.write(templates.runs, to: group)
    try templates.limitsStorageBytes.write(templates.runs, to: group)
    try hosts.instanceType.write(hosts.runs, to: group)
    try hosts.zone.write(hosts.runs, to: group)
    try hosts.capacityType.write(hosts.runs, to: group)
    try templates.workload.write(templates.runs, to: group)
    try templates.workloadKind.write(templates.runs, to: group)
    try templates.qosClass.write(templates.runs, to: group)
    try templates.priorityClass.write(templates.runs, to: group)
    try templates.gpuRequests.write(templates.runs, to: group)
  }

  private func gatherPresence(_ slice: Range<Int>, _ rows: RowBatch) {
    presence.reserve(slice.count)
    Self.gather(rows.presence, at: order.rows.base + slice.lowerBound, slice.count, presence.base)
  }

  /// Writes `cpu_usage_cores`.
  private func write(
    _ column: UnsafeMutablePointer<Double>, _ slice: Range<Int>, _ mask: UInt8,
    to group: RowGroupWriter
  ) throws {
    try group.append(numbers: gather(column, slice), presence: presence(slice), mask: mask)
  }

  /// Writes one of the three counts of bytes.
  private func write(
    _ column: UnsafeMutablePointer<Int64>, _ slice: Range<Int>, _ mask: UInt8,
    to group: RowGroupWriter
  ) throws {
    try group.append(numbers: gather(column, slice), presence: presence(slice), mask: mask)
  }

  private func presence(_ slice: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: presence.base, count: slice.count)
  }

  private func gather<Number: BitwiseCopyable>(
    _ column: UnsafeMutablePointer<Number>, _ slice: Range<Int>
  ) -> UnsafeBufferPointer<Number> {
    numbers.reserve(slice.count)
    let target = UnsafeMutableRawPointer(numbers.base).bindMemory(
      to: Number.self, capacity: slice.count)
    Self.gather(column, at: order.rows.base + slice.lowerBound, slice.count, target)
    return UnsafeBufferPointer(start: target, count: slice.count)
  }

  @inline(__always)
  private static func gather<Element: BitwiseCopyable>(
    _ source: UnsafeMutablePointer<Element>, at rows: UnsafeMutablePointer<UInt32>, _ count: Int,
    _ target: UnsafeMutablePointer<Element>
  ) {
    for position in 0..<count { target[position] = source[Int(rows[position])] }
  }
}
