import Columnar

/// The rows of one partition in the order (namespace, pod_id, collected_at).
///
/// A counting sort over the pods' ranks: rows of a pod stay in order of arrival, which nearly
/// always is the order of time; a pod whose rows are not is sorted again by itself.
final class RowOrder {
  /// Row of the batch by position.
  @exclusivity(unchecked) private(set) var rows = ScratchColumn<UInt32>()
  /// Report of the batch by position.
  @exclusivity(unchecked) private(set) var reports = ScratchColumn<UInt32>()
  /// The pods in order, each with its rows.
  @exclusivity(unchecked) private(set) var podRuns: [EntryRun] = []

  /// By rank: first the number of rows, then the position of the next one.
  @exclusivity(unchecked) private var cursors: [UInt32] = []

  /// Sorts the rows of `partition`.
  func sort(_ partition: Partition, of batch: ReportBatch, by ranking: PodRanking, _ times: [Int64])
  {
    let rowCount = partition.rowCount
    rows.reserve(rowCount)
    reports.reserve(rowCount)
    podRuns.removeAll(keepingCapacity: true)
    if cursors.count < ranking.podOfRank.count {
      cursors = [UInt32](repeating: 0, count: ranking.podOfRank.count)
    }
    let present = count(partition, batch, ranking)
    var position: UInt32 = 0
    for rank in present {
      let rowCount = cursors[Int(rank)]
      cursors[Int(rank)] = position
      position += rowCount
    }
    distribute(partition, batch, ranking)
    // Each cursor has come to where the next rank begins.
    var start = 0
    for rank in present {
      let end = Int(cursors[Int(rank)])
      cursors[Int(rank)] = 0
      sortByTime(start..<end, times)
      let pod = ranking.podOfRank[Int(rank)]
      if pod != nullEntry {
        podRuns.append(EntryRun(entry: pod, rowCount: UInt32(end - start)))
      } else {
        appendSharedRuns(start..<end, batch)
      }
      start = end
    }
  }

  /// Counts the rows of each rank and gives the ranks that have any, in order.
  private func count(
    _ partition: Partition, _ batch: ReportBatch, _ ranking: PodRanking
  ) -> [UInt32] {
    var present: [UInt32] = []
    let pods = batch.rows.podOrdinal
    cursors.withUnsafeMutableBufferPointer { cursors in
      ranking.ranks.withUnsafeBufferPointer { ranks in
        for range in partition.rowRanges {
          for row in range {
            let rank = ranks[Int(pods[row])]
            if cursors[Int(rank)] == 0 { present.append(rank) }
            cursors[Int(rank)] += 1
          }
        }
      }
    }
    if present.count * 8 > cursors.count {
      // Cheaper than sorting: nearly every rank is there.
      present.removeAll(keepingCapacity: true)
      for rank in cursors.indices where cursors[rank] > 0 { present.append(UInt32(rank)) }
    } else {
      present.sort()
    }
    return present
  }

  private func distribute(_ partition: Partition, _ batch: ReportBatch, _ ranking: PodRanking) {
    let pods = batch.rows.podOrdinal
    let reportOrdinals = batch.rows.reportOrdinal
    let rows = rows.base
    let reports = reports.base
    cursors.withUnsafeMutableBufferPointer { cursors in
      ranking.ranks.withUnsafeBufferPointer { ranks in
        for range in partition.rowRanges {
          for row in range {
            let rank = Int(ranks[Int(pods[row])])
            let position = Int(cursors[rank])
            cursors[rank] += 1
            rows[position] = UInt32(truncatingIfNeeded: row)
            reports[position] = reportOrdinals[row]
          }
        }
      }
    }
  }

  /// Puts the rows of one rank in the order of time, equal times in order of arrival.
  private func sortByTime(_ range: Range<Int>, _ times: [Int64]) {
    let reports = reports.base
    let isOrdered = times.withUnsafeBufferPointer { times in
      var previous = Int64.min
      for position in range {
        let time = times[Int(reports[position])]
        if time < previous { return false }
        previous = time
      }
      return true
    }
    if isOrdered { return }
    let pairs = range.map { (row: rows.base[$0], report: reports[$0]) }.sorted {
      let (left, right) = (times[Int($0.report)], times[Int($1.report)])
      return left != right ? left < right : $0.row < $1.row
    }
    for (position, pair) in zip(range, pairs) {
      rows.base[position] = pair.row
      reports[position] = pair.report
    }
  }

  /// Runs of a rank that several pods of the batch share.
  private func appendSharedRuns(_ range: Range<Int>, _ batch: ReportBatch) {
    for position in range {
      podRuns.append(batch.rows.podOrdinal[Int(rows.base[position])], rowCount: 1)
    }
  }
}

/// A growing column that is written by position; growing forgets what it held.
struct ScratchColumn<Element: BitwiseCopyable> {
  private var memory: MappedMemory?
  private(set) var capacity = 0

  /// Valid after `reserve` of at least 1 element.
  var base: UnsafeMutablePointer<Element> {
    guard let memory else { preconditionFailure("reserve first") }
    return memory.base.assumingMemoryBound(to: Element.self)
  }

  mutating func reserve(_ count: Int) {
    if count > capacity || memory == nil {
      let memory = MappedMemory(byteCount: max(count, 1) * MemoryLayout<Element>.stride)
      memory.base.bindMemory(to: Element.self, capacity: max(count, 1))
      self.memory = memory
      capacity = max(count, 1)
    }
  }
}
