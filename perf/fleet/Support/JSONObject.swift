import Glibc

/// A JSON object written member by member, for the summary.
struct JSONObject {
  private var members: [String] = []

  mutating func add(_ name: String, _ value: Int) {
    members.append("\(JSONObject.quote(name)): \(value)")
  }

  mutating func add(_ name: String, _ value: Bool) {
    members.append("\(JSONObject.quote(name)): \(value)")
  }

  /// At most three decimals; not finite: null.
  mutating func add(_ name: String, _ value: Double) {
    let text = value.isFinite ? "\((value * 1000).rounded() / 1000)" : "null"
    members.append("\(JSONObject.quote(name)): \(text)")
  }

  mutating func add(_ name: String, _ value: String?) {
    members.append("\(JSONObject.quote(name)): \(value.map(JSONObject.quote) ?? "null")")
  }

  mutating func add(_ name: String, _ value: JSONObject) {
    members.append("\(JSONObject.quote(name)): \(value.text)")
  }

  mutating func add(_ name: String, pairs: [(UInt64, Int)]) {
    let text = pairs.map { "[\($0.0), \($0.1)]" }.joined(separator: ", ")
    members.append("\(JSONObject.quote(name)): [\(text)]")
  }

  var text: String {
    "{" + members.joined(separator: ", ") + "}"
  }

  static func quote(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case let control where control.value < 0x20:
        let hex = String(control.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
