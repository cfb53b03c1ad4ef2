/// A Kubernetes quantity, exact: a whole number of nano-units.
///
/// The grammar and the rounding are those of
/// https://pkg.go.dev/k8s.io/apimachinery/pkg/api/resource#Quantity: what is finer than a nano-unit
/// is rounded away from zero when it is parsed, and nothing exceeds 2^63-1 units. Such a value has
/// fewer than 94 bits, so that 2^33 of them can be added in 128 bits without overflow; addition
/// stays at the end of the range all the same.
package struct Quantity: Sendable, Equatable, Comparable {
  /// Units of 10^-9.
  private(set) var nanos: Int128

  /// 2^63-1 units: the server's own cap.
  static let maximumNanos = Int128(Int64.max) * nanosPerUnit
  private static let nanosPerUnit: Int128 = 1_000_000_000

  package static let zero = Quantity(nanos: 0)

  init(nanos: Int128) { self.nanos = nanos }

  package static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }

  /// Adds exactly.
  package static func += (left: inout Quantity, right: Quantity) {
    let (sum, overflow) = left.nanos.addingReportingOverflow(right.nanos)
    left.nanos = overflow ? (right.nanos < 0 ? .min : .max) : sum
  }

  /// Whole units, rounded away from zero, at most 2^63-1 in size: Kubernetes' `Value()`.
  package var value: Int64 { scaled(nanosPer: Quantity.nanosPerUnit) }

  /// Thousandths, rounded away from zero, at most 2^63-1 in size: Kubernetes' `MilliValue()`.
  package var milliValue: Int64 { scaled(nanosPer: 1_000_000) }

  private func scaled(nanosPer unit: Int128) -> Int64 {
    let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
    let rounded = quotient + Int128(remainder.signum())
    return Int64(clamping: max(rounded, -Int128(Int64.max)))
  }
}
