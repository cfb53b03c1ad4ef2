import Testing

/// Input never stops the process: what could trap on it is not written.
@Suite struct Traps {
  static let forbidden = [
    "try!", "as!", "fatalError(", "unowned(unsafe)", "unsafeBitCast(",
  ]

  @Test func sourcesHoldNoForcedOperation() throws {
    for file in try SourceTree.files(in: "Sources", suffixes: [".swift"]) {
      for (number, text) in SourceTree.codeLines(file) {
        for word in Self.forbidden {
          #expect(!text.contains(word), "\(file.path):\(number) has \(word)")
        }
        #expect(!Self.unwrapsByForce(text), "\(file.path):\(number) unwraps by force: \(text)")
      }
    }
  }

  @Test func everyUncheckedSendableIsExplained() throws {
    for file in try SourceTree.files(in: "Sources", suffixes: [".swift"]) {
      for (index, line) in file.lines.enumerated()
      where SourceTree.code(line).contains("@unchecked Sendable") {
        let before = file.lines[max(0, index - 12)...index]
        #expect(
          before.contains { $0.contains("//") },
          "\(file.path):\(index + 1) is @unchecked Sendable without a reason")
      }
    }
  }

  /// An exclamation mark right behind an operand, and not the start of `!=`.
  static func unwrapsByForce(_ code: String) -> Bool {
    let characters = Array(code)
    for (index, character) in characters.enumerated().dropFirst() where character == "!" {
      let before = characters[index - 1]
      guard before.isLetter || before.isNumber || ")]_".contains(before) else { continue }
      let after = index + 1 < characters.count ? characters[index + 1] : " "
      if after != "=" || (index + 2 < characters.count && characters[index + 2] == "=") {
        return true
      }
    }
    return false
  }

  @Test(arguments: [
    ("let a = b!", true), ("call()!.x", true), ("list[0]!", true), ("a != b", false),
    ("!a", false), ("if x!=y {", false), ("let a = \"b!\"", false), ("// c!", false),
  ])
  func forcedUnwrapIsSeen(line: String, expected: Bool) {
    #expect(Self.unwrapsByForce(SourceTree.code(line)) == expected)
  }
}
