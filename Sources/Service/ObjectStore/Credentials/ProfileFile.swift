/// The sections of `~/.aws/credentials` or `~/.aws/config`.
/// https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
struct ProfileFile {
  /// Settings by name in lower case, by section as written between the brackets, one space between
  /// words.
  private(set) var sections: [String: [String: String]] = [:]

  init(_ text: String) {
    var section: String?
    for line in text.split(whereSeparator: \.isNewline) {
      // A line that begins with white space continues a nested setting, of which none matters here.
      guard let first = line.first, !first.isWhitespace, first != "#", first != ";" else {
        continue
      }
      if first == "[" {
        section = line.dropFirst().firstIndex(of: "]").map { end in
          line[line.index(after: line.startIndex)..<end].split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
        }
        if let section, sections[section] == nil { sections[section] = [:] }
        continue
      }
      guard let section, let equals = line.firstIndex(of: "=") else { continue }
      let name = Self.trimmed(line[..<equals]).lowercased()
      sections[section]?[name] = Self.trimmed(
        Self.withoutComment(line[line.index(after: equals)...]))
    }
  }

  /// A comment behind a value begins with white space and `#` or `;`.
  private static func withoutComment(_ value: Substring) -> Substring {
    var wasSpace = false
    for place in value.indices {
      if wasSpace, value[place] == "#" || value[place] == ";" { return value[..<place] }
      wasSpace = value[place].isWhitespace
    }
    return value
  }

  private static func trimmed(_ text: Substring) -> String {
    var rest = text.drop(while: \.isWhitespace)
    while rest.last?.isWhitespace == true { rest = rest.dropLast() }
    return String(rest)
  }
}
