// swift-tools-version: 6.2
import PackageDescription

/// Every warning is an error, in Swift and in C alike.
let swiftSettings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let cSettings: [CSetting] = [
  .define("_GNU_SOURCE"),
  .treatAllWarnings(as: .error),
]
let cxxSettings: [CXXSetting] = [
  .define("_GNU_SOURCE"),
  .treatAllWarnings(as: .error),
]

/// A C library of the system, found by pkg-config, and the Debian package that brings it.
func system(_ name: String, pkgConfig: String?, debian: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig,
    providers: [.apt([debian])])
}

let package = Package(
  name: "aggregator",
  products: [
    .executable(name: "aggregator", targets: ["Aggregator"]),
    .executable(name: "fleet", targets: ["fleet"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
  ],
  targets: [
    system("CLibCrypto", pkgConfig: "libcrypto", debian: "libssl-dev"),
    system("CLibCurl", pkgConfig: "libcurl", debian: "libcurl4-openssl-dev"),
    // Its pkg-config file defines a macro, which SwiftPM refuses with a warning; CShims links it.
    system("CLibSimdjson", pkgConfig: nil, debian: "libsimdjson-dev"),
    system("CLibSnappy", pkgConfig: "snappy", debian: "libsnappy-dev"),
    system("CLibXXHash", pkgConfig: "libxxhash", debian: "libxxhash-dev"),
    system("CLibZ", pkgConfig: "zlib", debian: "zlib1g-dev"),
    .target(
      name: "CShims",
      dependencies: [
        "CLibCrypto", "CLibCurl", "CLibSimdjson", "CLibSnappy", "CLibXXHash", "CLibZ",
      ],
      cSettings: cSettings, cxxSettings: cxxSettings,
      linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "Columnar", dependencies: ["CShims"], swiftSettings: swiftSettings),
    .target(name: "KubeIndex", dependencies: ["CShims"], swiftSettings: swiftSettings),
    .target(
      name: "Ingest", dependencies: ["CShims", "Columnar", "KubeIndex"],
      resources: [.embedInCode("Decode/report.schema.json")],
      swiftSettings: swiftSettings),
    .target(
      name: "Service",
      dependencies: [
        "CShims", "Columnar", "KubeIndex", "Ingest",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "Aggregator",
      dependencies: [
        "Service", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "CFleet", dependencies: ["CLibCrypto"], path: "perf/cfleet", cSettings: cSettings),
    .executableTarget(
      name: "fleet",
      dependencies: [
        "CFleet", "CLibZ",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      path: "perf/fleet",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "nio-discard",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "perf/nio-discard",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "pipeline-bench", dependencies: ["Columnar", "Ingest", "KubeIndex"],
      path: "perf/pipeline-bench", swiftSettings: swiftSettings),
    .executableTarget(
      name: "index-bench", dependencies: ["CShims", "KubeIndex"],
      path: "perf/index-bench", swiftSettings: swiftSettings),
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "Columnar", "Ingest", "KubeIndex", "Service", "SimulationModels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/tools/fuzz", swiftSettings: swiftSettings),
    .executableTarget(
      name: "kube-check", dependencies: ["Ingest", "KubeIndex"],
      path: "Tests/tools/kube-check", swiftSettings: swiftSettings),
    .executableTarget(
      name: "report-check", dependencies: ["Ingest"],
      path: "Tests/tools/report-check", swiftSettings: swiftSettings),
    .executableTarget(
      name: "write-sample", dependencies: ["Ingest", "Columnar", "KubeIndex"],
      path: "Tests/tools/write-sample", swiftSettings: swiftSettings),
    .target(
      name: "SimulationModels", dependencies: ["CShims", "Columnar", "Ingest"],
      path: "Tests/Simulation/Models", swiftSettings: swiftSettings),
    .target(
      name: "Simulation",
      dependencies: ["Columnar", "Ingest", "KubeIndex", "Service", "SimulationModels"],
      path: "Tests/Simulation/World", swiftSettings: swiftSettings),
    .executableTarget(
      name: "simulate",
      dependencies: [
        "Simulation", "SimulationModels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/tools/simulate", swiftSettings: swiftSettings),
    .testTarget(
      name: "ColumnarTests", dependencies: ["CShims", "Columnar", "SimulationModels"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "KubeIndexTests", dependencies: ["CShims", "KubeIndex"], swiftSettings: swiftSettings),
    .testTarget(
      name: "IngestTests",
      dependencies: ["CShims", "Ingest", "Columnar", "KubeIndex", "SimulationModels"],
      swiftSettings: swiftSettings),
    .testTarget(name: "StyleTests", swiftSettings: swiftSettings),
    .testTarget(name: "FleetTests", dependencies: ["fleet"], swiftSettings: swiftSettings),
    .testTarget(
      name: "ServiceTests",
      dependencies: [
        "Columnar", "Service", "Ingest", "KubeIndex", "SimulationModels",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
  ],
  cxxLanguageStandard: .cxx17
)

// Working on the core alone is quicker without the network stack.
if Context.environment["CORE_ONLY"] != nil {
  let outer: Set = [
    "Aggregator", "CFleet", "FleetTests", "Service", "ServiceTests", "Simulation", "fleet",
    "fuzz", "nio-discard", "simulate",
  ]
  package.targets.removeAll { outer.contains($0.name) }
  package.products = []
  package.dependencies = []
}
