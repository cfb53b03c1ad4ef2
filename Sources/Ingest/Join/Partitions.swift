import Columnar

/// The rows of one partition: ranges of the batch's rows, in order of arrival.
struct Partition {
  var key: PartitionKey
  var rowRanges: [Range<Int>]

  var rowCount: Int { rowRanges.reduce(0) { $0 + $1.count } }
}

extension ResolvedBatch {
  /// Cuts the rows by (cluster, day). The rows of a report lie together, so this costs per report
  /// but for one look for where each begins. Ordered by key, so that equal batches give equal
  /// files.
  func partitions() -> [Partition] {
    let clusters = clusters()
    var indexes: [PartitionCut: Int] = [:]
    var partitions: [Partition] = []
    let reports = batch.rows.reportOrdinal
    var start = 0
    while start < rowCount {
      let report = reports[start]
      var end = start + 1
      while end < rowCount && reports[end] == report { end += 1 }
      let cut = PartitionCut(
        cluster: clusters.ofNode[batch.reportNode(Int(report))], day: batch.reportDay(Int(report)))
      if let index = indexes[cut] {
        partitions[index].append(start..<end)
      } else {
        indexes[cut] = partitions.count
        let key = PartitionKey(cluster: clusters.names[cut.cluster], day: cut.day)
        partitions.append(Partition(key: key, rowRanges: [start..<end]))
      }
      start = end
    }
    return partitions.sorted { $0.key < $1.key }
  }
}

extension Partition {
  /// Adds the range behind the last one, or to it where they meet.
  fileprivate mutating func append(_ range: Range<Int>) {
    if let last = rowRanges.indices.last, rowRanges[last].upperBound == range.lowerBound {
      rowRanges[last] = rowRanges[last].lowerBound..<range.upperBound
    } else {
      rowRanges.append(range)
    }
  }
}
