import Columnar
import Ingest

/// What the command line asks for.
struct BenchOptions {
  var rows = 6_000_000
  var nodes = 1_000
  var podsPerNode = 30
  var intervals = 20
  var seed: UInt64 = 1
  var passes = 5
  var columns = UsageSchema.schema.columns.count
  var encodings = NumberEncodings.standard
  var implementation: String?
  var output: String?
  var exportDirectory: String?
  var bodies: String?
  var isGates = false

  var podCount: Int { nodes * podsPerNode }

  struct UsageError: Error, CustomStringConvertible {
    var description: String
  }

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let name = rest.popFirst() {
      if name == "--gates" {
        isGates = true
        continue
      }
      guard let value = rest.popFirst() else { throw UsageError(description: "\(name): no value") }
      func number() throws -> Int {
        guard let number = Int(value), number > 0 else {
          throw UsageError(description: "\(name): a number above 0, not \(value)")
        }
        return number
      }
      switch name {
      case "--rows": rows = try number()
      case "--nodes": nodes = try number()
      case "--pods": podsPerNode = try number()
      case "--intervals": intervals = try number()
      case "--passes": passes = try number()
      case "--columns": columns = try number()
      case "--encodings":
        guard let known = NumberEncodings(rawValue: value) else {
          throw UsageError(description: "--encodings: default or modern, not \(value)")
        }
        encodings = known
      case "--output": output = value
      case "--export": exportDirectory = value
      case "--bodies": bodies = value
      case "--seed": seed = UInt64(try number())
      case "--implementation": implementation = value
      default: throw UsageError(description: "unknown argument \(name)")
      }
    }
    let all = [UsageSchema.schema.columns.count, UsageSchema.described.columns.count]
    guard all.contains(columns) else { throw UsageError(description: "--columns: one of \(all)") }
  }

  func generator() -> ReportGenerator {
    ReportGenerator(nodeCount: nodes, podsPerNode: podsPerNode, seed: seed)
  }

  /// The pinned decoder, or the best for this processor.
  func decoder() throws -> ReportDecoder {
    guard let implementation else { return ReportDecoder(writerSeed: 1) }
    guard let pinned = ReportDecoder(writerSeed: 1, implementation: implementation) else {
      throw UsageError(description: "--implementation: one of \(ReportDecoder.implementations)")
    }
    return pinned
  }
}
