import Ingest
import SimulationModels

/// A file of which a part cannot be read.
struct Blinded {
  var name: String
  /// nil: until a start has given it up.
  var until: Duration?
  /// The process ends when it can be read again, and the next one reads it.
  var endsProcess: Bool
  /// What is in that part of a log.
  var reports: [Int]
  var isGivenUp = false

  init(_ flip: BitRot.Flip, until: Duration? = nil, reports: [Int] = []) {
    name = flip.name
    self.until = until
    // As good as drawn, and nothing else is drawn otherwise for it.
    endsProcess = until == nil || flip.offset / 2_048 % 2 == 0
    self.reports = reports
  }
}

/// Turns single bits of files over, and tells what that may cost.
enum BitRot {
  enum Loss: CustomStringConvertible {
    case nothing
    /// At most these reports.
    case reports([Int])
    /// What is in this object, as it was.
    case object([UInt8])
    /// The ids of reports posted so far.
    case ids
    /// Nothing: all can be read before anyone gives it up.
    case sight

    var description: String {
      switch self {
      case .nothing: "costs nothing"
      case .reports(let numbers): "may cost reports \(numbers)"
      case .object: "may cost the object's reports"
      case .ids: "may cost the ids of reports"
      case .sight: "costs nothing but time"
      }
    }
  }

  struct Flip {
    var name: String
    var offset: Int
    var loss: Loss
  }

  /// nil: there is no such file now.
  static func flip(
    _ fault: DiskFault, of disk: ModelDisk, sparing spared: inout Set<String>,
    _ random: inout SeededRandom
  ) -> Flip? {
    let kind: String
    switch fault {
    case .flippedFrame, .flippedLogHeader, .unreadable, .unreadableForAWhile: kind = "log"
    case .flippedSeal: kind = "seal"
    case .flippedObject: kind = "object"
    default: kind = "writer"
    }
    // A second flip in one file could cost more than the one frame.
    let names = disk.names.filter {
      DiskStep.kind(of: $0) == kind && !$0.hasSuffix(".tmp") && !spared.contains($0)
    }
    if fault == .unreadable { return blind(names, of: disk, sparing: &spared, &random) }
    guard let name = names.randomElement(using: &random), let bytes = disk.bytes(of: name),
      let place = place(fault, bytes, &random),
      disk.flip(1 << UInt8.random(in: 0..<8, using: &random), at: place.offset, of: name)
    else { return nil }
    spared.insert(name)
    return Flip(name: name, offset: place.offset, loss: place.loss)
  }

  /// A sector of a seal, or of a log that is not written any more; all reports may go that share
  /// the piece of it in which a log is salvaged. Sectors of seals come back, and those of logs that
  /// have even numbers.
  private static func blind(
    _ names: [String], of disk: ModelDisk, sparing spared: inout Set<String>,
    _ random: inout SeededRandom
  ) -> Flip? {
    let files = disk.names.filter { !$0.hasSuffix(".tmp") }
    let logs = files.filter { DiskStep.kind(of: $0) == "log" }
    let seals = files.filter { DiskStep.kind(of: $0) == "seal" && !spared.contains($0) }
    // Seals are always there, logs seldom.
    let blindable = names.filter { $0 != logs.max() }
    guard
      let name = (blindable.isEmpty ? seals.sorted() : blindable).randomElement(using: &random),
      let bytes = disk.bytes(of: name), bytes.count > LogHeader.byteCount
    else { return nil }
    let size = IngestLimits.salvagePieceByteCount
    let offset = Int.random(in: 0..<bytes.count, using: &random)
    let sector = offset / 512 * 512
    if seals.contains(name) {
      disk.setUnreadable(sector..<sector + 512, of: name)
      spared.insert(name)
      return Flip(name: name, offset: sector, loss: .sight)
    }
    let piece = offset / size * size..<(offset / size + 1) * size
    // As for flips: with a cut in it more comes together than is promised.
    guard piece.lowerBound > 0 || !holdsCut(bytes) else { return nil }
    // Frames behind one that is torn are not found by their lengths, so nobody knows what goes.
    let frames = frames(bytes)
    let end = frames.last?.range.upperBound ?? LogHeader.byteCount
    guard bytes.count <= end || bytes[end...].allSatisfy({ $0 == 0 }) else { return nil }
    disk.setUnreadable(sector..<sector + 512, of: name)
    spared.insert(name)
    let reports = frames.filter { $0.range.overlaps(piece) }.compactMap(\.report)
    return Flip(
      name: name, offset: sector, loss: sector / 512 % 2 == 0 ? .sight : .reports(reports))
  }

  private static func holdsCut(_ log: [UInt8]) -> Bool {
    Array(log[40..<48]) != [UInt8](repeating: 0xFF, count: 8)
  }

  private static func place(
    _ fault: DiskFault, _ bytes: [UInt8], _ random: inout SeededRandom
  ) -> (offset: Int, loss: Loss)? {
    guard !bytes.isEmpty else { return nil }
    switch fault {
    case .flippedFrame:
      let frames = frames(bytes)
      guard let frame = frames.randomElement(using: &random) else { return nil }
      return (
        Int.random(in: frame.range, using: &random), .reports(frame.report.map { [$0] } ?? [])
      )
    case .flippedObject:
      return (bytes.indices.randomElement(using: &random) ?? 0, .object(bytes))
    case .flippedLogHeader:
      // With a cut in it a failed sync and a flip come together, which is more than is promised.
      guard bytes.count > LogHeader.byteCount, !holdsCut(bytes) else { return nil }
      return (Int.random(in: 0..<LogHeader.byteCount, using: &random), .nothing)
    case .flippedSeal:
      let offset = bytes.indices.randomElement(using: &random) ?? 0
      return (offset, ids(bytes).contains(offset) ? .ids : .nothing)
    default: return (bytes.indices.randomElement(using: &random) ?? 0, .nothing)
    }
  }

  /// The frames of a log by their lengths alone, with the report in each.
  static func frames(_ bytes: [UInt8]) -> [(range: Range<Int>, report: Int?)] {
    var frames: [(range: Range<Int>, report: Int?)] = []
    var offset = LogHeader.byteCount
    while offset + FrameHeader.byteCount <= bytes.count, bytes[offset] == 0x1D {
      let length = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << (8 * $1) }
      let end = offset + FrameHeader.byteCount + length
      guard end <= bytes.count else { break }
      let payload = bytes[(offset + FrameHeader.byteCount)..<end]
      frames.append((offset..<end, report(in: payload)))
      offset = end
    }
    return frames
  }

  private static let mark = Array(#""hostname":"report-"#.utf8)

  private static func report(in payload: ArraySlice<UInt8>) -> Int? {
    guard payload.count > mark.count else { return nil }
    for start in payload.startIndex...(payload.endIndex - mark.count)
    where payload[start..<start + mark.count].elementsEqual(mark) {
      let digits = payload[(start + mark.count)...].prefix { $0 != UInt8(ascii: ";") }
      return Int(String(decoding: digits, as: UTF8.self))
    }
    return nil
  }

  /// Where the retry ids of a seal stand.
  private static func ids(_ seal: [UInt8]) -> Range<Int> {
    let list = 48 + (0..<8).reduce(0) { $0 | Int(seal[40 + $1]) << (8 * $1) }
    return min(list, seal.count)..<seal.count
  }
}
