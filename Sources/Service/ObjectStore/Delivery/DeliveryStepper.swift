import Ingest
import KubeIndex

/// The delivery to a bucket without threads: whoever holds it decides when a job begins, when it is
/// carried out, and when its answer arrives. What a job does is the code of `Delivery`'s threads.
///
/// One thread; a job that is being carried out may call back into the inputs.
///
/// `@unchecked Sendable`: the protocol of its inputs asks for it; it has one owner at a time.
package final class DeliveryStepper: ObjectDelivery, @unchecked Sendable {
  /// What a run fixes. Sizes are bytes.
  package struct Settings: Sendable {
    package var bucket: String
    package var endpoint: String
    /// For the places that credentials come from.
    package var environment: [String: String]
    package var partByteCount: Int
    /// A smaller object goes in one request.
    package var minimumMultipartByteCount: Int

    package init(
      bucket: String, endpoint: String, environment: [String: String], partByteCount: Int,
      minimumMultipartByteCount: Int
    ) {
      self.bucket = bucket
      self.endpoint = endpoint
      self.environment = environment
      self.partByteCount = partByteCount
      self.minimumMultipartByteCount = minimumMultipartByteCount
    }
  }

  /// A job that has begun.
  package struct Job {
    fileprivate let ticket: DeliveryCore.Ticket
    fileprivate var outcome: DeliveryCore.Outcome?
  }

  package enum Next {
    case job(Job)
    /// Nothing can begin before that uptime (nil: ever), an answer or an input.
    case wait(until: Duration?)
  }

  private let runner: DeliveryRunner
  private let clock: any StoreClock
  private let counters = DeliveryCounters()
  private let events: @Sendable (_ line: String, _ isDamage: Bool) -> Void
  private var core: DeliveryCore

  /// nil: the endpoint is no URL. `events` gets the log's lines, and whether they tell of damage in
  /// DATA_DIR.
  package init?(
    settings: Settings, disk: any Disk, transport: any StoreTransport, clock: any StoreClock,
    random: @escaping @Sendable () -> Double,
    events: @escaping @Sendable (_ line: String, _ isDamage: Bool) -> Void
  ) {
    let region = "us-east-1"
    guard
      let address = S3Address(
        bucket: settings.bucket, region: region, endpoint: settings.endpoint)
    else { return nil }
    let sink: StoreEventSink = { events($0.message, false) }
    let credentials = CredentialSettings(
      environment: settings.environment, region: region, tls: TLSTrust(),
      send: { (request) throws(TransportError) in
        try transport.send(
          request, maximumBodyByteCount: ServiceLimits.maximumSmallFileByteCount)
      })
    let exchange = S3Exchange(
      address: address,
      credentials: CredentialChain(
        providers: credentials.providers, clock: clock, events: sink),
      tls: TLSTrust(), connection: transport, clock: clock, events: sink, counters: counters,
      random: random)
    let store = S3Store(
      bucket: settings.bucket, prefix: "", exchange: exchange, connection: transport, clock: clock)
    runner = DeliveryRunner(
      store: store, disk: disk, directory: nil,
      checkLine: { "S3 check: result=\($0?.message ?? "ok")" }, events: sink)
    self.clock = clock
    self.events = events
    core = DeliveryCore(
      settings: MultipartMachine.Settings(
        partByteCount: settings.partByteCount,
        minimumMultipartByteCount: settings.minimumMultipartByteCount,
        maximumPartsInFlight: ServiceLimits.deliveryThreads, takesParts: true),
      store: store.description, random: random)
  }

  // MARK: Jobs

  package func next() -> Next {
    switch core.next(now: clock.uptime) {
    case .run(let ticket): .job(Job(ticket: ticket))
    case .wait(let until): .wait(until: until)
    }
  }

  /// Carries the job out.
  package func run(_ job: inout Job) { job.outcome = runner.run(job.ticket.work) }

  /// The job's answer arrives.
  package func finish(_ job: Job) {
    guard let outcome = job.outcome else { return }
    let news = core.finish(
      job.ticket, outcome, now: clock.uptime, wallSeconds: clock.wallSeconds, counters: counters)
    for event in news {
      let isDamage = if case .objectDamaged = event { true } else { false }
      events(event.message, isDamage)
    }
  }

  /// Segments of which everything is stored and removed, each named once.
  package func takeDelivered() -> [UInt64] { core.takeDelivered() }

  /// Whether nothing sealed waits, but for quarantined objects.
  package var isDrained: Bool { core.isDrained }

  // MARK: ObjectDelivery

  package func objectOpened(_ id: ObjectID, key: String, fileName: String) {
    core.opened(id, key: key, fileName: fileName)
  }

  package func objectGrew(_ id: ObjectID, byteCount: Int) { core.grew(id, byteCount: byteCount) }

  package func segmentSealed(_ segment: UInt64, objects: [SealedObject], recovered: Bool) {
    core.sealed(segment, objects: objects, recovered: recovered, now: clock.uptime)
  }

  package func segmentAbandoned(_ segment: UInt64) { core.abandoned(segment) }
}
