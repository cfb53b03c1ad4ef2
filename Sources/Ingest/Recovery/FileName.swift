/// The names in DATA_DIR: made from numbers only, so nothing a report says reaches a path.
package enum FileName: Hashable, Sendable {
  case lock
  case writer
  case log(UInt64)
  case object(ObjectID)
  case objectTemporary(ObjectID)
  case uploadRecord(ObjectID)
  case seal(UInt64)
  /// What a start has given up of a log.
  case holes(UInt64)
  /// A file that was being written under another name; worthless after a crash.
  case temporary(String)
  /// Bytes kept for a human; never read.
  case quarantine(String)
  case unknown(String)

  private static let digitCount = 20
  /// Beyond it a file is not ours: there is always a next number.
  private static let maximumSegment = UInt64.max / 2

  package var text: String {
    switch self {
    case .lock: "lock"
    case .writer: "writer"
    case .log(let segment): "\(Self.number(segment)).log"
    case .object(let id): "\(Self.stem(id)).parquet"
    case .objectTemporary(let id): "\(Self.stem(id)).parquet.tmp"
    case .uploadRecord(let id): "\(Self.stem(id)).upload"
    case .seal(let segment): "\(Self.number(segment)).seal"
    case .holes(let segment): "\(Self.number(segment)).holes"
    case .temporary(let name), .quarantine(let name), .unknown(let name): name
    }
  }

  package init(_ text: String) {
    self = Self.parse(text) ?? .unknown(text)
  }

  private static func parse(_ text: String) -> FileName? {
    switch text {
    case "lock": return .lock
    case "writer": return .writer
    case "writer.tmp": return .temporary(text)
    default: break
    }
    if text.hasSuffix(".quarantine") { return .quarantine(text) }
    guard let dot = text.firstIndex(of: ".") else { return nil }
    let ending = text[dot...]
    let numbers = text[..<dot].split(separator: "-", omittingEmptySubsequences: false)
    guard let segment = segmentNumber(numbers[0]) else { return nil }
    if numbers.count == 1 {
      switch ending {
      case ".log": return .log(segment)
      case ".seal": return .seal(segment)
      case ".holes": return .holes(segment)
      case ".log.tmp", ".seal.tmp", ".holes.tmp": return .temporary(text)
      default: return nil
      }
    }
    guard numbers.count == 2, let partition = UInt32(numbers[1]),
      String(partition) == numbers[1]
    else { return nil }
    let id = ObjectID(segment: segment, partition: partition)
    switch ending {
    case ".parquet": return .object(id)
    case ".parquet.tmp": return .objectTemporary(id)
    case ".upload": return .uploadRecord(id)
    case ".upload.tmp": return .temporary(text)
    default: return nil
    }
  }

  private static func stem(_ id: ObjectID) -> String { "\(number(id.segment))-\(id.partition)" }

  /// 20 digits, so that names sort as numbers.
  static func number(_ segment: UInt64) -> String {
    let digits = String(segment)
    return String(repeating: "0", count: digitCount - digits.utf8.count) + digits
  }

  private static func segmentNumber(_ text: Substring) -> UInt64? {
    guard text.utf8.count == digitCount,
      text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
    else { return nil }
    return UInt64(text).flatMap { $0 <= maximumSegment ? $0 : nil }
  }

  /// The segment that the file belongs to, also once it was set aside.
  package var segment: UInt64? {
    switch self {
    case .log(let segment), .seal(let segment), .holes(let segment): segment
    case .object(let id), .objectTemporary(let id), .uploadRecord(let id): id.segment
    case .quarantine(let name): Self.segmentNumber(name.prefix(Self.digitCount))
    default: nil
    }
  }
}
