/// Which node reports next, and under which time.
///
/// Time goes in rounds of one interval. In each, every node reports once, in a new random order and
/// within the first fifth of the interval, so that two reports of a node are an interval apart,
/// give or take a fifth, as the stock collector's jitter has it.
struct Rounds {
  /// Where the times of reports come from.
  enum Clock {
    /// Simulated: round `n` begins at `start + n * interval`; the last begins before `end`.
    case simulated(startMicros: Int64, endMicros: Int64)
    /// The wall clock at the moment a report is written.
    case wall
  }

  let clock: Clock
  let intervalMicros: Int64
  private var order: [UInt32]
  private var random: Random
  private var nextInRound = 0
  private(set) var round = 0
  private var lastWallMicros: Int64 = 0

  init(clock: Clock, intervalMicros: Int64, nodeCount: Int, seed: UInt64) {
    self.clock = clock
    self.intervalMicros = intervalMicros
    order = (0..<UInt32(nodeCount)).map { $0 }
    random = Random(seed: seed, label: 11)
  }

  /// How many rounds there are; nil: no end.
  var roundCount: Int? {
    switch clock {
    case .simulated(let start, let end):
      Int((max(end - start, 0) + intervalMicros - 1) / intervalMicros)
    case .wall: nil
    }
  }

  /// The time at which the current round began.
  var roundStartMicros: Int64 {
    switch clock {
    case .simulated(let start, _): start + Int64(round) * intervalMicros
    case .wall: CalendarTime.nowMicros()
    }
  }

  /// Whether the next report opens a round.
  var isAtRoundStart: Bool {
    nextInRound == 0
  }

  /// The next report's node and time; nil: the last round is over.
  mutating func next() -> (node: Int, timestampMicros: Int64)? {
    if let roundCount, round >= roundCount { return nil }
    // One step of Fisher and Yates' shuffle a report.
    let index = nextInRound
    order.swapAt(index, index + random.below(order.count - index))
    let node = Int(order[index])
    let timestamp = timestampMicros(index: index)
    nextInRound += 1
    if nextInRound == order.count {
      nextInRound = 0
      round += 1
    }
    return (node, timestamp)
  }

  private mutating func timestampMicros(index: Int) -> Int64 {
    switch clock {
    case .wall:
      lastWallMicros = max(CalendarTime.nowMicros(), lastWallMicros + 1)
      return lastWallMicros
    case .simulated:
      let step = Double(intervalMicros) / 5 / Double(order.count)
      let jitter = Double(random.below(1_000_000)) / 1_000_000
      let timestamp = roundStartMicros + Int64((Double(index) + jitter) * step)
      // Now and then a clock stands at a full second, and Python leaves the microseconds out.
      // Rounds far enough apart keep the times of a node distinct even so.
      let mayRound = intervalMicros >= 5 * CalendarTime.microsPerSecond
      return mayRound && random.oneIn(512)
        ? timestamp - timestamp % CalendarTime.microsPerSecond : timestamp
    }
  }
}
