import SimulationModels
import Synchronization
import Testing

@testable import Ingest

/// Room in the log's queue is never given back behind the writer's back: it may sleep for it.
@Suite struct LogCommitterTests {
  @Test(arguments: [false, true])
  func roomIsThereWhenTheWriterIsTold(isFailing: Bool) {
    let disk = ModelDisk()
    let counters = IngestCounters()
    let gate = IntakeGate()
    let queue = LogQueue()
    let outstanding = Mutex<[Int]>([])
    let committer = LogCommitter(
      disk: disk, writer: WriterID(high: 1, low: 2), queue: queue,
      ledger: ReplyLedger(counters: counters), gate: gate,
      spool: Spool(limit: 1 << 30, gate: gate, counters: counters) { _ in }, time: ManualTime(),
      counters: counters, events: { _ in }
    ) { _ in outstanding.withLock { $0.append(queue.outstandingByteCount) } }
    if isFailing { disk.plan([1: .error(5)]) }
    // The second one meets a segment that was given up.
    for ticket in 1...2 as ClosedRange<UInt64> {
      queue.add(
        .frame(
          LogQueue.Frame(
            ticket: ticket, segment: 1, body: TestReport().body,
            retryID: RetryID(low: ticket, high: 0), nodeID: 1)))
      #expect(queue.outstandingByteCount > 0)
      _ = committer.step()
      #expect(outstanding.withLock { $0.last } == 0)
      outstanding.withLock { $0 = [] }
    }
  }
}
