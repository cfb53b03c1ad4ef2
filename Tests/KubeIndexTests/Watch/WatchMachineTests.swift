import Testing

@testable import KubeIndex

/// The list/watch protocol as tables: after these inputs, this action.
@Suite struct WatchMachineTests {
  enum Input {
    case start, timer, opened, pageOpened, ended
    case event(WatchInput)
    case page(String, String?)
    case failed(WatchFailure)
    /// Nothing but time.
    case seconds(Int)
  }

  static func actions(_ inputs: [Input]) -> [WatchAction] {
    var machine = WatchMachine()
    var now = Duration.zero
    return inputs.compactMap { input in
      switch input {
      case .start: machine.start()
      case .timer: machine.timerFired()
      case .opened: machine.opened(now: now)
      case .pageOpened: machine.pageOpened()
      case .ended: machine.ended(now: now, jitter: 0)
      case .event(let event): machine.received(event, now: now, jitter: 0)
      case .page(let version, let token):
        machine.page(resourceVersion: version, continueToken: token)
      case .failed(let failure): machine.failed(failure, now: now, jitter: 0)
      case .seconds(let seconds):
        {
          now += .seconds(seconds)
          return nil
        }()
      }
    }
  }

  static func status(_ code: Int, _ retryAfter: Int? = nil) -> Input {
    .failed(.status(code, retryAfterSeconds: retryAfter))
  }

  /// To a watch that knows version 10, by a streaming list.
  static let streamed: [Input] = [
    .start, .opened, .event(.applied(resourceVersion: "7")),
    .event(.bookmark(resourceVersion: "10", initialEventsEnd: true)),
  ]
  /// The same by pages.
  static let paged: [Input] = [.start, status(422), .pageOpened, .page("10", nil)]

  static let first = WatchRequest.stream(notOlderThan: nil)
  static let wait800 = Duration.milliseconds(800)

