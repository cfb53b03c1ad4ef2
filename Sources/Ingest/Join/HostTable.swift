import Columnar
import KubeIndex

/// The distinct (node, ec2_instance_id) of a batch's reports: what node columns hang on.
struct HostTable {
  struct Host {
    var node: Int
    /// A report that has the instance id; nil: none has one.
    var report: Int?
  }

  private(set) var hosts: [Host] = []
  /// Host by report ordinal.
  private(set) var hostOfReport: [UInt32] = []

  init(_ batch: ReportBatch) {
    let instanceIDs = TextDictionary()
    struct Key: Hashable {
      var node: Int
      var instanceID: UInt32
    }
    var known: [Key: UInt32] = [:]
    hostOfReport.reserveCapacity(batch.reportCount)
    for report in 0..<batch.reportCount {
      let id = batch.reportInstanceID(report)
      let entry = id.map { instanceIDs.intern($0) } ?? nullEntry
      let key = Key(node: batch.reportNode(report), instanceID: entry)
      if let host = known[key] {
        hostOfReport.append(host)
        continue
      }
      let host = UInt32(hosts.count)
      known[key] = host
      hosts.append(Host(node: key.node, report: id == nil ? nil : report))
      hostOfReport.append(host)
    }
  }
}

/// The columns that hang on a host: their values are put in once a host and row group.
final class HostColumns {
  let nodeName = KeyedColumn(TextDictionary())
  let instanceID = KeyedColumn(TextDictionary())
  let instanceType = KeyedColumn(TextDictionary())
  let zone = KeyedColumn(TextDictionary())
  let capacityType = KeyedColumn(TextDictionary())

  /// The row group's hosts, row by row; the numbers are keys of the columns above.
  private(set) var runs: [EntryRun] = []
  /// Key by host; `nullEntry`: not in this row group yet.
  private var keys: [UInt32] = []
  /// The row group's hosts by key.
  private var used: [Int] = []

  /// Starts a row group of a batch of `hostCount` hosts. Costs nothing for hosts without rows in
  /// it, but for the first row group of a batch with more of them.
  func reset(hostCount: Int) {
    for column in [nodeName, instanceID, instanceType, zone, capacityType] { column.reset() }
    runs.removeAll(keepingCapacity: true)
    for host in used { keys[host] = nullEntry }
    used.removeAll(keepingCapacity: true)
    keys.append(contentsOf: repeatElement(nullEntry, count: max(hostCount - keys.count, 0)))
  }

  /// Adds the hosts of rows that came with `reports`.
  func append(
    _ reports: UnsafeBufferPointer<UInt32>, _ table: HostTable, of resolved: ResolvedBatch
  ) {
    table.hostOfReport.withUnsafeBufferPointer { hostOfReport in
      var start = 0
      while start < reports.count {
        let host = hostOfReport[Int(reports[start])]
        var end = start + 1
        while end < reports.count && hostOfReport[Int(reports[end])] == host { end += 1 }
        let key = key(of: Int(host), table, resolved)
        runs.append(key, rowCount: UInt32(end - start))
        start = end
      }
    }
  }

  private func key(of host: Int, _ table: HostTable, _ resolved: ResolvedBatch) -> UInt32 {
    if keys[host] != nullEntry { return keys[host] }
    let (node, report) = (table.hosts[host].node, table.hosts[host].report)
    let record = resolved.nodes[node]
    nodeName.append(nodeName.dictionary.intern(resolved.batch.nodeName(node)))
    if let id = report.flatMap({ resolved.batch.reportInstanceID($0) }) {
      instanceID.append(instanceID.dictionary.intern(id))
    } else {
      instanceID.append(record?.instanceID)
    }
    instanceType.append(record?.instanceType)
    zone.append(record?.zone)
    capacityType.append(record?.capacityType)
    let key = UInt32(used.count)
    keys[host] = key
    used.append(host)
    return key
  }
}
