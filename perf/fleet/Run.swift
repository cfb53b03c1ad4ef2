import ArgumentParser
import Glibc

/// `fleet run`: the cluster's API, its collectors, or both.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve the Kubernetes API of a simulated cluster and post its collectors' reports.",
    discussion: """
      Without --hours or --start every report carries the time at which it is sent, and each node \
      reports once an interval; --rate changes how often. With them, reports carry simulated times \
      from --start on, as fast as they are taken unless --rate is given, and the run ends with the \
      last interval.

      The seed decides the cluster, the reports' values and the churn; it is printed first. SIGINT \
      and SIGTERM end the run in order, with its summary.

      Latencies count from when a report was due, or with --rate max from when it is sent, to its \
      200, retries included.

      Exit status: 0; 1 if something could not be done, or if the acknowledged rows are not those \
      that --expect-rows or --expect-all ask for; 64 for a wrong option.

      Examples:
        fleet --nodes 50 --pods 1500 --hours 24 --interval 300 \\
          --kubeconfig-out kube.yaml --target http://127.0.0.1:8888
        fleet --nodes 1000 --pods 30000 --rate max --duration 60 --no-api \\
          --target http://127.0.0.1:8888
        fleet --no-post --pods 1000000 --nodes 30000 --kubeconfig-out kube.yaml
      """)

  @OptionGroup(title: "Cluster") var cluster: ClusterOptions
  @OptionGroup(title: "API") var api: APIOptions
  @OptionGroup(title: "Reports") var posting: PostingOptions
  @OptionGroup(title: "Time") var time: TimeOptions
  @OptionGroup(title: "Result") var result: ResultOptions

  func validate() throws {
    if api.noAPI && posting.noPost {
      throw ValidationError("--no-api and --no-post together leave nothing to do")
    }
    if !posting.noPost && posting.target == nil && posting.targetFile == nil {
      throw ValidationError("--target or --target-file is needed, unless --no-post is given")
    }
    if posting.noPost && time.isSimulated {
      throw ValidationError("--hours, --start and --end are about reports; --no-post has none")
    }
  }

  func run() throws {
    Interrupt.install()
    do {
      let driver = try Driver(self)
      guard try driver.run() else { throw ExitCode(1) }
    } catch let code as ExitCode {
      throw code
    } catch {
      Console.note("fleet: \(error)\n")
      throw ExitCode(1)
    }
  }
}

struct ClusterOptions: ParsableArguments {
  @Option(help: "Number of nodes.")
  var nodes = 50

  @Option(help: "Number of pods, all nodes together; it stays the same throughout.")
  var pods = 1500

  @Option(
    help: """
      Pods replaced each interval, as a number or a share such as 0.5%. Each is deleted, and its \
      workload gets another one.
      """)
  var churn = "0.5%"

  @Option(help: "Seed of everything random; a new one is drawn and printed without it.")
  var seed: UInt64?

  @Option(help: "Changes that a watch can resume over; an older version gets 410.")
  var history = FleetLimits.defaultHistory

  func validate() throws {
    guard (1...FleetLimits.maximumNodes).contains(nodes) else {
      throw ValidationError("--nodes: want 1 to \(FleetLimits.maximumNodes)")
    }
    guard (nodes...FleetLimits.maximumPods).contains(pods) else {
      throw ValidationError(
        "--pods: want one a node (\(nodes)) to \(FleetLimits.maximumPods)")
    }
    guard churnCount != nil else {
      throw ValidationError("--churn: want a number from 0 to --pods, or 0% to 100%")
    }
    guard (16...1 << 26).contains(history) else {
      throw ValidationError("--history: want 16 to \(1 << 26)")
    }
  }

  /// Pods replaced each interval; nil: not readable.
  var churnCount: Int? {
    if churn.hasSuffix("%") {
      guard let share = Double(churn.dropLast()), share >= 0, share <= 100 else { return nil }
      return Int((Double(pods) * share / 100).rounded())
    }
    return Int(churn).flatMap { (0...pods).contains($0) ? $0 : nil }
  }
}

struct APIOptions: ParsableArguments {
  @Flag(name: .customLong("no-api"), help: "Serve no API; only post reports.")
  var noAPI = false

  @Option(name: .customLong("api-port"), help: "Port of the API; 0 takes a free one, printed.")
  var port = 0

  @Option(
    name: .customLong("kubeconfig-out"),
    help: "Where to write a kubeconfig for the API, once it listens.")
  var kubeconfig: String?

  func validate() throws {
    guard (0...65535).contains(port) else {
      throw ValidationError("--api-port: want 0 to 65535")
    }
  }
}

struct PostingOptions: ParsableArguments {
  @Flag(name: .customLong("no-post"), help: "Post no reports; only serve the API.")
  var noPost = false

