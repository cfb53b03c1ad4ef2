import Columnar
import Foundation
import Ingest

/// Writes Parquet files from a JSON description on standard input, by the product's own path, for
/// tests that read them with other engines:
///
///     write-sample DIRECTORY < description.json
///
/// A description has `batches` (reports and what the index knows: see `BatchDescription`), whose
/// partitions become files below `cluster_name=…/dt=…/`, or `row_groups` (plain rows of the first
/// `column_count` columns), which become `rows.parquet`. `encodings` is as PARQUET_ENCODINGS.
@main struct WriteSample {
  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      throw SampleError("usage: write-sample DIRECTORY < description.json")
    }
    let directory = URL(fileURLWithPath: CommandLine.arguments[1], isDirectory: true)
    let input = FileHandle.standardInput.readDataToEndOfFile()
    let description = try JSONDecoder().decode(Description.self, from: input)
    let name = description.encodings ?? NumberEncodings.standard.rawValue
    guard let encodings = NumberEncodings(rawValue: name) else {
      throw SampleError("unknown encodings \(name)")
    }
    if let batches = description.batches {
      try write(batches, encodings, clusterName: description.cluster_name, below: directory)
    }
    if let rowGroups = description.row_groups {
      let columnCount = description.column_count ?? UsageSchema.schema.columns.count
      try PlainRows(columnCount: columnCount)
        .write(rowGroups, to: directory.appending(path: "rows.parquet"))
    }
  }

  private static func write(
    _ batches: [BatchDescription], _ encodings: NumberEncodings, clusterName: String?,
    below directory: URL
  ) throws {
    let joiner = RowGroupJoiner()
    var files: [PartitionKey: SampleFile] = [:]
    for batch in batches {
      let resolved = try batch.resolved(clusterName: clusterName)
      try joiner.append(resolved) { key in
        if let file = files[key] { return file.writer }
        let path = "cluster_name=\(key.cluster)/dt=\(key.date)/sample.parquet"
        let file = try SampleFile(directory.appending(path: path), encodings: encodings)
        files[key] = file
        return file.writer
      }
    }
    for file in files.values { try file.finish() }
  }
}

/// What standard input holds.
struct Description: Decodable {
  var cluster_name: String?
  var encodings: String?
  var batches: [BatchDescription]?
  var column_count: Int?
  var row_groups: [[PlainRow]]?
}

struct SampleError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A Parquet file on disk.
final class SampleFile {
  let writer: ParquetFileWriter

  private final class Sink: ByteSink {
    let handle: FileHandle
    init(_ handle: FileHandle) { self.handle = handle }
    func write(_ bytes: UnsafeRawBufferPointer) throws { try handle.write(contentsOf: Data(bytes)) }
  }

  init(
    _ url: URL, schema: ParquetSchema = UsageSchema.schema, encodings: NumberEncodings = .standard
  ) throws {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data().write(to: url)
    let sink = Sink(try FileHandle(forWritingTo: url))
    writer = try ParquetFileWriter(
      schema: schema, sink: sink, createdBy: UsageSchema.createdBy, encodings: encodings)
  }

  func finish() throws {
    try writer.finish(metadata: [("schema_version", "\(UsageSchema.version)"), ("note", "größe")])
  }
}

extension PartitionKey {
  /// `YYYY-MM-DD`.
  var date: String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withFullDate]
    return formatter.string(from: Date(timeIntervalSince1970: Double(day) * 86_400))
  }
}
