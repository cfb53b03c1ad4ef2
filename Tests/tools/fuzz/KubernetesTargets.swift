import Foundation
import KubeIndex

/// Bodies of the recorded answers in a folder of the fixtures.
private func bodies(_ folder: String) throws -> [[UInt8]] {
  let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  let head = Array("\r\n\r\n".utf8)
  return try names.filter { $0.hasSuffix(".http") }.compactMap { name in
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
    if let end = bytes.firstRange(of: head) { return Array(bytes[end.upperBound...]) }
    return bytes.firstRange(of: Array("\n\n".utf8)).map { Array(bytes[$0.upperBound...]) }
  }
}

private let objectWords = tokens([
  "[", "{\"\":", "{", "}", "]", "\"", "\\", "\\ud800", "null", "1e400", "\"metadata\":{",
  "\"annotations\":", "\"labels\":", "\"resources\":", "\"100m\"", "\"1.5Gi\"", "\"9e999999999\"",
  "\"-1\"", "\"999999999999999999999999E\"", "\"initContainers\":[", "\"restartPolicy\":\"Always\"",
  "\"ephemeral\":{}", "\"persistentVolumeClaim\":{\"claimName\":\"c\"}", "\"overhead\":",
])

/// Pages of lists: whatever the API server's answer holds, it gives records or a fault.
struct PageTarget: FuzzTarget {
  private let reader = ListReader()
  let inputs: [[UInt8]]
  let words = objectWords

  init(fixtures: String) throws {
    inputs = try ["list", "paginated", "quantities"].flatMap { try bodies("\(fixtures)/\($0)") }
  }

  mutating func run(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { body in
      for kind in ObjectKind.allCases {
        var count = 0
        do throws(ListReader.Fault) { try reader.read(kind, body) { _ in count += 1 } } catch {}
        guard count <= bytes.count else { throw Broken("\(count) records") }
      }
    }
  }
}

/// Lines of watches.
struct EventTarget: FuzzTarget {
  private let reader = ListReader()
  let inputs: [[UInt8]]
  let words =
    objectWords
    + tokens(["ADDED", "DELETED", "BOOKMARK", "ERROR", "\"code\":410", "\"resourceVersion\":"])

  init(fixtures: String) throws {
    inputs = try ["watch", "watchlist", "gone410"].flatMap { try bodies("\(fixtures)/\($0)") }
      .flatMap { $0.split(separator: 10).map { Array($0) } }
  }

  mutating func run(_ bytes: [UInt8]) throws {
    bytes.withUnsafeBytes { line in
      for kind in ObjectKind.allCases {
        do throws(ListReader.Fault) { _ = try reader.readEvent(kind, line) } catch {}
      }
    }
  }
}