  @Option(help: "Where to post: http://host:port[/path]; the path is /metrics without one.")
  var target: String?

  @Option(
    name: .customLong("target-file"),
    help: "A file with that URL; it is waited for, so the target may be started later.")
  var targetFile: String?

  @Option(
    name: .customLong("wait-ready"),
    help: "Before the first report, wait up to this many seconds until GET /readyz is 200.")
  var waitReady = 0

  @Option(help: "Reports a second, or max: as fast as they are taken.")
  var rate: String?

  @Option(help: "Keep-alive connections, each with one report on its way at a time.")
  var connections = 64

  @Option(help: "Seconds that a report may take; the stock collector waits 5.")
  var timeout = 5.0

  @Flag(
    help: "Send the same bytes again after 503, 500, 429, a timeout or a lost connection.")
  var retry = false

  @Flag(help: "Compress bodies.")
  var gzip = false

  func validate() throws {
    guard (1...FleetLimits.maximumConnections).contains(connections) else {
      throw ValidationError("--connections: want 1 to \(FleetLimits.maximumConnections)")
    }
    guard timeout > 0, timeout <= 3600 else {
      throw ValidationError("--timeout: want more than 0 and at most 3600")
    }
    guard (0...3600).contains(waitReady) else {
      throw ValidationError("--wait-ready: want 0 to 3600")
    }
    if let rate, rate != "max" {
      guard let number = Double(rate), number > 0, number.isFinite else {
        throw ValidationError("--rate: want a number above 0, or max")
      }
    }
  }
}

struct TimeOptions: ParsableArguments {
  @Option(help: "Seconds between two reports of a node.")
  var interval = 30.0

  @Option(help: "Simulated hours to report; they end at --end, or begin at --start.")
  var hours: Double?

  @Option(help: "First simulated time, as 2026-11-24T10:00:00 in UTC.")
  var start: String?

  @Option(help: "Last simulated time, exclusive; now without it.")
  var end: String?

  @Option(help: "End after this many seconds.")
  var duration: Double?

  @Option(
    name: .customLong("warm-up"),
    help: "Latencies of the first so many seconds do not count: connections open, memory comes.")
  var warmUp = 0.0

  @Option(help: "End after this many reports.")
  var reports: Int?

  var isSimulated: Bool {
    hours != nil || start != nil || end != nil
  }

  func validate() throws {
    guard interval >= 0.001, interval <= 86_400 else {
      throw ValidationError("--interval: want 0.001 to 86400")
    }
    if let hours, !(hours > 0 && hours <= 24 * 366) {
      throw ValidationError("--hours: want more than 0 and at most 8784")
    }
    for text in [start, end].compactMap({ $0 }) where CalendarTime.parse(text) == nil {
      throw ValidationError("\(text): want a time such as 2026-11-24T10:00:00, in UTC, or now")
    }
    if start != nil && end != nil && hours != nil {
      throw ValidationError("--start, --end and --hours: give two of them")
    }
    if isSimulated {
      guard let range = range(nowMicros: CalendarTime.nowMicros()), range.start < range.end else {
        throw ValidationError("--start must be before --end; --end alone needs --hours")
      }
    }
    if let duration, !(duration > 0 && duration <= 1e7) {
      throw ValidationError("--duration: want more than 0")
    }
    guard warmUp >= 0, warmUp <= 3600 else {
      throw ValidationError("--warm-up: want 0 to 3600")
    }
    if let reports, reports < 1 {
      throw ValidationError("--reports: want at least 1")
    }
  }

  /// The simulated times; nil: what is given does not say.
  func range(nowMicros: Int64) -> (start: Int64, end: Int64)? {
    let span = hours.map { Int64($0 * 3600 * 1e6) }
    let first = start.flatMap(CalendarTime.parse)
    let last = end.flatMap(CalendarTime.parse)
    switch (first, last, span) {
    case (let first?, let last?, _): return (first, last)
    case (let first?, nil, let span?): return (first, first + span)
    case (let first?, nil, nil): return (first, nowMicros)
    case (nil, let last, let span?): return ((last ?? nowMicros) - span, last ?? nowMicros)
    case (nil, _, nil): return nil
    }
  }
}

struct ResultOptions: ParsableArguments {
  @Option(help: "Where to write the JSON summary; stdout without it.")
  var summary: String?

  @Option(help: "A file with a line node,timestamp,rows for each acknowledged report.")
  var ledger: String?

  @Option(
    name: .customLong("expect-rows"),
    help: "Fail unless exactly this many rows were acknowledged.")
  var expectRows: Int?

  @Flag(
    name: .customLong("expect-all"), help: "Fail unless every report sent was acknowledged.")
  var expectAll = false

  @Flag(help: "No progress.")
  var quiet = false
}
