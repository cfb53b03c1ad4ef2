import Columnar
import Testing

@testable import Ingest

/// Protects: a good report's values reach the row columns and tables exactly, whatever the order of
/// its members and however they are spelled.
struct ReportDecoderTests {
  let decoder = ReportDecoder(writerSeed: 7)
  let batch = ReportBatch(rowCapacity: 1024)

  private func rows(_ body: [UInt8]) throws -> [DecodedRow] {
    let report = try DecodeSupport.decode(body, decoder, into: batch).get()
    batch.checkInvariants()
    return (batch.rows.count - report.rowCount..<batch.rows.count).map {
      DecodedRow(batch, row: $0)
    }
  }

  @Test func usualReport() throws {
    let body = """
      {"timestamp": "2026-11-24T13:55:00.123456+00:00", "node_name": "worker-1", \
      "hostname": "worker-1", "ec2_instance_id": "i-0abc", "pods": [{"pod_id": \
      "1b671a64-40d5-491e-99b0-da01ff1f3341", "namespace": "default", "name": "my-app", \
      "cpu_usage_cores": 0.123456789, "memory_usage_bytes": 1073741824, "net_tx_bytes": 1024, \
      "net_rx_bytes": 9223372036854775807, "pod_start_time": "2024-01-01T00:00:00Z"}]}
      """
    let row = try #require(try rows(Array(body.utf8)).first)
    #expect(row.podID == "1b671a64-40d5-491e-99b0-da01ff1f3341")
    #expect(row.namespace == "default")
    #expect(row.name == "my-app")
    #expect(row.startMicros == 1_704_067_200_000_000)
    #expect(row.cpu == 0.123456789)
    #expect(row.memory == 1_073_741_824)
    #expect(row.networkSent == 1024)
    #expect(row.networkReceived == .max)
    #expect(row.timestamp == "2026-11-24T13:55:00.123456+00:00")
    #expect(row.collectedMicros == 1_795_528_500_123_456)
    #expect(row.day == 20781)
    #expect(row.node == "worker-1")
    #expect(row.instanceID == "i-0abc")
  }

  @Test func nullAndAbsentAreTheSame() throws {
    let nulls =
      #","cpu_usage_cores":null,"memory_usage_bytes":null,"net_tx_bytes":null,"#
      + #""net_rx_bytes":null,"pod_start_time":null"#
    let pods = DecodeSupport.pod(nulls) + "," + DecodeSupport.pod()
    let found = try rows(DecodeSupport.report(pods: pods, extra: #""ec2_instance_id":null,"#))
    #expect(found.count == 2)
    #expect(found[0] == found[1])
    #expect(found[0].cpu == nil && found[0].memory == nil && found[0].networkSent == nil)
    #expect(found[0].networkReceived == nil && found[0].startMicros == nil)
    #expect(found[0].instanceID == nil)
    #expect(batch.podCount == 1)
  }

  @Test func lastDuplicateWins() throws {
    let pod = DecodeSupport.pod(
      #","memory_usage_bytes":"x","memory_usage_bytes":5,"cpu_usage_cores":3,"#
        + #""cpu_usage_cores":null,"n\u0061me":"renamed""#)
    let extra = #""pods":[{"bad":1},7],"node_name":[1],"timestamp":{},"#
    let found = try rows(DecodeSupport.report(pods: pod, extra: extra))
    #expect(found.count == 1)
    #expect(found[0].memory == 5 && found[0].cpu == nil && found[0].name == "renamed")
  }

  @Test func escapesAreUndone() throws {
    let pod =
      #"{"\u0070od_id":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z","namespace":"n\u00e9","#
      + #""name":"\u4e2d"}"#
    let found = try rows(DecodeSupport.report(pods: pod))
    #expect(found[0].podID == "a\"\\/\u{8}\u{c}\n\r\té😀z")
    #expect(found[0].namespace == "né" && found[0].name == "中")
  }

  @Test func noPods() throws {
    let mark = batch.mark()
    let report = try DecodeSupport.decode(DecodeSupport.report(pods: ""), decoder, into: batch)
      .get()
    #expect(report.rowCount == 0)
    #expect(batch.mark() == mark)
  }

  @Test func rowsThatDoNotFitLeaveTheBatchAlone() throws {
    let small = ReportBatch(rowCapacity: 3)
    let two = DecodeSupport.report(pods: DecodeSupport.pod() + "," + DecodeSupport.pod())
    #expect(throws: Never.self) { try DecodeSupport.decode(two, decoder, into: small).get() }
    let mark = small.mark()
    #expect(throws: DecodeError(.batchFull)) {
      try DecodeSupport.decode(two, decoder, into: small).get()
    }
    #expect(small.mark() == mark && !small.hasRoom(forRows: 2) && small.hasRoom(forRows: 1))
    small.checkInvariants()
  }

  @Test func retryIDsTellReportsApart() throws {
    func id(_ node: String, _ time: String) throws -> RetryID {
      let body = #"{"timestamp":"\#(time)","node_name":"\#(node)","hostname":"h","pods":[]}"#
      return try DecodeSupport.check(Array(body.utf8), decoder).get().retryID
    }
    let base = try id("n1", "2026-01-01T00:00:00Z")
    #expect(try id("n1", "2026-01-01T00:00:00Z") == base)
    #expect(try id(#"\u006e1"#, "2026-01-01T00:00:00Z") == base)
    #expect(try id("n1", "2026-01-01T00:00:00z") != base)
    #expect(try id("n2", "2026-01-01T00:00:00Z") != base)
  }
}
