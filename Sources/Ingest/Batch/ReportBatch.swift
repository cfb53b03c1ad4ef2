import Columnar

/// Reports in the making: rows, the distinct pods they name, and the reports they came with.
///
/// The decoder appends; the writer rolls back what is a retry or did not become durable; the join
/// reads it at sealing. Not thread-safe: one owner at a time.
package final class ReportBatch {
  /// A point to go back to: everything appended after it is forgotten (pods may keep their ordinals).
  package struct Mark: Sendable, Equatable {
    package var rowCount: Int
    package var reportCount: Int
  }

  package let rows: RowBatch

  package init(rowCapacity: Int) {
    rows = RowBatch(capacity: rowCapacity)
  }
}
