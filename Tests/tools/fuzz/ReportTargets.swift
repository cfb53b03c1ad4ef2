import Columnar
import Ingest
import Service

/// Bytes with the padding behind them that the parsers ask for.
func withPadding<Result>(
  _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result
) rethrows -> Result {
  let report = ReportBody(capacity: bytes.count)
  bytes.withUnsafeBytes { _ = report.tryAppend($0) }
  return try withExtendedLifetime(report) { try body(report.bytes) }
}

/// The report decoder, once with rows and once without, and once more without the layouts that it
/// has learnt: one verdict, and a refused report leaves no row.
struct ReportTarget: FuzzTarget {
  private let decoder = ReportDecoder(writerSeed: 1)
  private let walker = ReportDecoder(writerSeed: 1)
  private let batch = ReportBatch(rowCapacity: 4_096)
  private let walked = ReportBatch(rowCapacity: 4_096)

  /// A report whose layout the decoder knows when it meets a case.
  static let laidOut = """
    {"timestamp": "2026-11-24T13:55:00.123456+00:00", "node_name": "node-1", "hostname": "h", \
    "ec2_instance_id": null, "pods": [{"pod_id": "9f3ded96-9b36-4637-b2f7-dcf961a2c1a5", \
    "namespace": "default", "name": "web-0", "cpu_usage_cores": 0.123456789, \
    "memory_usage_bytes": 104857600, "net_tx_bytes": 1, "net_rx_bytes": null, "pod_start_time": \
    "2026-11-20T08:00:00Z"}, {"pod_id": "b", "namespace": "kube-system", "name": "x", \
    "cpu_usage_cores": 2e-05, "memory_usage_bytes": 0, "net_tx_bytes": 123456789012, \
    "net_rx_bytes": 7, "pod_start_time": null}]}
    """

  static let samples: [String] = [
    laidOut,
    #"{"timestamp":"2026-11-24T16:20:00.123456+00:00","node_name":"n","hostname":"h","pods":[]}"#,
    """
    {"timestamp": "2026-02-28T23:59:60Z", "node_name": "ip-10-0-17-5.ec2.internal", \
    "hostname": "h", "ec2_instance_id": "i-0680e33ae3ac1caf3", "pods": [{"pod_id": \
    "9f3ded96-9b36-4637-b2f7-dcf961a2c1a5", "namespace": "kube-system", "name": "ebs-csi", \
    "cpu_usage_cores": 0.123456789, "memory_usage_bytes": 104857600, "net_tx_bytes": 1e3, \
    "net_rx_bytes": null, "pod_start_time": "2026-11-20T08:00:00.5-11:30"}, {"pod_id": "a", \
    "namespace": "\\u00e9\\ud83d\\ude00", "name": "x", "other": {"a": [1, {"b": [true, null]}]}}]}
    """,
    #"{"pods":[{"name":"a","namespace":"b","pod_id":"c","name":"d"}],"node_name":"n","#
      + #""hostname":"h","timestamp":"0001-01-01T00:00:00.000000000000000001z","x":1.5e-300}"#,
  ]

  let inputs = tokens(samples)
  let words: [[UInt8]] = tokens([
    "[", "{\"\":", "{", "}", "]", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\u005c", "null",
    "true", ",", ":", "\"pods\":", "\"pod_id\":", "\"timestamp\":", "\u{FEFF}", "\u{10FFFF}", "é",
    "{\"pod_id\":\"p\",\"namespace\":\"n\",\"name\":\"m\"},", "T24:00:00Z", "-00:00", "e", "E+",
  ])

  init() { walker.walkOnly() }

