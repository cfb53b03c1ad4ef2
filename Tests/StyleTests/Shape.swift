import Testing

/// Files stay of a size and width at which they are read whole, and nothing in them is unfinished.
@Suite struct Shape {
  static let maximumLineLength = 100
  static let maximumFileLength = 600
  static let trees = ["Sources", "Tests", "perf", "Benchmarks", "scripts"]
  static let suffixes = [".swift", ".c", ".cc", ".cpp", ".h", ".py", ".sh"]

  @Test func linesFitAndFilesAreShort() throws {
    for file in try Self.files() {
      #expect(
        file.lines.count <= Self.maximumFileLength,
        "\(file.path) has \(file.lines.count) lines: split it by idea")
      for (index, line) in file.lines.enumerated() where line.count > Self.maximumLineLength {
        // An address is not broken.
        #expect(line.contains("://"), "\(file.path):\(index + 1) has \(line.count) characters")
      }
    }
  }

  @Test func nothingIsLeftUnfinished() throws {
    // Spelled in halves, so that this file does not name them.
    let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK"]
    for file in try Self.files() {
      for (index, line) in file.lines.enumerated() {
        for word in words {
          #expect(!line.contains(word), "\(file.path):\(index + 1) has \(word)")
        }
      }
    }
  }

  @Test func cSymbolsCarryThePrefix() throws {
    for file in try SourceTree.files(in: "Sources/CShims/include", suffixes: [".h"]) {
      for (index, line) in file.lines.enumerated() {
        // A declaration at the margin: a type, then the name before its parenthesis.
        guard let first = line.first, first.isLetter, !line.hasPrefix("typedef"),
          let parenthesis = line.firstIndex(of: "("),
          let name = line[..<parenthesis].split(whereSeparator: { " *".contains($0) }).last
        else { continue }
        let isAttribute = name.hasPrefix("__")
        #expect(
          isAttribute || name.hasPrefix("cshims_") || name.hasPrefix("CSHIMS_"),
          "\(file.path):\(index + 1) declares \(name)")
      }
    }
  }

  @Test func everyModuleKeepsItsLimitsInOneFile() throws {
    for module in ["Columnar", "KubeIndex", "Ingest", "Service"] {
      let files = try SourceTree.files(in: "Sources/\(module)", suffixes: ["Limits.swift"])
      #expect(files.contains { $0.path == "Sources/\(module)/Limits.swift" }, "\(module)")
    }
  }

  static func files() throws -> [SourceFile] {
    try trees.flatMap { try SourceTree.files(in: $0, suffixes: suffixes) }
  }
}
