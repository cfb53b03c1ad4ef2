/// Builds Prometheus text, exposition format 0.0.4.
struct MetricsText {
  enum Kind: String {
    case counter, gauge, histogram
  }

  typealias Labels = [(name: String, value: String)]

  private(set) var bytes: [UInt8] = []

  /// Begins a metric: HELP with its meaning, TYPE.
  private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    append("# HELP \(name) ")
    append(Self.escaped(help, quotes: false))
    append("\n# TYPE \(name) \(kind.rawValue)\n")
  }

  /// A metric with one sample.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double) {
    begin(name, kind, help)
    sample(name, [], value)
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
    add(name, kind, help, Double(value))
  }

  /// A metric with a sample for each set of labels, which come from fixed sets only.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, _ samples: [(labels: Labels, value: Double)]
  ) {
    begin(name, kind, help)
    for (labels, value) in samples { sample(name, labels, value) }
  }

  mutating func add(_ name: String, _ help: String, _ histogram: Histogram) {
    begin(name, .histogram, help)
    let counts = histogram.counts
    var total = 0
    for (bound, count) in zip(histogram.bounds, counts) {
      total += count
      sample(name + "_bucket", [("le", Self.text(bound))], Double(total))
    }
    total += counts.last ?? 0
    sample(name + "_bucket", [("le", "+Inf")], Double(total))
    sample(name + "_sum", [], histogram.sumSeconds)
    sample(name + "_count", [], Double(total))
  }

  private mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
    append(name)
    if !labels.isEmpty {
      let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
      append("{\(list.joined(separator: ","))}")
    }
    append(" \(Self.text(value))\n")
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Whole numbers without a fraction.
  static func text(_ value: Double) -> String {
    if let whole = Int(exactly: value) { return String(whole) }
    if value.isNaN { return "NaN" }
    return value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
