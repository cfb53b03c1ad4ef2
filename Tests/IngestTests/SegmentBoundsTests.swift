import SimulationModels
import Testing

@testable import Ingest

/// A segment of many dates ends early: each date is a file that is open while it is encoded.
@Suite struct SegmentBoundsTests {
  @Test func noMoreDatesThanFilesThatMayBeOpen() throws {
    var settings = Harness.settings()
    settings.maximumOpenObjects = 5
    let disk = ModelDisk()
    let harness = try Harness(
      disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk), settings: settings)
    harness.makeIndexReady()
    for date in 10..<22 {
      let report = TestReport(timestamp: "2026-11-\(date)T10:00:00Z")
      #expect(
        harness.submitAndRun(report, token: UInt64(date)) == .accepted(rows: 1, duplicate: false))
    }
    #expect(harness.counters.segmentsSealed.current == 2)
    harness.flush()
    let segments = Dictionary(grouping: harness.delivery.stored.values) { $0.object.id.segment }
    #expect(segments.values.map(\.count).sorted() == [2, 5, 5])
    #expect(harness.delivery.rowCount == 12 && harness.delivery.faults == [])
  }
}
