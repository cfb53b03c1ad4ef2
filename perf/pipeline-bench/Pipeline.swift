import Columnar
import Glibc
import Ingest
import KubeIndex

/// The product's path from bodies to a file in memory, stage by stage.
struct Pipeline {
  let batch = ReportBatch(rowCapacity: IngestLimits.batchRowCapacity)
  let index = ClusterIndex(counters: KubeCounters())
  let decoder: ReportDecoder
  let joiner = RowGroupJoiner()
  let sink = MemorySink()
  private let schema: ParquetSchema
  private let encodings: NumberEncodings

  init(_ options: BenchOptions) throws {
    encodings = options.encodings
    decoder = try options.decoder()
    let all = UsageSchema.schema
    schema = options.columns == all.columns.count ? all : UsageSchema.described
  }

  /// Decodes all bodies into the batch and gives the number of rows.
  func decode(_ bodies: inout ReportBodies) throws -> Int {
    var rowCount = 0
    try bodies.forEach { rowCount += try decoder.decode($0, into: batch).rowCount }
    return rowCount
  }

  /// Looks up what the batch names.
  func resolve() -> ResolvedBatch {
    var resolver = BatchResolver()
    while !resolver.step(batch, index: index, isOver: { false }) {}
    return resolver.resolved(batch, clusterName: "bench")
  }

  /// Makes the file of the batch in `sink`.
  func encode(_ resolved: ResolvedBatch) throws {
    sink.reset()
    var file: ParquetFileWriter?
    try joiner.append(resolved) { _ in
      if let file { return file }
      let made = try ParquetFileWriter(
        schema: schema, sink: sink, createdBy: UsageSchema.createdBy, encodings: encodings)
      file = made
      return made
    }
    try file?.finish(metadata: [])
  }
}

/// Takes a file's bytes in memory.
final class MemorySink: ByteSink {
  private(set) var bytes: [UInt8] = []

  func write(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }

  func reset() { bytes.removeAll(keepingCapacity: true) }
}

extension [UInt8] {
  /// Writes them as a file.
  func write(to path: String) throws {
    guard let file = fopen(path, "w"), fwrite(self, 1, count, file) == count, fclose(file) == 0
    else { throw BenchOptions.UsageError(description: "\(path): errno \(errno)") }
  }

  /// All bytes of a file.
  init(contentsOf path: String) throws {
    guard let file = fopen(path, "r") else {
      throw BenchOptions.UsageError(description: "\(path): errno \(errno)")
    }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let byteCount = ftell(file)
    rewind(file)
    self.init(unsafeUninitializedCapacity: byteCount) { buffer, count in
      count = fread(buffer.baseAddress, 1, byteCount, file)
    }
    guard count == byteCount else {
      throw BenchOptions.UsageError(description: "\(path): errno \(errno)")
    }
  }
}
