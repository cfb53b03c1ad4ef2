import Foundation

/// The repository's text files, read from where this file was compiled.
struct SourceFile {
  /// The path from the repository's root.
  var path: String
  var lines: [String]
}

enum SourceTree {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All files under `directory` whose name ends with one of `suffixes`, in order of their paths.
  static func files(in directory: String, suffixes: [String]) throws -> [SourceFile] {
    let base = root.appendingPathComponent(directory)
    guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
    var paths: [String] = []
    for case let path as String in walker
    where suffixes.contains(where: path.hasSuffix) && !path.contains(".build") {
      paths.append(path)
    }
    return try paths.sorted().map { path in
      let text = try String(contentsOf: base.appendingPathComponent(path), encoding: .utf8)
      return SourceFile(
        path: "\(directory)/\(path)",
        lines: text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
    }
  }

  /// A line of Swift without its comment and with its string literals emptied, so that a rule about
  /// code does not trip over prose. Multi-line literals are the caller's to skip.
  static func code(_ line: String) -> String {
    var result = ""
    var inString = false
    var escaped = false
    var previous: Character = " "
    for character in line {
      if inString {
        if escaped {
          escaped = false
        } else if character == "\\" {
          escaped = true
        } else if character == "\"" {
          inString = false
          result.append(character)
        }
      } else if character == "\"" {
        inString = true
        result.append(character)
      } else if character == "/", previous == "/" {
        result.removeLast()
        return result
      } else {
        result.append(character)
      }
      previous = character
    }
    return result
  }

  /// The code lines of a Swift file with their numbers, multi-line string literals left out.
  static func codeLines(_ file: SourceFile) -> [(number: Int, text: String)] {
    var result: [(number: Int, text: String)] = []
    var inLiteral = false
    for (index, line) in file.lines.enumerated() {
      let marks = line.components(separatedBy: "\"\"\"").count - 1
      if !inLiteral && marks == 0 { result.append((index + 1, code(line))) }
      if marks % 2 == 1 { inLiteral.toggle() }
    }
    return result
  }
}
