import Glibc
import Ingest

/// Measures on the bodies of an exported workload and prints one line of JSON: per pass the stages'
/// CPU and wall seconds, then rows, bytes and memory.
///
/// The first pass is that of a fresh process, page faults and allocations included, and writes the
/// file to disk within the time; later passes reuse the memory.
enum FileMeasurement {
  static func run(_ options: BenchOptions, bodies path: String) throws {
    var bodies = try Workload.bodies(of: path)
    let pipeline = try Pipeline(options)
    let generator = options.generator()
    var metadata = MetadataGenerator(seed: options.seed)
    metadata.fill(pipeline.index, from: generator.nodes)
    guard bodies.count == options.nodes * options.intervals else {
      throw BenchOptions.UsageError(description: "\(path) is of other numbers")
    }
    Self.resetPeak()
    let residentBefore = Self.kibibytes("VmRSS:")
    var passes: [String] = []
    var residentPeak = 0
    var rowCount = 0
    for _ in 0..<options.passes {
      var watches = [Stopwatch(), Stopwatch(), Stopwatch(), Stopwatch()]
      pipeline.batch.reset()
      if let output = options.output { unlink(output) }
      watches[0].start()
      rowCount = try pipeline.decode(&bodies)
      watches[0].stop()
      watches[1].start()
      let resolved = pipeline.resolve()
      watches[1].stop()
      watches[2].start()
      try pipeline.encode(resolved)
      watches[2].stop()
      watches[3].start()
      if let output = options.output { try pipeline.sink.bytes.write(to: output) }
      watches[3].stop()
      if passes.isEmpty { residentPeak = Self.kibibytes("VmHWM:") }
      let names = ["decode", "resolve", "encode", "write"]
      let stages = zip(names, watches).map {
        "\"\($0)\": {\"cpu\": \($1.cpu), \"wall\": \($1.wall)}"
      }
      passes.append("{\(stages.joined(separator: ", "))}")
    }
    print(
      "{\"rows\": \(rowCount), \"bytes\": \(pipeline.sink.bytes.count),",
      "\"resident_before_kib\": \(residentBefore), \"resident_peak_kib\": \(residentPeak),",
      "\"passes\": [\(passes.joined(separator: ", "))]}")
  }

  /// Lets the kernel's peak of resident memory begin at what is resident now.
  private static func resetPeak() {
    guard let file = fopen("/proc/self/clear_refs", "w") else { return }
    fputs("5", file)
    fclose(file)
  }

  private static func kibibytes(_ name: String) -> Int {
    guard let status = try? [UInt8](reading: "/proc/self/status") else { return 0 }
    let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return 0 }
    return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
      .flatMap { Int($0) } ?? 0
  }
}

extension [UInt8] {
  /// A file of /proc, whose size is not known before.
  fileprivate init(reading path: String) throws {
    guard let file = fopen(path, "r") else {
      throw BenchOptions.UsageError(description: "\(path): errno \(errno)")
    }
    defer { fclose(file) }
    self.init(unsafeUninitializedCapacity: 1 << 16) { buffer, count in
      count = fread(buffer.baseAddress, 1, buffer.count, file)
    }
  }
}
