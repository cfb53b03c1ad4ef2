/// Quantities by name, in the order of their first mention. Few are searched one by one, many by
/// hash: an object may name tens of thousands.
struct AmountsByName: Equatable {
  private(set) var entries: [(name: [UInt8], amount: Quantity)] = []
  /// Where each name is; empty while there are few.
  private var places: [[UInt8]: Int] = [:]

  subscript(name: [UInt8]) -> Quantity? { place(of: name).map { entries[$0].amount } }

  mutating func set(_ name: [UInt8], to amount: Quantity) {
    combine(name, amount) { $0 = $1 }
  }

  /// Changes the amount of a name, or adds the name with this amount.
  mutating func combine(
    _ name: [UInt8], _ amount: Quantity, _ operation: (inout Quantity, Quantity) -> Void
  ) {
    if let place = place(of: name) {
      operation(&entries[place].amount, amount)
    } else {
      append(name, amount)
    }
  }

  private func place(of name: [UInt8]) -> Int? {
    places.isEmpty ? entries.firstIndex { $0.name == name } : places[name]
  }

  private mutating func append(_ name: [UInt8], _ amount: Quantity) {
    entries.append((name, amount))
    if !places.isEmpty {
      places[name] = entries.count - 1
    } else if entries.count > KubeIndexLimits.linearSearchCount {
      for (place, entry) in entries.enumerated() { places[entry.name] = place }
    }
  }

  static func == (left: AmountsByName, right: AmountsByName) -> Bool {
    left.entries.elementsEqual(right.entries, by: ==)
  }
}