  mutating func run(_ bytes: [UInt8]) throws {
    try withPadding(Array(Self.laidOut.utf8)) { report in
      let known = decoder.layoutCount
      for _ in 0..<200 where decoder.layoutCount == known { _ = try decoder.check(report) }
      guard decoder.layoutCount > known else { throw Broken("a layout that is not learnt") }
    }
    try withPadding(bytes) { body in
      let rowCount = batch.rows.count
      try compareWithWalker(body)
      var rows: Int?
      do throws(DecodeError) {
        rows = try decoder.check(body).rowCount
      } catch {
        guard batch.rows.count == rowCount else { throw Broken("a refused report left rows") }
        guard error.message.utf8.count < 1_000, error.path.utf8.count <= bytes.count + 100 else {
          throw Broken("a message without bound")
        }
      }
      // Now without the layout, or with the body's own.
      var checked: Int?
      do throws(DecodeError) { checked = try decoder.check(body).rowCount } catch {}
      guard rows == checked, rows == nil || [0, rows].contains(batch.rows.count - rowCount) else {
        throw Broken("\(rows ?? -2) rows, then \(checked ?? -2)")
      }
      if batch.rows.count > 3_000 {
        batch.reset()
        walked.reset()
      }
    }
  }

  /// Decodes by what the decoder has learnt and by the walk alone, into batches that are the same.
  private func compareWithWalker(_ body: UnsafeRawBufferPointer) throws {
    let start = batch.rows.count
    let found = Result { () throws(DecodeError) in try decoder.decode(body, into: batch) }
    let expected = Result { () throws(DecodeError) in try walker.decode(body, into: walked) }
    guard found == expected, batch.rows.count == walked.rows.count else {
      throw Broken("by its layout \(found), by the walk \(expected)")
    }
    let (rows, others) = (batch.rows, walked.rows)
    for row in start..<rows.count {
      let pod = Int(rows.podOrdinal[row])
      guard rows.cpu[row].bitPattern == others.cpu[row].bitPattern,
        rows.memory[row] == others.memory[row], rows.networkSent[row] == others.networkSent[row],
        rows.networkReceived[row] == others.networkReceived[row],
        rows.presence[row] == others.presence[row], pod == Int(others.podOrdinal[row]),
        batch.podStartMicros(pod) == walked.podStartMicros(pod),
        batch.podID(pod).elementsEqual(walked.podID(pod)),
        batch.podNamespace(pod).elementsEqual(walked.podNamespace(pod)),
        batch.podName(pod).elementsEqual(walked.podName(pod))
      else { throw Broken("row \(row) is another by its layout than by the walk") }
    }
  }
}

/// The decoder of compressed bodies: no more output than allowed, and of what it takes the same
/// bytes in one piece.
struct GzipTarget: FuzzTarget {
  private static let limit = 200_000
  private let decoder: GzipDecoder
  private var report = ReportTarget()
  let inputs: [[UInt8]]
  let words: [[UInt8]] = [[0x1F, 0x8B], [8], [4, 8, 16], [0xFF, 0xFF, 0, 0]]

  init() throws {
    guard let decoder = GzipDecoder() else { throw Broken("no memory for the decoder") }
    self.decoder = decoder
    // Stored blocks only, made here so that no compressor is needed: header, blocks, CRC, length.
    inputs = ReportTarget.samples.map { Self.stored(Array($0.utf8)) } + [Self.packed]
  }

  /// Packed by zlib: the beginning of a report with 5,000 pods.
  private static let packed: [UInt8] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 237, 194, 49, 13, 0, 32, 12, 0, 48, 47, 187, 81, 128, 21, 94,
    126, 72, 56, 151, 121, 159, 4, 12, 180, 105, 198, 61, 251, 197, 92, 89, 67, 85, 85, 85, 85,
    85, 85, 85, 85, 85, 85, 85, 85, 85, 85, 191, 27, 236, 246, 93, 142, 161, 58, 0, 0,
  ]

  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let count = UInt16(truncatingIfNeeded: bytes.count)
    func little(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 1] + little(count) + little(~count) + bytes
      + little(~crc) + little(UInt32(bytes.count))
  }

  mutating func run(_ bytes: [UInt8]) throws {
    var inflated: [UInt8]?
    try withPadding(bytes) { body in
      let capacity = GzipDecoder.claimedByteCount(body, limit: Self.limit)
      let output = ReportBody(capacity: capacity)
      do throws(GzipDecoder.Failure) {
        try decoder.decode(body, into: output, limit: Self.limit)
      } catch {
        return
      }
      guard output.count <= Self.limit else { throw Broken("\(output.count) bytes of output") }
      inflated = Array(output.bytes)
    }
    if let inflated { try report.run(inflated) }
  }
}