  @Test func streamingList() {
    #expect(
      Self.actions(Self.streamed) == [.send(Self.first), .beginRelist, .apply, .endRelist])
    #expect(
      Self.actions(
        Self.streamed + [
          .event(.deleted(resourceVersion: "11")), .event(.applied(resourceVersion: "12")),
          .event(.bookmark(resourceVersion: "13", initialEventsEnd: false)), .seconds(250), .ended,
        ]
      ).suffix(4) == [.delete, .apply, .nothing, .send(.watch(resourceVersion: "13"))])
  }

  @Test func pagesWhereStreamsAreNotOffered() {
    #expect(
      Self.actions([
        .start, Self.status(422), .pageOpened, .page("10", "t1"), .pageOpened, .page("10", "t2"),
        .pageOpened, .page("10", ""),
      ]) == [
        .send(Self.first), .send(.list(limit: 500, notOlderThan: nil)), .beginRelist,
        .send(.listMore(limit: 500, continueToken: "t1")), .nothing,
        .send(.listMore(limit: 500, continueToken: "t2")), .nothing,
        .endRelistAndSend(.watch(resourceVersion: "10")),
      ])
  }

  /// An old server ignores sendInitialEvents and sends a bookmark that ends nothing.
  @Test func ordinaryWatchInsteadOfAStream() {
    #expect(
      Self.actions([
        .start, .opened, .event(.applied(resourceVersion: "7")),
        .event(.bookmark(resourceVersion: "8", initialEventsEnd: false)), .timer,
      ]).suffix(2) == [
        .wait(Self.wait800, relists: true), .send(.list(limit: 500, notOlderThan: nil)),
      ])
  }

  static let watchFailures: [(Input, WatchAction, WatchAction)] = [
    // Gone: everything again, most recent.
    (status(410), .wait(wait800, relists: true), .send(.stream(notOlderThan: nil))),
    (status(400), .wait(wait800, relists: true), .send(.stream(notOlderThan: nil))),
    // Broken: go on from the last version.
    (.failed(.transport), .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (.ended, .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (status(500), .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (status(504, 1), .wait(.seconds(1), relists: false), .send(.watch(resourceVersion: "10"))),
    (status(403), .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (status(401), .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (status(429, 7), .wait(.seconds(7), relists: false), .send(.watch(resourceVersion: "10"))),
    (status(429, 0), .wait(wait800, relists: false), .send(.watch(resourceVersion: "10"))),
    (
      status(429, 1_000_000), .wait(.seconds(300), relists: false),
      .send(.watch(resourceVersion: "10"))
    ),
    // Not to be trusted: everything again, not older than what is known.
    (.failed(.malformed), .wait(wait800, relists: true), .send(.stream(notOlderThan: "10"))),
    (.failed(.tooLong), .wait(wait800, relists: true), .send(.stream(notOlderThan: "10"))),
  ]

  @Test(arguments: watchFailures.indices)
  func watchFailure(row: Int) {
    let (input, waiting, sent) = Self.watchFailures[row]
    for prefix in [Self.streamed, Self.paged] {
      #expect(Self.actions(prefix + [input, .timer]).suffix(2) == [waiting, sent])
    }
  }

  static let listFailures: [(Input, WatchAction, WatchAction)] = [
    (status(429, 3), .wait(.seconds(3), relists: true), .send(first)),
    (status(500), .wait(wait800, relists: true), .send(first)),
    (status(403), .wait(wait800, relists: true), .send(first)),
    (status(504), .wait(wait800, relists: true), .send(first)),
    (status(410), .wait(wait800, relists: true), .send(first)),
    (.failed(.transport), .wait(wait800, relists: true), .send(first)),
    (.failed(.malformed), .wait(wait800, relists: true), .send(first)),
    (
      .failed(.tooLong), .wait(wait800, relists: true),
      .send(.list(limit: 500, notOlderThan: nil))
    ),
    (
      .failed(.notStreaming), .wait(wait800, relists: true),
      .send(.list(limit: 500, notOlderThan: nil))
    ),
  ]

  @Test(arguments: listFailures.indices)
  func listFailure(row: Int) {
    let (input, waiting, sent) = Self.listFailures[row]
    #expect(Self.actions([.start, input, .timer]).suffix(2) == [waiting, sent])
    #expect(Self.actions([.start, .opened, input, .timer]).suffix(2) == [waiting, sent])
  }

  /// The snapshot behind a continue token is gone: from the first page, with larger ones.
  @Test func expiredContinueToken() {
    #expect(
      Self.actions([
        .start, Self.status(422), .pageOpened, .page("10", "t"), Self.status(410), .timer,
        .pageOpened,
      ]).suffix(3) == [
        .wait(Self.wait800, relists: true), .send(.list(limit: 1000, notOlderThan: nil)),
        .beginRelist,
      ])
  }

  static let secondPage: [Input] = [.start, status(422), .pageOpened, .page("10", "t")]
  static let again = WatchAction.send(.listMore(limit: 500, continueToken: "t"))
  static let fromTheStart = WatchAction.send(.list(limit: 500, notOlderThan: nil))

  static let pageFailures: [(Input, WatchAction, WatchAction)] = [
    // The snapshot is still there: the same page again.
    (.failed(.transport), .wait(wait800, relists: false), again),
    (status(429, 3), .wait(.seconds(3), relists: false), again),
    (status(500), .wait(wait800, relists: false), again),
    (status(503), .wait(wait800, relists: false), again),
    // It is not, or the page cannot be read.
    (status(403), .wait(wait800, relists: true), fromTheStart),
    (status(400), .wait(wait800, relists: true), .send(.list(limit: 1000, notOlderThan: nil))),
    (.failed(.malformed), .wait(wait800, relists: true), fromTheStart),
    (.failed(.tooLong), .wait(wait800, relists: true), fromTheStart),
  ]

  @Test(arguments: pageFailures.indices)
  func pageFailure(row: Int) {
    let (input, waiting, sent) = Self.pageFailures[row]
    #expect(Self.actions(Self.secondPage + [input, .timer]).suffix(2) == [waiting, sent])
    #expect(
      Self.actions(Self.secondPage + [.pageOpened, input, .timer]).suffix(2) == [waiting, sent])
  }

  /// A page that never comes does not keep us for ever, and one that comes wipes the slate.
  @Test func pageThatFailsAgainAndAgain() {
    var inputs = Self.secondPage
    for _ in 0..<KubeIndexLimits.maximumPageRetries { inputs += [Self.status(500), .timer] }
    #expect(Self.actions(inputs).last == Self.again)
    #expect(
      Self.actions(inputs + [Self.status(500), .timer]).last == Self.fromTheStart)
    let next = WatchAction.send(.listMore(limit: 500, continueToken: "u"))
    #expect(
      Self.actions(inputs + [.page("10", "u"), Self.status(500), .timer]).last == next)
    #expect(
      Self.actions(Self.secondPage + [.failed(.unauthorizedWithFreshToken)]).last == Self.again)
  }

  /// What breaks every stream of a long list may let pages pass.
  @Test func streamsThatBreakAgain() {
    for failure in [Input.failed(.transport), Self.status(500), .failed(.malformed)] {
      let once = [.opened, .event(.applied(resourceVersion: "7")), failure, .timer]
      #expect(Self.actions([.start] + once).last == .send(Self.first))
      #expect(Self.actions([.start] + once + once).last == Self.fromTheStart)
    }
    // Streams that do not begin are no such sign.
    let refused: [Input] = [.failed(.transport), .timer]
    #expect(Self.actions([.start] + refused + refused + refused).last == .send(Self.first))
  }

  /// "Too large resource version" from a server that lags: its most recent state instead.
  @Test func laggingServer() {
    #expect(
      Self.actions(
        Self.streamed + [.failed(.malformed), .timer, Self.status(504, 1), .timer]
      ).suffix(3) == [
        .send(.stream(notOlderThan: "10")), .wait(.milliseconds(1600), relists: true),
        .send(.stream(notOlderThan: nil)),
      ])
  }

  /// A rotated token is tried at once.
  @Test func freshToken() {
    #expect(
      Self.actions([.start, .failed(.unauthorizedWithFreshToken)]).last == .send(Self.first))
    #expect(
      Self.actions(Self.streamed + [.failed(.unauthorizedWithFreshToken)]).last
        == .send(.watch(resourceVersion: "10")))
  }

  /// A server that dislikes the version but never says 410 does not keep us for ever.
  @Test func watchRefusedAgainAndAgain() {
    var inputs = Self.streamed
    for _ in 0..<KubeIndexLimits.maximumRefusedWatches {
      inputs += [Self.status(500), .timer]
    }
    #expect(Self.actions(inputs).last == .send(.stream(notOlderThan: nil)))
    // Waiting for permission or for an overloaded server is no such refusal.
    for status in [403, 429, 503] {
      var patient = Self.streamed
      for _ in 0..<20 { patient += [Self.status(status), .timer] }
      #expect(Self.actions(patient).last == .send(.watch(resourceVersion: "10")))
    }
  }

  @Test func initialEventsThatNeverEnd() {
    #expect(
      Self.actions([.start, .opened, .ended, .timer]).last
        == .send(.list(limit: 500, notOlderThan: nil)))
  }

  /// What was under way when a stream was given up changes nothing.
  @Test func lateInputsAreDropped() {
    #expect(
      Self.actions(
        Self.streamed + [
          .failed(.transport), .event(.applied(resourceVersion: "99")), .ended, .failed(.transport),
          .pageOpened, .page("99", nil), .timer,
        ]
      ).suffix(6) == [
        .nothing, .nothing, .nothing, .nothing, .nothing, .send(.watch(resourceVersion: "10")),
      ])
  }

  /// Whatever happens in whatever order: no trap, and always a way on.
  @Test func randomInputs() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<2_000 {
      var machine = WatchMachine()
      _ = machine.start()
      var isWaiting = false
      var now = Duration.zero
      for _ in 0..<100 {
        now += .milliseconds(Int.random(in: 0...100_000, using: &random))
        let action: WatchAction
        switch Int.random(in: 0..<9, using: &random) {
        case 0: action = machine.opened(now: now)
        case 1: action = machine.pageOpened()
        case 2: action = machine.ended(now: now, jitter: 0.5)
        case 3:
          action = machine.received(.applied(resourceVersion: "1"), now: now, jitter: 0.5)
        case 4:
          action = machine.received(
            .bookmark(resourceVersion: "2", initialEventsEnd: .random(using: &random)), now: now,
            jitter: 0.5)
        case 5:
          action = machine.page(
            resourceVersion: "3", continueToken: Bool.random(using: &random) ? "t" : nil)
        case 6:
          let codes = [400, 401, 403, 404, 410, 422, 429, 500, 503, 504]
          let code = codes[Int.random(in: 0..<codes.count, using: &random)]
          action = machine.failed(
            .status(code, retryAfterSeconds: Int.random(in: -9...9, using: &random)), now: now,
            jitter: 0.5)
        case 7: action = machine.failed(.malformed, now: now, jitter: 0.5)
        default: action = machine.timerFired()
        }
        if case .wait(let delay, _) = action {
          #expect(delay >= .milliseconds(800) && delay <= .seconds(60))
          isWaiting = true
        }
        if case .send = action { isWaiting = false }
      }
      if isWaiting {
        guard case .send = machine.timerFired() else {
          Issue.record("no way on")
          return
        }
      }
    }
  }
}
