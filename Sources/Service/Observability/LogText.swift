/// Makes text from outside fit to stand in a log line.
enum LogText {
  /// At most `maximumLoggedStringByteCount` bytes, cut between characters, with `…` where cut.
  static func cut(_ text: String) -> String {
    let limit = ServiceLimits.maximumLoggedStringByteCount
    guard text.utf8.count > limit else { return text }
    var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit)
    while end > text.utf8.startIndex, end.samePosition(in: text.unicodeScalars) == nil {
      end = text.utf8.index(before: end)
    }
    return String(text[..<end]) + "…"
  }

  /// Control characters and line ends as `\n`, `\t` or `\u{…}`, so that one event is one line.
  static func escaped(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: \.isControlOrLineEnd) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.isControlOrLineEnd {
          result += "\\u{" + String(scalar.value, radix: 16) + "}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// As a value of `key=value`: in quotes when it would not be one word.
  static func quoted(_ text: String) -> String {
    let isWord =
      !text.isEmpty
      && !text.unicodeScalars.contains { $0 == " " || $0 == "\"" || $0 == "=" || $0 == "\\" }
    let escaped = escaped(text)
    if isWord && escaped == text { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      default: result += LogText.escaped(String(scalar))
      }
    }
    return result + "\""
  }
}
