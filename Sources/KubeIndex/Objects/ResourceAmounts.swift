/// Amounts by resource name, of the resources that a row has columns for: what Kubernetes calls a
/// ResourceList.
struct ResourceAmounts: Equatable {
  var cpu = Quantity.zero
  var memory = Quantity.zero
  var ephemeralStorage = Quantity.zero
  /// Resources named `…/gpu` or `nvidia.com/mig-…`. Nearly always empty.
  var accelerators = AmountsByName()

  init() {}

  /// Reads an object of name and quantity; a quantity that is none counts as 0 and is reported.
  init(_ object: JSONValue?, fault: (String) -> Void) {
    object?.forEachMember { name, value in
      guard let member = Member(name), let amount = Quantity(json: value) else {
        if Member(name) != nil {
          fault("\(String(decoding: name, as: UTF8.self)): not a quantity")
        }
        return
      }
      switch member {
      case .cpu: cpu = amount
      case .memory: memory = amount
      case .ephemeralStorage: ephemeralStorage = amount
      case .accelerator: accelerators.set(Array(name), to: amount)
      }
    }
  }

  private enum Member {
    case cpu, memory, ephemeralStorage, accelerator

    init?(_ name: UnsafeRawBufferPointer) {
      if name.equals("cpu") {
        self = .cpu
      } else if name.equals("memory") {
        self = .memory
      } else if name.equals("ephemeral-storage") {
        self = .ephemeralStorage
      } else if name.hasSuffix("/gpu") || name.hasPrefix("nvidia.com/mig-") {
        self = .accelerator
      } else {
        return nil
      }
    }
  }

  mutating func add(_ other: ResourceAmounts) {
    combine(other) { $0 += $1 }
  }

  /// The larger amount of each resource.
  mutating func formMaximum(_ other: ResourceAmounts) {
    combine(other) { $0 = max($0, $1) }
  }

  private mutating func combine(
    _ other: ResourceAmounts, _ operation: (inout Quantity, Quantity) -> Void
  ) {
    operation(&cpu, other.cpu)
    operation(&memory, other.memory)
    operation(&ephemeralStorage, other.ephemeralStorage)
    for (name, amount) in other.accelerators.entries {
      accelerators.combine(name, amount, operation)
    }
  }

  /// The amounts that `other` has of the same resources.
  func replaced(by other: ResourceAmounts) -> ResourceAmounts {
    var amounts = self
    amounts.cpu = other.cpu
    amounts.memory = other.memory
    amounts.ephemeralStorage = other.ephemeralStorage
    for (name, _) in accelerators.entries {
      if let amount = other.accelerators[name] { amounts.accelerators.set(name, to: amount) }
    }
    return amounts
  }

  /// These amounts, with the same resources of `other` added: no resource that only `other` has.
  func adding(_ other: ResourceAmounts) -> ResourceAmounts {
    var sum = self
    sum.cpu += other.cpu
    sum.memory += other.memory
    sum.ephemeralStorage += other.ephemeralStorage
    for (name, _) in accelerators.entries {
      if let amount = other.accelerators[name] {
        sum.accelerators.combine(name, amount) { $0 += $1 }
      }
    }
    return sum
  }

  /// Adds overhead as Kubernetes adds it to limits: only to what is limited at all.
  mutating func addToNonZero(_ overhead: ResourceAmounts) {
    if cpu != .zero { cpu += overhead.cpu }
    if memory != .zero { memory += overhead.memory }
    if ephemeralStorage != .zero { ephemeralStorage += overhead.ephemeralStorage }
    for (name, amount) in overhead.accelerators.entries {
      guard let limit = accelerators[name], limit != .zero else { continue }
      accelerators.combine(name, amount) { $0 += $1 }
    }
  }

  /// All accelerators together, in whole units.
  var acceleratorCount: Int64 {
    var sum = Quantity.zero
    for (_, amount) in accelerators.entries { sum += amount }
    return sum.value
  }
}

extension Quantity {
  /// A quantity in an object: a string, or a number as some clients write it. null is 0, as the
  /// server reads it. nil: not a quantity.
  init?(json: JSONValue) {
    if let text = json.string {
      self.init(utf8: text)
    } else if let number = json.numberText {
      self.init(number)
    } else if json.isNull {
      self = .zero
    } else {
      return nil
    }
  }
}
