import CShims
import Columnar

/// What a good report turned out to be.
package struct DecodedReport: Sendable, Equatable {
  /// Pods of the report, and rows it has.
  package var rowCount: Int
  /// The report's ordinal in the batch. When `rowCount` is 0, or the report was only checked, it is
  /// not in the batch and this is the ordinal of the next that will be.
  package var reportOrdinal: Int
  package var retryID: RetryID
  /// XXH3-64 of node_name.
  package var nodeID: UInt64
  /// Days since 1970-01-01 of the timestamp in UTC.
  package var day: Int32
}

/// Turns report bodies into rows: RFC 8259 and the schema (`ReportSchema.json`) to the letter.
///
/// Allocates nothing for a report of usual size. Not thread-safe: one owner at a time.
package final class ReportDecoder {
  private let decoder: OpaquePointer
  private let writerSeed: UInt64
  /// Pods of the report being decoded, before they have ordinals.
  private let staged: UnsafeMutablePointer<cshims_report_pod>
  private let stagedCapacity: Int
  private let stagingMemory: MappedMemory

  /// `writerSeed` goes into retry and node ids, so it must be the same for one writer's lifetime.
  package convenience init(writerSeed: UInt64) {
    guard let decoder = cshims_report_decoder_create(nil) else {
      preconditionFailure("no memory for a report decoder")
    }
    self.init(decoder, writerSeed: writerSeed)
  }

  /// A decoder pinned to one of `implementations`; nil when this processor has no such.
  package convenience init?(writerSeed: UInt64, implementation: String) {
    guard let decoder = cshims_report_decoder_create(implementation) else { return nil }
    self.init(decoder, writerSeed: writerSeed)
  }

  /// Bodies read by the layout of one before, instead of the walk over their tokens.
  package var layoutCount: UInt64 { cshims_report_decoder_layout_count(decoder) }

  /// Takes all bodies by the walk from now on: the same verdicts and rows, for comparison.
  package func walkOnly() { cshims_report_decoder_walk_only(decoder) }

  private init(_ decoder: OpaquePointer, writerSeed: UInt64) {
    self.decoder = decoder
    self.writerSeed = writerSeed
    stagedCapacity = IngestLimits.batchRowCapacity
    stagingMemory = MappedMemory(
      byteCount: stagedCapacity * MemoryLayout<cshims_report_pod>.stride)
    staged = stagingMemory.base.bindMemory(to: cshims_report_pod.self, capacity: stagedCapacity)
  }

  deinit { cshims_report_decoder_destroy(decoder) }

  /// Instruction sets that this processor has a decoder for, the best last.
  package static var implementations: [String] {
    var names: [String] = []
    while let name = cshims_report_implementation(names.count) {
      names.append(String(cString: name))
    }
    return names
  }

  /// Appends the report's rows to `batch`, or throws and leaves it as it was. 64 bytes behind
  /// `body` must be readable. Throws `.batchFull`, which is not the body's fault, when the rows do
  /// not fit.
  package func decode(
    _ body: UnsafeRawBufferPointer, into batch: ReportBatch
  ) throws(DecodeError) -> DecodedReport {
    let rows = batch.rows
    let cursor = rows.count
    let room = min(rows.availableRowCount, stagedCapacity)
    let columns = cshims_report_rows(
      cpu: rows.cpu + cursor, memory: rows.memory + cursor,
      network_sent: rows.networkSent + cursor, network_received: rows.networkReceived + cursor,
      presence: rows.presence + cursor, pods: staged, capacity: room)
    let result = try walk(body, columns)
    let rowCount = result.pod_count
    guard rowCount <= room, batch.hasArenaRoom(rowCount: rowCount, bodyByteCount: body.count) else {
      throw DecodeError(.batchFull)
    }
    let report = describe(result, ordinal: batch.reportCount)
    if rowCount > 0 {
      batch.append(
        result, pods: UnsafeBufferPointer(start: staged, count: rowCount), nodeID: report.nodeID)
    }
    if rowCount > IngestLimits.keptStagedPodCount { stagingMemory.release() }
    return report
  }

  /// Checks every rule and makes no rows. 64 bytes behind `body` must be readable.
  package func check(_ body: UnsafeRawBufferPointer) throws(DecodeError) -> DecodedReport {
    describe(try walk(body, cshims_report_rows()), ordinal: 0)
  }

  /// The node_name and timestamp of a good report, as spelled. 64 bytes behind `body` must be
  /// readable.
  package func names(
    _ body: UnsafeRawBufferPointer
  ) throws(DecodeError) -> (node: String, timestamp: String) {
    let result = try walk(body, cshims_report_rows())
    return (
      String(decoding: result.node_name.buffer, as: UTF8.self),
      String(decoding: result.timestamp.buffer, as: UTF8.self)
    )
  }

  /// Gives back what unusual bodies made the decoder hold.
  package func releaseMemory() {
    stagingMemory.release()
    cshims_report_decoder_release(decoder)
  }

  private func walk(
    _ body: UnsafeRawBufferPointer, _ rows: cshims_report_rows
  ) throws(DecodeError) -> cshims_report_result {
    guard let base = body.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
      throw DecodeError(.empty)
    }
    guard body.count <= IngestLimits.maximumPayloadByteCount else {
      throw DecodeError(.bodyTooLarge)
    }
    var result = cshims_report_result()
    var rows = rows
    let reason = cshims_report_decode(decoder, base, body.count, &rows, &result)
    guard reason == CSHIMS_REPORT_OK else { throw DecodeError(result, body) }
    return result
  }

  private func describe(_ result: cshims_report_result, ordinal: Int) -> DecodedReport {
    let (node, timestamp) = (result.node_name.buffer, result.timestamp.buffer)
    return DecodedReport(
      rowCount: result.pod_count, reportOrdinal: ordinal,
      retryID: retryID(node: node, timestamp: timestamp),
      nodeID: cshims_xxh3_64(node.baseAddress, node.count, writerSeed), day: result.day)
  }

  /// The name's length goes first, so that no two pairs run together to the same bytes.
  private func retryID(
    node: UnsafeRawBufferPointer, timestamp: UnsafeRawBufferPointer
  ) -> RetryID {
    let prefix = MemoryLayout<UInt64>.size
    return withUnsafeTemporaryAllocation(
      byteCount: prefix + node.count + timestamp.count, alignment: 8
    ) { joined in
      joined.storeBytes(of: UInt64(node.count).littleEndian, as: UInt64.self)
      UnsafeMutableRawBufferPointer(rebasing: joined[prefix...]).copyMemory(from: node)
      UnsafeMutableRawBufferPointer(rebasing: joined[(prefix + node.count)...])
        .copyMemory(from: timestamp)
      let hash = cshims_xxh3_128(joined.baseAddress, joined.count, writerSeed)
      return RetryID(low: hash.low, high: hash.high)
    }
  }
}
