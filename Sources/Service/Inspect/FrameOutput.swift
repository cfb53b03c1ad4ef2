import Glibc
import Ingest

/// The frames of one log, a line each, written as they are read: a log may hold hundreds of
/// thousands.
struct FrameOutput {
  /// As `--help` says it.
  static let help = """
      With --frames, one object a line instead: offset, bytes and, for a frame, sequence, \
    synced_to (the offset that was synced before it), witness (it holds no report), retry_id, \
    node_id (both hexadecimal), good (its payload has its hash), node_name and timestamp (null \
    unless the payload is a report); for a stretch without a frame, only gap: true.
    """

  private let asJSON: Bool
  private let output = LogOutput(descriptor: STDOUT_FILENO)
  private var lines = ""
  private var frameCount = 0
  private var reportCount = 0
  private var byteCount = 0
  /// Ends of bad frames and gaps that no later frame has witnessed yet.
  private var unwitnessed: [Int] = []
  private var badFrameCount = 0
  private var isDamaged = false

  init(segment: UInt64, asJSON: Bool) {
    self.asJSON = asJSON
    if !asJSON {
      lines = "Frames of segment \(segment)\n" + Self.row(Self.titles)
    }
  }

  /// Whether what was added shows no damage. Behind the last frame of a running service a write
  /// may be under way.
  func isSound(isServiceRunning: Bool) -> Bool {
    !isDamaged && (isServiceRunning || badFrameCount == 0)
  }

  mutating func add(_ entry: FrameLister.Entry) {
    switch entry {
    case .frame(let frame): add(frame)
    case .gap(let range):
      unwitnessed.append(range.upperBound)
      lines +=
        asJSON
        ? JSONValue.object([
          ("offset", .integer(range.lowerBound)), ("bytes", .integer(range.count)),
          ("gap", .bool(true)),
        ]).compact + "\n"
        : Self.row(["\(range.lowerBound)", "\(range.count)", "", "", "", "no frame"])
    }
    if lines.utf8.count >= ServiceLimits.inspectOutputByteCount { flush() }
  }

  private mutating func add(_ frame: FrameLister.Frame) {
    let header = frame.header
    if unwitnessed.contains(where: { $0 <= header.durableUpTo }) { isDamaged = true }
    unwitnessed.removeAll { $0 <= header.durableUpTo }
    frameCount += 1
    byteCount += header.frameByteCount
    if !header.isWitness { reportCount += 1 }
    if !frame.isPayloadGood {
      badFrameCount += 1
      unwitnessed.append(frame.offset + header.frameByteCount)
    }
    lines += asJSON ? Self.json(frame).compact + "\n" : Self.row(Self.cells(frame))
  }

  mutating func finish() {
    if !asJSON {
      lines += "\(frameCount) frames, \(reportCount) reports, \(ByteText.text(byteCount))\n"
    }
    flush()
  }

  private mutating func flush() {
    output.write(Array(lines.utf8))
    lines = ""
  }

  // MARK: Lines

  private static let titles = [
    "offset", "bytes", "sequence", "synced to", "hash", "retry id", "node and timestamp",
  ]
  /// The columns have fixed widths, since no line waits for the last one.
  private static let widths = [12, 9, 9, 12, 5, 32]

  private static func row(_ cells: [String]) -> String {
    var line = ""
    for (column, cell) in cells.enumerated() {
      guard column < widths.count else {
        line += cell
        break
      }
      let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
      line += (column < 4 ? space + cell : cell + space) + "  "
    }
    return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
  }

  private static func cells(_ frame: FrameLister.Frame) -> [String] {
    let header = frame.header
    let names = [frame.nodeName, frame.timestamp].compactMap { $0 }
      .map { LogText.cut(LogText.escaped($0)) }.joined(separator: "  ")
    return [
      "\(frame.offset)", "\(header.frameByteCount)", "\(header.sequence)",
      "\(header.durableUpTo)", frame.isPayloadGood ? "good" : "BAD",
      header.isWitness ? "" : retryID(header),
      header.isWitness ? "witness" : names.isEmpty ? "not a report" : names,
    ]
  }

  private static func json(_ frame: FrameLister.Frame) -> JSONValue {
    let header = frame.header
    return .object([
      ("offset", .integer(frame.offset)), ("bytes", .integer(header.frameByteCount)),
      ("sequence", .unsigned(header.sequence)), ("synced_to", .integer(header.durableUpTo)),
      ("witness", .bool(header.isWitness)), ("retry_id", .text(retryID(header))),
      ("node_id", .text(Hex.text(header.nodeID))), ("good", .bool(frame.isPayloadGood)),
      ("node_name", .optional(frame.nodeName)), ("timestamp", .optional(frame.timestamp)),
    ])
  }

  private static func retryID(_ header: FrameHeader) -> String {
    Hex.text(header.retryID.high) + Hex.text(header.retryID.low)
  }
}
