import Foundation
import Ingest
import KubeIndex
import Synchronization

/// Runs the reflectors against an API server and answers commands on stdin, a line each, with a
/// line of JSON on stdout, so that the index can be tested without the service.
///
///     kube-check --server URL [--ca FILE] [--token TEXT | --token-file FILE]
///                [--client-certificate FILE --client-key FILE] [--debug]
///
///     dump            the whole index
///     status          readiness, reasons and counters only
///     lookup UID      the UID of the pod that the index finds by this one, or null
///     advance SECONDS lets the index's clock run ahead, and forgets what is then too old
///     quit            (or the end of stdin)
///
/// Events go to stderr, a line each.
@main
struct KubeCheck {
  static func main() throws {
    let arguments = Arguments(CommandLine.arguments.dropFirst())
    guard let server = arguments["--server"] else {
      FileHandle.standardError.write(Data("kube-check: --server is missing\n".utf8))
      exit(64)
    }
    var tls = TLSTrust()
    tls.clientCertificatePEM = try arguments.contents("--client-certificate")
    tls.clientKeyPEM = try arguments.contents("--client-key")
    var credentials = APIServerEndpoint.Credentials.none
    if let token = arguments["--token"] { credentials = .token(token) }
    if let path = arguments["--token-file"] { credentials = .tokenFile(path) }
    let endpoint = APIServerEndpoint(
      baseURL: server, tls: tls, rootsFile: arguments["--ca"], credentials: credentials)
    let counters = KubeCounters()
    let mailbox = Mailbox()
    let reflectors = try Reflectors(
      endpoint: endpoint, mailbox: mailbox, counters: counters, isDebug: arguments.has("--debug")
    ) { event in
      FileHandle.standardError.write(Data("\(EventLine(event))\n".utf8))
    }
    let thread = WorkerThread(name: "reflectors") { reflectors.run() }
    serve(reflectors: reflectors, mailbox: mailbox, counters: counters)
    reflectors.stop()
    // Returning runs exit handlers, among them OpenSSL's, under whatever still handshakes.
    guard thread.join(within: 10) else {
      FileHandle.standardError.write(Data("kube-check: the reflectors do not stop\n".utf8))
      _exit(70)
    }
  }

  static func serve(reflectors: Reflectors, mailbox: Mailbox, counters: KubeCounters) {
    let index = ClusterIndex(counters: counters)
    let start = ContinuousClock.now
    var advanced: Int64 = 0
    while let line = readLine() {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      if let word = words.last, words.first == "advance" { advanced += Int64(word) ?? 0 }
      let now = (ContinuousClock.now - start).components.seconds + advanced
      for change in mailbox.take() { index.apply(change, nowSeconds: now) }
      index.expire(nowSeconds: now, oldestRowSeconds: nil)
      var answer: [String: Any] = [
        "ready": index.isReady, "tombstones": index.tombstoneCount,
        "watchers": Dump.watchers(reflectors.statuses, counters),
      ]
      switch words.first {
      case "dump": answer.merge(Dump.objects(of: index)) { _, new in new }
      case "lookup":
        let id = Array((words.count > 1 ? words[1] : "").utf8)
        let pod = id.withUnsafeBytes { index.pod(id: $0) }
        if let pod { answer["pod"] = pod.uid.string } else { answer["pod"] = NSNull() }
      case "quit": return
      default: break
      }
      guard let data = try? JSONSerialization.data(withJSONObject: answer, options: .sortedKeys)
      else { continue }
      FileHandle.standardOutput.write(data + Data("\n".utf8))
    }
  }
}

/// Changes wait here until a command comes.
final class Mailbox: IndexMailbox {
  private let changes = Mutex<[IndexChange]>([])

  func send(_ changes: [IndexChange]) { self.changes.withLock { $0 += changes } }

  func take() -> [IndexChange] {
    changes.withLock { changes in
      defer { changes = [] }
      return changes
    }
  }
}

/// `--name value` and `--flag`.
struct Arguments {
  private let words: [String]

  init(_ words: some Sequence<String>) { self.words = Array(words) }

  subscript(name: String) -> String? {
    guard let at = words.firstIndex(of: name), at + 1 < words.count else { return nil }
    return words[at + 1]
  }

  func has(_ name: String) -> Bool { words.contains(name) }

  func contents(_ name: String) throws -> [UInt8]? {
    try self[name].map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: $0))) }
  }
}
