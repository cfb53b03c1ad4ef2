/// How long one start waits for a medium that does not give all bytes: a while for all files
/// together, but at least a little for each. No report is taken meanwhile: a process that takes
/// some must know the ids of all before.
final class ReadPatience {
  private let time: any TimeSource
  private let events: (IngestEvent) -> Void
  private var end: Duration?
  /// How long each file is waited for that could not be read in whole.
  private var ends: [String: Duration] = [:]
  private var told: Set<String> = []
  private var extensions: [String: Int] = [:]

  init(time: any TimeSource, events: @escaping (IngestEvent) -> Void) {
    self.time = time
    self.events = events
  }

  /// Reads until all is there, or there is no more time: then what was read last counts, or its
  /// error is thrown. Errors of another kind are thrown at once.
  func read<Result>(
    _ name: String, _ body: () throws(DiskError) -> (Result, isWhole: Bool)
  ) throws(DiskError) -> Result {
    while true {
      do throws(DiskError) {
        let (result, isWhole) = try body()
        if isWhole { ends[name] = nil }
        if isWhole || !wait(for: name) { return result }
      } catch {
        guard error.isUnreadable, wait(for: name) else { throw error }
      }
    }
  }

  /// Something else of the file may be unreadable by now: it is waited for as well, a little, but
  /// not for ever. False: that was often enough.
  func extend(_ name: String) -> Bool {
    let count = extensions[name, default: 0]
    guard count < IngestLimits.maximumPatienceExtensions else { return false }
    extensions[name] = count + 1
    ends[name] = nil
    return true
  }

  /// False: there is no more time.
  private func wait(for name: String) -> Bool {
    let now = time.monotonic()
    let end = end ?? now + IngestLimits.startReadPatience
    self.end = end
    let own = ends[name] ?? max(end, now + IngestLimits.leastReadPatience)
    ends[name] = own
    guard now < own else { return false }
    if told.insert(name).inserted {
      events(.fileUnreadable(name: name, seconds: Int((own - now).components.seconds)))
    }
    time.sleep(min(IngestLimits.startReadDelay, own - now))
    return true
  }
}
