import Ingest
import SimulationModels

/// The collectors: they post reports, each with a name and a time of its own, and some of them post
/// again what was not answered, was refused for now, or even was acknowledged.
struct Collectors {
  private(set) var ledger = Ledger()
  private(set) var tally = Tally()
  private let scenario: Scenario
  private var nextToken: UInt64 = 1
  /// Posts that wait for their answer, by token.
  private var waiting: [UInt64: Int] = [:]
  /// What will be posted again, and when.
  private var again: [(due: Duration, number: Int)] = []
  private var nextPost: Duration = .zero
  private(set) var problems: [String] = []

  init(scenario: Scenario) { self.scenario = scenario }

  var hasPostedAll: Bool {
    ledger.reports.count >= scenario.reportCount && again.isEmpty && waiting.isEmpty
  }

  mutating func change(_ body: (inout Ledger) -> Void) { body(&ledger) }

  // MARK: Posting

  /// Posts what is due. `submit`: false when the service does not take it now.
  mutating func post(
    now: Duration, isMoreWanted: Bool, _ random: inout SeededRandom,
    submit: (ReportBody, UInt64) -> Bool
  ) {
    if let place = again.firstIndex(where: { $0.due <= now }) {
      let number = again.remove(at: place).number
      if !post(number, submit) { again.append((now + .seconds(2), number)) }
      return
    }
    let isEnough = ledger.reports.count >= scenario.reportCount
    guard now >= nextPost,
      isMoreWanted || !isEnough || ledger.acknowledgedCount < scenario.bounds.acknowledged
    else { return }
    // Some come in a burst.
    let isLastOfBurst = Int.random(in: 0..<3, using: &random) == 0
    let pause = isLastOfBurst ? Int.random(in: 200...2_500, using: &random) : 0
    nextPost = now + .milliseconds(isEnough ? 8_000 : pause)
    let number = ledger.make(
      node: "node-\(ledger.reports.count % scenario.nodeCount)",
      day: Int.random(in: scenario.days, using: &random),
      podCount: Int.random(in: 1...3, using: &random))
    guard post(number, submit) else {
      again.append((now + .seconds(2), number))
      return
    }
    if Int.random(in: 0..<40, using: &random) == 0 {
      tally.add(ClientFault.postsTwice.rawValue)
      _ = post(number, submit)
    }
  }

  private mutating func post(_ number: Int, _ submit: (ReportBody, UInt64) -> Bool) -> Bool {
    let token = nextToken
    nextToken += 1
    guard submit(ledger.body(of: number), token) else { return false }
    waiting[token] = number
    ledger.posted(number)
    return true
  }

  // MARK: Answers

  mutating func take(_ replies: [ReportReply], now: Duration, _ random: inout SeededRandom) {
    for reply in replies {
      guard let number = waiting.removeValue(forKey: reply.token) else {
        problems.append("an answer to what nobody waits for: \(reply.token)")
        continue
      }
      let delay = now + .milliseconds(Int.random(in: 0...5_000, using: &random))
      switch reply.outcome {
      case .accepted(_, let isDuplicate):
        ledger.acknowledged(number, isNew: !isDuplicate)
        if Int.random(in: 0..<20, using: &random) == 0 {
          tally.add(ClientFault.resendsAcknowledged.rawValue)
          again.append((delay, number))
        }
      case .unavailable:
        if Int.random(in: 0..<4, using: &random) > 0 {
          tally.add(ClientFault.retriesUnavailable.rawValue)
          again.append((delay, number))
        }
      case .refused(let path, let message):
        problems.append("report \(number) was refused: \(path) \(message)")
      }
    }
  }

  /// These are posted again soon, one after the other, answered or not.
  mutating func resend(_ numbers: [Int], now: Duration) {
    for (place, number) in numbers.enumerated() {
      ledger.frameGivenUp(number)
      tally.add(ClientFault.resendsAcknowledged.rawValue)
      again.append((now + .milliseconds(500 * place), number))
    }
  }

  /// The service is gone: what was not answered may be posted again.
  mutating func connectionsBroke(now: Duration, _ random: inout SeededRandom) {
    for (_, number) in waiting.sorted(by: { $0.key < $1.key })
    where Int.random(in: 0..<4, using: &random) > 0 {
      tally.add(ClientFault.retriesUnanswered.rawValue)
      again.append((now + .milliseconds(Int.random(in: 0...9_000, using: &random)), number))
    }
    waiting = [:]
  }
}
