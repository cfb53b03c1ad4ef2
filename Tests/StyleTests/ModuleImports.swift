import Testing

/// The modules stay in their layers: whoever reads one knows what it cannot reach.
@Suite struct ModuleImports {
  static let allowed: [(module: String, imports: Set<String>)] = [
    ("Columnar", ["CShims", "Glibc", "Synchronization"]),
    ("KubeIndex", ["CShims", "Glibc", "Synchronization"]),
    ("Ingest", ["CShims", "Columnar", "KubeIndex", "Glibc", "Synchronization"]),
  ]

  @Test(arguments: allowed)
  func coreModuleImportsOnlyItsLayers(module: String, imports: Set<String>) throws {
    for file in try SourceTree.files(in: "Sources/\(module)", suffixes: [".swift"]) {
      for (number, text) in SourceTree.codeLines(file) {
        guard let name = Self.imported(text) else { continue }
        #expect(imports.contains(name), "\(file.path):\(number) imports \(name)")
      }
    }
  }

  @Test func simulatedClusterUsesNothingOfTheProduct() throws {
    let product: Set = ["CShims", "Columnar", "KubeIndex", "Ingest", "Service"]
    for file in try SourceTree.files(in: "perf/fleet", suffixes: [".swift"]) {
      for (number, text) in SourceTree.codeLines(file) {
        guard let name = Self.imported(text) else { continue }
        #expect(!product.contains(name), "\(file.path):\(number) imports \(name)")
      }
    }
  }

  /// The module of an import line, attributes and access level aside.
  static func imported(_ line: String) -> String? {
    let words = line.split(separator: " ")
    guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
      words[..<keyword].allSatisfy({ $0.hasPrefix("@") || ["package", "private"].contains($0) })
    else { return nil }
    let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias"]
    let name = kinds.contains(words[keyword + 1]) ? words.last : words[keyword + 1]
    return name?.split(separator: ".").first.map(String.init)
  }
}
