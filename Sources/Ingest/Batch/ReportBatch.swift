import CShims
import Columnar

/// Reports in the making: rows, the distinct pods they name, and the reports they came with.
///
/// The decoder appends; the writer rolls back what is a retry or did not become durable; the join
/// reads it at sealing. Pods, reports and nodes have ordinals `0..<count` of this batch; their text
/// stays at its address until `rollback`, `reset` or `releaseMemory`. Memory is reserved at once
/// and touched on first use. Not thread-safe: one owner at a time.
///
/// Exclusivity of its properties is not checked at run time: no access lasts over a call to another
/// object, and the join reads them for every pod and report.
package final class ReportBatch {
  /// A point to go back to: everything appended after it is forgotten, pods, nodes and text
  /// included.
  package struct Mark: Sendable, Equatable {
    package var rowCount: Int
    package var reportCount: Int
    var podCount: Int
    var nodeCount: Int
    var textByteCount: Int
  }

  package let rows: RowBatch
  @exclusivity(unchecked) private var arena: TextArena
  @exclusivity(unchecked) private var pods: PodTable
  @exclusivity(unchecked) private var nodes: NodeTable
  @exclusivity(unchecked) private var reports: ReportTable

  /// `rowCapacity` rows fit, and as many reports that have rows.
  package convenience init(rowCapacity: Int) {
    self.init(rowCapacity: rowCapacity, seed: .random(in: 0 ... .max))
  }

  /// A fixed `seed` makes the tables' layout, never their content, repeat.
  init(rowCapacity: Int, seed: UInt64) {
    rows = RowBatch(capacity: rowCapacity)
    arena = TextArena(capacity: IngestLimits.textArenaByteCount)
    pods = PodTable(capacity: rowCapacity, seed: seed)
    nodes = NodeTable(capacity: rowCapacity)
    reports = ReportTable(capacity: rowCapacity)
  }

  // MARK: Pods

  /// Distinct (pod_id, namespace, name, pod_start_time) of the rows.
  package var podCount: Int { pods.count }
  /// Asks for the memory that holds what is known of the pod.
  func prefetch(pod: Int) { pods.prefetch(pod, arena: arena) }
  /// pod_id as the report spelled it, unescaped.
  package func podID(_ pod: Int) -> UnsafeRawBufferPointer { pods.text(.podID, pod, arena: arena) }
  /// All that its reports say of the pod.
  @inline(__always)
  func reportedPod(_ pod: Int) -> ReportedPod { pods.reported(pod, arena: arena) }
  /// pod_id packed in 16 bytes, the first highest; nil when it is no canonical lower-case UUID.
  func podUUID(_ pod: Int) -> (high: UInt64, low: UInt64)? {
    let header = pods.header(pod, arena: arena)
    // The table's words hold the bytes in order, least significant first.
    return header.isUUID ? (header.low.byteSwapped, header.high.byteSwapped) : nil
  }
  package func podNamespace(_ pod: Int) -> UnsafeRawBufferPointer {
    pods.text(.namespace, pod, arena: arena)
  }
  package func podName(_ pod: Int) -> UnsafeRawBufferPointer { pods.text(.name, pod, arena: arena) }
  /// Microseconds since 1970; nil when pod_start_time is null, absent or before 1900.
  package func podStartMicros(_ pod: Int) -> Int64? {
    Self.instant(pods.header(pod, arena: arena).startMicros)
  }

  // MARK: Reports

  /// Reports that have rows: one without pods leaves nothing in the batch.
  package var reportCount: Int { reports.count }
  /// Asks for the memory that holds the report's texts.
  func prefetch(report: Int) { arena.prefetch(reports[report].timestampOffset) }
  /// The collector's own string.
  package func reportTimestamp(_ report: Int) -> UnsafeRawBufferPointer {
    let entry = reports[report]
    return arena.bytes(at: entry.timestampOffset, count: entry.timestampCount)
  }
  /// Microseconds since 1970, cut; nil before 1900.
  package func reportCollectedAtMicros(_ report: Int) -> Int64? {
    Self.instant(reports[report].collectedMicros)
  }
  /// Days since 1970-01-01 in UTC, also before 1900: the `dt` partition.
  package func reportDay(_ report: Int) -> Int32 { reports[report].day }
  /// The node's ordinal.
  package func reportNode(_ report: Int) -> Int { Int(reports[report].node) }
  /// nil when absent, null or empty.
  package func reportInstanceID(_ report: Int) -> UnsafeRawBufferPointer? {
    let entry = reports[report]
    if entry.instanceIDCount == 0 { return nil }
    return arena.bytes(at: entry.instanceIDOffset, count: entry.instanceIDCount)
  }

  // MARK: Nodes

  package var nodeCount: Int { nodes.count }
  package func nodeName(_ node: Int) -> UnsafeRawBufferPointer { nodes.name(node, arena: arena) }

  // MARK: Room

  /// Bytes that the text of pods, reports and nodes takes, their records' headers included.
  package var distinctTextByteCount: Int { arena.count - TextArena.firstOffset }
  /// Whether it should be sealed before it takes another row.
  package var isFull: Bool {
    rows.availableRowCount == 0 || distinctTextByteCount >= IngestLimits.maximumBatchTextByteCount
  }
  /// Whether a report of `forRows` rows fits below the limits.
  package func hasRoom(forRows rowCount: Int) -> Bool {
    rowCount <= rows.availableRowCount
      && distinctTextByteCount < IngestLimits.maximumBatchTextByteCount
  }

  // MARK: Going back

  package func mark() -> Mark {
    Mark(
      rowCount: rows.count, reportCount: reports.count, podCount: pods.count,
      nodeCount: nodes.count, textByteCount: arena.count)
  }

  /// Forgets everything after `mark`, which must be of this batch since its last `reset`.
  package func rollback(to mark: Mark) {
    precondition(mark.rowCount <= rows.count)
    pods.truncate(to: mark.podCount, arena: arena)
    nodes.truncate(to: mark.nodeCount)
    reports.truncate(to: mark.reportCount)
    arena.truncate(to: mark.textByteCount)
    rows.count = mark.rowCount
  }

  /// Empties the batch and keeps its memory.
  package func reset() {
    rows.reset()
    pods.reset()
    nodes.reset()
    reports.truncate(to: 0)
    arena.reset()
  }

  /// Gives the memory back to the system; the batch must be empty.
  package func releaseMemory() {
    rows.releaseMemory()
    pods.releaseMemory()
    nodes.releaseMemory()
    reports.releaseMemory()
    arena.releaseMemory()
  }

  // MARK: Appending

  /// What a report of `rowCount` rows and `bodyByteCount` bytes may need at most.
  func hasArenaRoom(rowCount: Int, bodyByteCount: Int) -> Bool {
    let headers = (rowCount + 4) * (PodTable.recordHeaderByteCount + 8)
    return bodyByteCount + headers <= arena.availableByteCount
  }

  /// Takes the rows that the decoder wrote behind the row cursor. The caller made sure of the room.
  func append(
    _ result: cshims_report_result, pods staged: UnsafeBufferPointer<cshims_report_pod>,
    nodeID: UInt64
  ) {
    let rowCount = rows.count
    let node = nodes.ordinal(of: result.node_name.buffer, hash: nodeID, arena: &arena)
    let timestamp = result.timestamp.buffer
    let instanceID = result.instance_id.buffer
    let report = reports.append(
      ReportTable.Entry(
        collectedMicros: result.collected_micros, timestampOffset: arena.append(timestamp),
        timestampCount: UInt32(timestamp.count), instanceIDOffset: arena.append(instanceID),
        instanceIDCount: UInt32(instanceID.count), day: result.day, node: node))
    let ordinals = rows.podOrdinal + rowCount
    pods.probe(staged, ordinals: ordinals, guess: nodes.firstPod(node), arena: &arena)
    if !staged.isEmpty { nodes.setFirstPod(node, ordinals[0]) }
    (rows.reportOrdinal + rowCount).update(repeating: report, count: staged.count)
    rows.count = rowCount + staged.count
  }

  private static func instant(_ micros: Int64) -> Int64? {
    micros == PodTable.noInstant ? nil : micros
  }

  // MARK: Invariants

  /// For tests: traps unless tables, rows and reports agree.
  func checkInvariants() {
    pods.checkInvariants(arena: arena)
    nodes.checkInvariants()
    precondition(pods.count <= rows.count && nodes.count <= reports.count)
    var podSeen = [Bool](repeating: false, count: pods.count)
    var lastReport: UInt32?
    for row in 0..<rows.count {
      podSeen[Int(rows.podOrdinal[row])] = true
      let report = rows.reportOrdinal[row]
      precondition(report < UInt32(reports.count))
      precondition(report == lastReport ?? 0 || report == (lastReport ?? 0) + 1)
      lastReport = report
    }
    precondition(podSeen.allSatisfy { $0 })
    precondition(reports.count == lastReport.map { Int($0) + 1 } ?? 0)
    var nodeSeen = [Bool](repeating: false, count: nodes.count)
    for report in 0..<reports.count { nodeSeen[reportNode(report)] = true }
    precondition(nodeSeen.allSatisfy { $0 })
  }
}

extension cshims_report_text {
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: count) }
}
