import Ingest
import SimulationModels

private let writer = WriterID(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF)
private let segment: UInt64 = 7

/// A log as a start and a replay read it: no report but those that were written, each with its own
/// bytes, none twice, and scan and replay agree.
struct LogTarget: FuzzTarget {
  let inputs: [[UInt8]]
  let words: [[UInt8]]
  private let payloads: [[UInt8]]
  private let disk = ModelDisk()
  private let name: String

  init() throws {
    let log = try LogWriter(
      disk: disk,
      header: LogHeader(writer: writer, segment: segment, cut: nil, createdSeconds: 9))
    name = log.fileName
    var random = SeededRandom(seed: 1)
    payloads = (0..<40).map { _ in
      (0..<Int.random(in: 1...900, using: &random)).map { _ in .random(in: 0...255, using: &random)
      }
    }
    for (number, payload) in payloads.enumerated() {
      try payload.withUnsafeBytes { bytes in
        try log.append([
          LogWriter.Entry(
            payload: bytes, retryID: RetryID(low: UInt64(number), high: 1), nodeID: 1)
        ])
      }
      if number % 3 == 0 { try log.sync() }
    }
    try log.appendWitness()
    try log.sync()
    let whole = disk.bytes(of: name) ?? []
    inputs = [Array(whole.prefix(log.end)), Array(whole.prefix(log.end / 2))]
    // A frame moved or repeated as a whole is the hardest to tell.
    words = [Array(whole[64..<64 + 64 + payloads[0].count]), Array(whole[0..<64])]
  }

  mutating func run(_ bytes: [UInt8]) throws {
    disk.setBytes(bytes, of: name)
    var known: [UInt64] = []
    let scan = try LogScan.scan(
      file: try disk.open(name), writer: writer, segment: segment, cut: nil
    ) { header, _ in known.append(header.retryID.low) }
    guard scan.end <= max(bytes.count, LogHeader.byteCount) else {
      throw Broken("the scan ends at \(scan.end), the file at \(bytes.count)")
    }
    guard known.count == Set(known).count else {
      throw Broken("\(known.count) reports, \(Set(known).count) of them different")
    }
    let reader = try LogReader(disk: disk, writer: writer, segment: segment, limit: scan.end)
    var replayed: [UInt64] = []
    reading: while true {
      switch try reader.next() {
      case .report(let header, let payload):
        let number = header.retryID.low
        guard number < payloads.count, payload.elementsEqual(payloads[Int(number)]) else {
          throw Broken("a report that nobody wrote")
        }
        replayed.append(number)
      case .damaged: continue
      case .end: break reading
      }
    }
    // The scan reads only headers of what a later frame knows as fsynced.
    guard Set(replayed).isSubset(of: known) else {
      throw Broken("a replay gave more than the scan")
    }
  }
}

/// A seal: nil, or the lists that were sealed.
struct SealTarget: FuzzTarget {
  let inputs: [[UInt8]]
  let words: [[UInt8]] = [[0], [255, 255, 255, 255], [255, 255, 255, 255, 255, 255, 255, 127]]
  private let seal: Seal

  init() {
    let objects = (0..<3).map { number in
      SealedObject(
        id: ObjectID(segment: segment, partition: UInt32(number)), key: "a/b=\(number)/c.parquet",
        fileName: "7-\(number).parquet", byteCount: 1_000 + number, rowCount: 10,
        sha256: String(repeating: "7", count: 64), attempt: "5", oldestRowSeconds: 1)
    }
    seal = Seal(
      writer: writer, segment: segment, objects: objects,
      cuts: [], retryIDs: .empty)
    inputs = [seal.encoded()]
  }

  mutating func run(_ bytes: [UInt8]) throws {
    let read = bytes.withUnsafeBytes { Seal($0, writer: writer, segment: segment) }
    guard let read else { return }
    var count = 0
    _ = read.retryIDs?.forEach { _, _ in count += 1 }
    guard count <= bytes.count else { throw Broken("\(count) retry ids") }
    guard read.objects.map(\.key) == seal.objects.map(\.key), read.cuts.count == seal.cuts.count
    else { throw Broken("a list that nobody sealed") }
  }
}

/// What a start has given up of a log: nothing of it, or what was written.
struct HolesTarget: FuzzTarget {
  let inputs: [[UInt8]]
  let words: [[UInt8]] = [[0], [255, 255, 255, 255], [255, 255, 255, 255, 255, 255, 255, 127]]
  private let holes = LogHoles(writer: writer, segment: segment, pieces: [0, 3, 4, 700])

  init() { inputs = [holes.encoded()] }

  mutating func run(_ bytes: [UInt8]) throws {
    let read = LogHoles(bytes, writer: writer, segment: segment)
    guard read == nil || read == holes else { throw Broken("holes that nobody made") }
  }
}
