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

  /// The header says how far a failed file counts. Torn off by a power cut in the first write of
  /// frames, it would let a report that got 503 and came again count in both files.
  @Test(arguments: 1...32 as ClosedRange<UInt64>)
  func aCutIsDurableBeforeAnyFrame(seed: UInt64) throws {
    let disk = ModelDisk()
    let writer = WriterID(high: 1, low: 2)
    let header = LogHeader(
      writer: writer, segment: 2, cut: LogHeader.Cut(segment: 1, goodUpTo: 640),
      createdSeconds: 0)
    let log = try LogWriter(disk: disk, header: header)
    let body = TestReport().body
    try log.append(
      CollectionOfOne(
        LogWriter.Entry(payload: body.bytes, retryID: RetryID(low: 1, high: 0), nodeID: 1)))
    var random = SeededRandom(seed: seed)
    disk.restart(random: &random)
    let bytes = try #require(disk.bytes(of: FileName.log(2).text))
    #expect(bytes.prefix(LogHeader.byteCount) == header.encoded()[...])
  }

  /// A log is measured once more when it is closed; the encoder may have removed it by then.
  @Test func whatWasRemovedIsNotCountedAgain() throws {
    let disk = ModelDisk()
    disk.setBytes([UInt8](repeating: 1, count: 4_096), of: "1.log")
    let counters = IngestCounters()
    let spool = Spool(limit: 1 << 30, gate: IntakeGate(), counters: counters) { _ in }
    spool.measure("1.log", on: disk)
    #expect(spool.byteCount == 4_096)
    spool.remove("1.log")
    spool.measure("1.log", on: disk, onlyIfKnown: true)
    #expect(spool.byteCount == 0)
  }
}
