import Columnar

@testable import Ingest

/// What the decoding tests share: bodies with padding that must not matter, and rows as values.
enum DecodeSupport {
  /// Runs `action` on the body's bytes with 64 bytes of `padding` behind them.
  static func withBody<R>(
    _ body: [UInt8], padding: UInt8 = UInt8(ascii: "}"),
    _ action: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    let padded = body + [UInt8](repeating: padding, count: ReportBody.paddingByteCount)
    return try padded.withUnsafeBytes {
      try action(UnsafeRawBufferPointer(rebasing: $0[..<body.count]))
    }
  }

  static func check(_ body: [UInt8], _ decoder: ReportDecoder) -> Result<DecodedReport, DecodeError>
  {
    withBody(body) { bytes in
      Result { () throws(DecodeError) in try decoder.check(bytes) }
    }
  }

  static func decode(
    _ body: [UInt8], _ decoder: ReportDecoder, into batch: ReportBatch
  ) -> Result<DecodedReport, DecodeError> {
    withBody(body) { bytes in
      Result { () throws(DecodeError) in try decoder.decode(bytes, into: batch) }
    }
  }

  /// A report that holds, with `pod` as its only pod and `extra` members before the others.
  static func report(pods: String, extra: String = "") -> [UInt8] {
    Array(
      """
      {\(extra)"timestamp":"2026-11-24T13:55:00.123456+00:00","node_name":"node-1",\
      "hostname":"host-1","pods":[\(pods)]}
      """.utf8)
  }

  static func pod(_ extra: String = "", id: String = "1b671a64-40d5-491e-99b0-da01ff1f3341")
    -> String
  {
    #"{"pod_id":"\#(id)","namespace":"default","name":"web-0"\#(extra)}"#
  }
}

/// A row, read back from a batch.
struct DecodedRow: Equatable {
  var podID: String
  var namespace: String
  var name: String
  var startMicros: Int64?
  var cpu: Double?
  var memory: Int64?
  var networkSent: Int64?
  var networkReceived: Int64?
  var timestamp: String
  var collectedMicros: Int64?
  var day: Int32
  var node: String
  var instanceID: String?

  init(_ batch: ReportBatch, row: Int) {
    let rows = batch.rows
    let pod = Int(rows.podOrdinal[row])
    let report = Int(rows.reportOrdinal[row])
    func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
    func value<V>(_ column: UnsafeMutablePointer<V>, _ bit: UInt8) -> V? {
      rows.presence[row] & bit == 0 ? nil : column[row]
    }
    podID = text(batch.podID(pod))
    namespace = text(batch.podNamespace(pod))
    name = text(batch.podName(pod))
    startMicros = batch.podStartMicros(pod)
    cpu = value(rows.cpu, RowBatch.Presence.cpu)
    memory = value(rows.memory, RowBatch.Presence.memory)
    networkSent = value(rows.networkSent, RowBatch.Presence.networkSent)
    networkReceived = value(rows.networkReceived, RowBatch.Presence.networkReceived)
    timestamp = text(batch.reportTimestamp(report))
    collectedMicros = batch.reportCollectedAtMicros(report)
    day = batch.reportDay(report)
    node = text(batch.nodeName(batch.reportNode(report)))
    instanceID = batch.reportInstanceID(report).map(text)
  }
}
