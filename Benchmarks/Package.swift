// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what it depends on never reaches the product. The modules under
// Sources/ are links to the product's: one package, so that `package` access reaches them.

/// A C library of the system, found by pkg-config.
func system(_ name: String, pkgConfig: String?) -> Target {
  .systemLibrary(
    name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig)
}

let package = Package(
  name: "benchmarks",
  dependencies: [
    .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: [])
  ],
  targets: [
    system("CLibCrypto", pkgConfig: "libcrypto"),
    system("CLibCurl", pkgConfig: "libcurl"),
    system("CLibSimdjson", pkgConfig: nil),
    system("CLibSnappy", pkgConfig: "snappy"),
    system("CLibXXHash", pkgConfig: "libxxhash"),
    system("CLibZ", pkgConfig: "zlib"),
    .target(
      name: "CShims",
      dependencies: [
        "CLibCrypto", "CLibCurl", "CLibSimdjson", "CLibSnappy", "CLibXXHash", "CLibZ",
      ],
      cSettings: [.define("_GNU_SOURCE")], cxxSettings: [.define("_GNU_SOURCE")],
      linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "Columnar", dependencies: ["CShims"]),
    .target(name: "KubeIndex", dependencies: ["CShims"]),
    .target(
      name: "Ingest", dependencies: ["CShims", "Columnar", "KubeIndex"],
      resources: [.embedInCode("Decode/report.schema.json")]),
    .executableTarget(
      name: "Pipeline",
      dependencies: [
        "Columnar", "Ingest", "KubeIndex", .product(name: "Benchmark", package: "benchmark"),
      ],
      path: "Benchmarks/Pipeline",
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ],
  cxxLanguageStandard: .cxx17
)
