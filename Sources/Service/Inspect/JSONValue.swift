/// A JSON document whose members keep the order in which they were given.
indirect enum JSONValue {
  case null
  case bool(Bool)
  case integer(Int)
  case unsigned(UInt64)
  case text(String)
  case list([JSONValue])
  case object([(name: String, value: JSONValue)])

  static func optional(_ value: Int?) -> JSONValue { value.map { .integer($0) } ?? .null }
  static func optional(_ value: String?) -> JSONValue { value.map { .text($0) } ?? .null }

  /// On one line.
  var compact: String {
    var text = JSONText()
    append(to: &text, indent: nil)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  /// A member or element a line, two spaces a level.
  var pretty: String {
    var text = JSONText()
    append(to: &text, indent: 0)
    return String(decoding: text.bytes, as: UTF8.self) + "\n"
  }

  private func append(to text: inout JSONText, indent: Int?) {
    switch self {
    case .null: text.append(raw: "null")
    case .bool(let value): text.append(value)
    case .integer(let value): text.append(json: String(value))
    case .unsigned(let value): text.append(json: String(value))
    case .text(let value): text.append(value)
    case .list(let values):
      text.append(raw: "[")
      for (position, value) in values.enumerated() {
        Self.separate(&text, isFirst: position == 0, indent: indent)
        value.append(to: &text, indent: indent.map { $0 + 1 })
      }
      if !values.isEmpty { Self.breakLine(&text, indent: indent) }
      text.append(raw: "]")
    case .object(let members):
      text.append(raw: "{")
      for (position, member) in members.enumerated() {
        Self.separate(&text, isFirst: position == 0, indent: indent)
        text.append(member.name)
        text.append(raw: ": ")
        member.value.append(to: &text, indent: indent.map { $0 + 1 })
      }
      if !members.isEmpty { Self.breakLine(&text, indent: indent) }
      text.append(raw: "}")
    }
  }

  private static func separate(_ text: inout JSONText, isFirst: Bool, indent: Int?) {
    if !isFirst { text.append(json: indent == nil ? ", " : ",") }
    breakLine(&text, indent: indent.map { $0 + 1 })
  }

  private static func breakLine(_ text: inout JSONText, indent: Int?) {
    guard let indent else { return }
    text.append(json: "\n" + String(repeating: "  ", count: indent))
  }
}
