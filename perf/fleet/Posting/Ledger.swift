import Glibc

/// One line `node,timestamp,rows` for each acknowledged report.
final class Ledger {
  private let descriptor: Int32
  private var buffer = ByteWriter(capacity: FleetLimits.ledgerBufferBytes + 1024)

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  init(path: String) throws {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    close(descriptor)
  }

  func append(cluster: Cluster, node: Int, timestampMicros: Int64, rows: Int) throws {
    cluster.append(cluster.nodes[node].name, to: &buffer)
    buffer.append(",")
    buffer.append(isoFormatMicros: timestampMicros)
    buffer.append(",")
    buffer.append(decimal: rows)
    buffer.append("\n")
    if buffer.count >= FleetLimits.ledgerBufferBytes { try flush() }
  }

  func flush() throws {
    guard buffer.write(to: descriptor) else {
      throw Failure(description: "ledger: \(String(cString: strerror(errno)))")
    }
    buffer.clear()
  }
}
