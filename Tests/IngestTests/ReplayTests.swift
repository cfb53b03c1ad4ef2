import SimulationModels
import Testing

@testable import Ingest

/// A log that is replayed is read ahead: within bounds, and without holding the writer up.
@Suite struct ReplayTests {
  let writer = WriterID(high: 1, low: 2)

  private func makeLog(_ sizes: [Int], segment: UInt64 = 1, on disk: ModelDisk) throws -> Int {
    let log = try LogWriter(
      disk: disk,
      header: LogHeader(writer: writer, segment: segment, cut: nil, createdSeconds: 1))
    for (number, size) in sizes.enumerated() {
      let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
      try payload.withUnsafeBytes { bytes in
        try log.append([
          LogWriter.Entry(payload: bytes, retryID: RetryID(low: 1, high: 1), nodeID: 1)
        ])
      }
    }
    try log.sync()
    return log.end
  }

  private func makeReader(_ disk: ModelDisk, _ queue: ReplayQueue) -> ReplayReader {
    ReplayReader(disk: disk, writer: writer, queue: queue, notify: {})
  }

  @Test func pagesHoldEveryReportInOrderAndNoMoreThanTwoWait() throws {
    let disk = ModelDisk()
    let page = IngestLimits.replayPageByteCount
    // Small ones, one that fills a page alone and more, the largest that fits, and small ones.
    let sizes =
      [100, 200] + [page * 2 + 5, page - ReportBody.paddingByteCount] + [1, 2, 3]
      + [Int](repeating: 700_000, count: 20)
    let limit = try makeLog(sizes, on: disk)
    let queue = ReplayQueue()
    let reader = makeReader(disk, queue)
    queue.begin(ReplayQueue.Order(encoding: 1, segment: 1, limit: limit))
    var found: [Int] = []
    var isAtEnd = false
    while !isAtEnd {
      var steps = 0
      while reader.step() { steps += 1 }
      #expect(steps <= IngestLimits.replayPagesAhead)
      let taken = try #require(queue.take())
      for case .report(_, let range) in taken.items {
        let bytes = taken.bytes(range)
        #expect(bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: found.count) })
        let padding = taken.bytes(range.upperBound..<range.upperBound + ReportBody.paddingByteCount)
        #expect(padding.allSatisfy { $0 == 0 }, "readable and not another report's")
        found.append(bytes.count)
      }
      if case .end = taken.ending { isAtEnd = true }
      queue.recycle(taken)
    }
    #expect(found == sizes)
    #expect(!reader.step(), "nothing is read behind the end")
  }

  @Test func whatWasReadOfALogThatIsNoLongerWantedIsDropped() throws {
    let disk = ModelDisk()
    let first = try makeLog([10], on: disk)
    let second = try makeLog([20, 30], segment: 2, on: disk)
    let queue = ReplayQueue()
    let reader = makeReader(disk, queue)
    queue.begin(ReplayQueue.Order(encoding: 1, segment: 1, limit: first))
    #expect(reader.step())
    queue.end()
    #expect(queue.take() == nil)
    queue.begin(ReplayQueue.Order(encoding: 2, segment: 2, limit: second))
    while reader.step() {}
    #expect(queue.take()?.items.count == 2)
  }

  @Test func theWriterAnswersWhileTheDiskDoesNot() throws {
    let harness = try Harness(
      disk: ModelDisk(), time: ManualTime(), delivery: StoringDelivery(disk: ModelDisk()))
    _ = harness.submitAndRun(TestReport(podCount: 3), token: 1)
    harness.core.inbox.send(Harness.indexReady)
    // Everything but the reader goes on.
    func run() {
      var isBusy = true
      while isBusy {
        isBusy = harness.steps.writer.step() == .zero
        if harness.steps.log.step() == .zero { isBusy = true }
        if harness.steps.encoder.step() { isBusy = true }
      }
    }
    run()
    #expect(harness.counters.backlogSegments.current == 1)
    harness.submit(TestReport(node: "b", podCount: 2), token: 2)
    run()
    #expect(harness.sink.outcome(2) == .accepted(rows: 2, duplicate: false))
    #expect(harness.counters.rowsSealed.current == 0)
    harness.run()
    #expect(harness.counters.rowsSealed.current == 3)
  }

  @Test func aReadThatFailsComesAgain() throws {
    let disk = ModelDisk()
    let harness = try Harness(disk: disk, time: ManualTime(), delivery: StoringDelivery(disk: disk))
    _ = harness.submitAndRun(TestReport(podCount: 3), token: 1)
    harness.time.advance(.milliseconds(200))
    harness.run()
    harness.core.inbox.send(Harness.indexReady)
    while harness.steps.writer.step() == .zero || harness.steps.log.step() == .zero {}
    disk.setUnreadable(0..<1_000, of: FileName.log(1).text)
    harness.run()
    #expect(harness.delivery.rowCount == 0)
    disk.setUnreadable(nil, of: FileName.log(1).text)
    harness.time.advance(IngestLimits.encodeRetryDelay)
    harness.run()
    #expect(harness.delivery.rowCount == 3 && harness.delivery.faults == [])
  }
}
