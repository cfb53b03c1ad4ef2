import Glibc
import Ingest

/// A log of 64 KiB with one bit turned over, for each of its bits: what a start and a replay read
/// of it.
package struct BitSweep: Sendable {
  package struct Result: Sendable {
    package var bitCount = 0
    /// Bits whose turn nothing told of.
    package var undetected: [Int] = []
    /// Bits whose turn cost more than the one frame, or gave a frame that nobody wrote.
    package var wrong: [Int] = []
    /// Bits with which a start was refused.
    package var refused: [Int] = []
    /// Bits whose turn cost a report.
    package var costly = 0

    package init() {}

    package var isGood: Bool { undetected.isEmpty && wrong.isEmpty && refused.isEmpty }

    package mutating func merge(_ other: Result) {
      bitCount += other.bitCount
      undetected += other.undetected
      wrong += other.wrong
      refused += other.refused
      costly += other.costly
    }
  }

  package static let byteCount = 64 << 10

  private let writer = WriterID(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF)
  private let segment: UInt64 = 1
  private let bytes: [UInt8]
  private let payloads: [[UInt8]]
  private let ranges: [Range<Int>]

  /// Groups of one to four frames, each synced, and the witness that ends a log.
  package init() throws(DiskError) {
    let disk = ModelDisk()
    let log = try LogWriter(
      disk: disk,
      header: LogHeader(writer: writer, segment: segment, cut: nil, createdSeconds: 9))
    var random = SeededRandom(seed: 64)
    var payloads: [[UInt8]] = []
    var ranges: [Range<Int>] = []
    var room = Self.byteCount - log.end - FrameHeader.byteCount
    while room > 0 {
      for _ in 0..<Int.random(in: 1...4, using: &random) where room > 0 {
        var count = Int.random(in: 200...2_000, using: &random)
        if room - count - FrameHeader.byteCount < 500 { count = room - FrameHeader.byteCount }
        payloads.append((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        let start = log.end
        try Self.append(payloads[payloads.count - 1], UInt64(payloads.count), to: log)
        ranges.append(start..<log.end)
        room = Self.byteCount - log.end - FrameHeader.byteCount
      }
      try log.sync()
    }
    try log.appendWitness()
    try log.sync()
    self.payloads = payloads
    self.ranges = ranges
    bytes = disk.bytes(of: log.fileName) ?? []
  }

  private static func append(
    _ payload: [UInt8], _ number: UInt64, to log: LogWriter
  ) throws(DiskError) {
    var failure: DiskError?
    payload.withUnsafeBytes { buffer in
      let entry = LogWriter.Entry(
        payload: buffer, retryID: RetryID(low: number, high: 1), nodeID: number)
      do throws(DiskError) { try log.append([entry]) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Bytes of the log.
  package var count: Int { bytes.count }

  /// Turns each bit of these bytes.
  package func run(_ places: Range<Int>) throws(DiskError) -> Result {
    var result = Result()
    let disk = ModelDisk()
    let name = FileName.log(segment).text
    disk.setBytes(bytes, of: name)
    for place in places {
      for bit in 0..<8 {
        let number = 8 * place + bit
        _ = disk.flip(1 << UInt8(bit), at: place, of: name)
        let read = try read(disk)
        judge(read, number, place, &result)
        if try LogScan.foreignLog(on: disk) != nil { result.refused.append(number) }
        _ = disk.flip(1 << UInt8(bit), at: place, of: name)
        result.bitCount += 1
      }
    }
    return result
  }

  private struct Read {
    var scan: LogScan
    /// Frames by number, those of the scan and those of the replay.
    var known: [Int] = []
    var replayed: [Int] = []
    var hasFalsePayload = false
    var damagedStretches = 0
  }

  private func read(_ disk: ModelDisk) throws(DiskError) -> Read {
    var known: [Int] = []
    let scan = try LogScan.scan(
      file: try disk.open(FileName.log(segment).text), writer: writer, segment: segment, cut: nil
    ) { header, _ in known.append(Int(truncatingIfNeeded: header.retryID.low)) }
    var read = Read(scan: scan, known: known)
    let reader = try LogReader(disk: disk, writer: writer, segment: segment, limit: scan.end)
    while true {
      switch try reader.next() {
      case .report(let header, let payload):
        let number = Int(truncatingIfNeeded: header.retryID.low)
        read.replayed.append(number)
        if !isTrue(payload, number) { read.hasFalsePayload = true }
      case .damaged: read.damagedStretches += 1
      case .end: return read
      }
    }
  }

  private func isTrue(_ payload: UnsafeRawBufferPointer, _ number: Int) -> Bool {
    guard payloads.indices.contains(number - 1), payload.count == payloads[number - 1].count,
      let base = payload.baseAddress
    else { return false }
    return payloads[number - 1].withUnsafeBytes { expected in
      expected.baseAddress.map { memcmp($0, base, payload.count) == 0 } ?? false
    }
  }

  private func judge(_ read: Read, _ number: Int, _ place: Int, _ result: inout Result) {
    let hit = ranges.firstIndex { $0.contains(place) }.map { $0 + 1 }
    let all = Array(1...payloads.count)
    let missing = all.filter { !read.replayed.contains($0) }
    if read.hasFalsePayload || !missing.allSatisfy({ $0 == hit })
      || read.replayed != all.filter({ !missing.contains($0) })
    {
      result.wrong.append(number)
    }
    if !missing.isEmpty { result.costly += 1 }
    let isTold =
      read.scan.header == nil || !read.scan.damaged.isEmpty || !read.scan.suspect.isEmpty
      || read.scan.torn != nil || read.damagedStretches > 0
    if !isTold { result.undetected.append(number) }
  }
}
