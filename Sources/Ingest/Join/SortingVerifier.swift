import Columnar

/// Checks that rows are in the order that `sorting_columns` would promise: readers trust it.
enum SortingVerifier {
  /// Whether the rows are in ascending order of (namespace, pod_id, time). Texts are compared
  /// where they change, times row by row.
  static func isSorted(
    namespaces: PodColumn<TextDictionary>, podIDs: PodColumn<TextDictionary>,
    reports: UnsafeBufferPointer<UInt32>, times: [Int64]
  ) -> Bool {
    var namespaceRuns = namespaces.runs[...]
    var podRuns = podIDs.runs[...]
    var previous: (namespace: UInt32, pod: UInt32)?
    var namespaceLeft: UInt32 = 0
    var podLeft: UInt32 = 0
    var row = 0
    while row < reports.count {
      if namespaceLeft == 0 { namespaceLeft = namespaceRuns.first?.rowCount ?? 0 }
      if podLeft == 0 { podLeft = podRuns.first?.rowCount ?? 0 }
      guard let namespace = namespaceRuns.first?.entry, let pod = podRuns.first?.entry else {
        return false
      }
      if let previous {
        let order = compare(namespaces.dictionary, previous.namespace, namespace)
        if order > 0 { return false }
        if order == 0 && compare(podIDs.dictionary, previous.pod, pod) >= 0 { return false }
      }
      let count = min(namespaceLeft, podLeft)
      guard isAscending(reports, row..<row + Int(count), times) else { return false }
      previous = (namespace, pod)
      row += Int(count)
      namespaceLeft -= count
      podLeft -= count
      if namespaceLeft == 0 { namespaceRuns = namespaceRuns.dropFirst() }
      if podLeft == 0 { podRuns = podRuns.dropFirst() }
    }
    return true
  }

  private static func compare(_ dictionary: TextDictionary, _ left: UInt32, _ right: UInt32) -> Int
  {
    left == right ? 0 : TextOrder.compare(dictionary[left], dictionary[right])
  }

  private static func isAscending(
    _ reports: UnsafeBufferPointer<UInt32>, _ rows: Range<Int>, _ times: [Int64]
  ) -> Bool {
    times.withUnsafeBufferPointer { times in
      var previous = Int64.min
      for row in rows {
        let time = times[Int(reports[row])]
        if time < previous { return false }
        previous = time
      }
      return true
    }
  }
}
