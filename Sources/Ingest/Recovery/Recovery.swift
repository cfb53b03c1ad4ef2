/// What the start makes of DATA_DIR; everything is derived from file names and file contents.
struct RecoveredState {
  var writer: WriterID
  var retryIDs: RetryIDs
  var nextSegment: UInt64 = 1
  /// How far the logs of failed segments count, by segment.
  var cuts: [UInt64: Int] = [:]
  /// Segments to encode from their logs, oldest first.
  var backlog: [BacklogSegment] = []
  /// Committed segments, oldest first, without their retry ids.
  var seals: [Seal] = []
  /// Segments with a seal that cannot be read: nothing of them is touched.
  var held: Set<UInt64> = []
  /// Segments whose files are gone; their uploads are to be aborted.
  var abandoned: [UInt64] = []
  var summary: RecoverySummary
}

/// Goes through DATA_DIR once, before any thread runs. Every step can be repeated: a crash at any
/// point leaves a directory that the next start handles the same way.
///
///     seal, whole       its log is garbage and goes; its objects are sent (again)
///     seal, unreadable  all of the segment stays as it is, for a start that can read it
///     no seal           its object files go; its log, if there is one, is backlog
///     log, unreadable   in parts: read again for a while, then given up in these parts for good
///     neither log nor seal   what is left of the segment goes
struct Recovery {
  let disk: any Disk
  let time: any TimeSource
  let counters: IngestCounters
  let events: @Sendable (IngestEvent) -> Void
  private let patience: ReadPatience

  init(
    disk: any Disk, time: any TimeSource, counters: IngestCounters,
    events: @escaping @Sendable (IngestEvent) -> Void
  ) {
    self.disk = disk
    self.time = time
    self.counters = counters
    self.events = events
    patience = ReadPatience(time: time, events: events)
  }

  func run(random: () -> UInt64) throws(DiskError) -> RecoveredState {
    let names = try disk.list().map { FileName($0) }
    let writer = try WriterIdentity(disk: disk).load(names: names, random: random) {
      counters.quarantinedFiles.add(1)
      events(.fileQuarantined(name: FileName.writer.text, reason: "damaged; made anew"))
    }
    var state = RecoveredState(
      writer: writer, retryIDs: RetryIDs(),
      summary: RecoverySummary(writer: writer.description, nextSegment: 0))
    try dropTemporaries(names)
    // Only the newest: each may be some 70 MB.
    var newestIDs: (segment: UInt64, ids: RetrySnapshot)?
    let logs = Set(names.compactMap { if case .log(let segment) = $0 { segment } else { nil } })
    let seals = names.compactMap { if case .seal(let segment) = $0 { segment } else { nil } }
      .sorted()
    for segment in seals {
      try load(segment, isNewest: segment == seals.last, logs: logs, &state, &newestIDs)
    }
    let sealed = Set(state.seals.map(\.segment))
    let waiting = logs.subtracting(sealed).subtracting(state.held)
    try dropSealedLogs(logs.intersection(sealed), names)
    try dropObjects(names, sealed: sealed.union(state.held), &state)
    try dropHoles(names, but: waiting.union(state.held))
    var recoveries = try waiting.sorted().map { segment throws(DiskError) in
      try recovery(of: segment, names, state.writer)
    }
    try gatherCuts(&recoveries, held: logs.intersection(state.held), names, &state)
    try scan(&recoveries, newestIDs, &state)
    try dropOldSeals(&state)
    state.nextSegment = (names.compactMap(\.segment).max() ?? 0) + 1
    finish(&state)
    return state
  }

  private func dropTemporaries(_ names: [FileName]) throws(DiskError) {
    for name in names {
      switch name {
      case .temporary(let text): try disk.remove(text)
      case .unknown(let text):
        counters.unknownFiles.add(1)
        events(.unknownFile(name: text))
      default: break
      }
    }
  }

  // MARK: Seals

  private func load(
    _ segment: UInt64, isNewest: Bool, logs: Set<UInt64>, _ state: inout RecoveredState,
    _ newest: inout (segment: UInt64, ids: RetrySnapshot)?
  ) throws(DiskError) {
    let name = FileName.seal(segment).text
    var seal: Seal
    let reading = try patience.read(name) { () throws(DiskError) in
      let reading = try Seal.read(segment, writer: state.writer, from: disk)
      return (reading, isWhole: reading.isFinal(needsIDs: isNewest))
    }
    switch reading {
    case .whole(let read, _): seal = read
    case .unreadable(let error):
      // All of the segment stays as it is for a start that can read it: encoded again it might be
      // stored twice, and set aside it would never be stored.
      state.held.insert(segment)
      counters.quarantinedFiles.add(1)
      events(.sealUnreadable(segment: segment, error: error.description))
      return
    case .damaged:
      // With its log the segment is encoded again; without it nobody knows its objects any more,
      // and they are kept for a human: before the seal, since a start that finds them without one
      // takes them for what an encoding left.
      if !logs.contains(segment) { try setAsideObjects(of: segment) }
      try setAside(name, reason: "damaged seal")
      return
    }
    if let ids = seal.retryIDs {
      newest = (segment, ids)
    } else {
      counters.quarantinedFiles.add(1)
      events(.fileQuarantined(name: name, reason: "retry ids damaged; its objects are not"))
    }
    seal.retryIDs = nil
    for cut in seal.cuts { state.cuts[cut.segment] = cut.goodUpTo }
    state.seals.append(seal)
  }

  private func setAside(_ name: String, reason: String) throws(DiskError) {
    try Quarantine(disk: disk).set(aside: name)
    counters.quarantinedFiles.add(1)
    events(.fileQuarantined(name: name, reason: reason))
  }

  private func setAsideObjects(of segment: UInt64) throws(DiskError) {
    for name in try disk.list() {
      guard case .object(let id) = FileName(name), id.segment == segment else { continue }
      try setAside(name, reason: "its seal is damaged")
    }
  }

  /// The newest seal stays for its retry ids; an older one without objects has nothing to say.
  private func dropOldSeals(_ state: inout RecoveredState) throws(DiskError) {
    guard let newest = state.seals.last?.segment else { return }
    for seal in state.seals where seal.objects.isEmpty && seal.segment != newest {
      try disk.remove(FileName.seal(seal.segment).text)
    }
    state.seals.removeAll { $0.objects.isEmpty && $0.segment != newest }
  }

  // MARK: Objects

  private func dropSealedLogs(
    _ segments: Set<UInt64>, _ names: [FileName]
  ) throws(DiskError) {
    guard !segments.isEmpty else { return }
    // A seal can be seen before its name is on the medium: its process may have died in between.
    try disk.syncDirectory()
    for segment in segments {
      let name = FileName.log(segment).text
      if names.contains(.holes(segment)), Quarantine(disk: disk).hasRoom {
        try setAside(name, reason: Quarantine.unreadableReason)
      } else {
        try disk.remove(name)
      }
    }
    // Before any of their objects is stored and forgotten: a log that came back without its seal
    // would be stored again.
    try disk.syncDirectory()
  }

  private func dropObjects(
    _ names: [FileName], sealed: Set<UInt64>, _ state: inout RecoveredState
  ) throws(DiskError) {
    let present = Set(try disk.list())
    var abandoned: Set<UInt64> = []
    for name in names where present.contains(name.text) {
      switch name {
      case .object(let id) where !sealed.contains(id.segment):
        try disk.remove(name.text)
        abandoned.insert(id.segment)
      case .objectTemporary(let id):
        try disk.remove(name.text)
        if !sealed.contains(id.segment) { abandoned.insert(id.segment) }
      case .uploadRecord(let id) where !sealed.contains(id.segment):
        abandoned.insert(id.segment)
      default: break
      }
    }
    try disk.syncDirectory()
    state.abandoned = abandoned.sorted()
  }

  // MARK: Logs

  private func recovery(
    of segment: UInt64, _ names: [FileName], _ writer: WriterID
  ) throws(DiskError) -> LogRecovery {
    var holes: LogHoles?
    let name = FileName.holes(segment)
    if names.contains(name) {
      holes = try patience.read(name.text) { () throws(DiskError) in
        try LogHoles.read(segment, writer: writer, from: disk)
      }
      if holes == nil { try setAside(name.text, reason: "damaged; the log is read in whole") }
    }
    return LogRecovery(
      disk: disk, writer: writer, segment: segment, patience: patience,
      holes: holes?.pieces ?? [], counters: counters, events: events)
  }

  /// What was given up of logs that are gone, or about to go.
  private func dropHoles(_ names: [FileName], but waiting: Set<UInt64>) throws(DiskError) {
    for case .holes(let segment) in names where !waiting.contains(segment) {
      try disk.remove(FileName.holes(segment).text)
    }
  }

  /// How far logs count, by the headers of others.
  private func gatherCuts(
    _ recoveries: inout [LogRecovery], held: Set<UInt64>, _ names: [FileName],
    _ state: inout RecoveredState
  ) throws(DiskError) {
    for segment in held {
      var held = try recovery(of: segment, names, state.writer)
      let cut = try held.cutOfAnother(isHeld: true)
      if let cut { state.cuts[cut.segment] = cut.goodUpTo }
    }
    for place in recoveries.indices {
      let cut = try recoveries[place].cutOfAnother(isHeld: false)
      if let cut { state.cuts[cut.segment] = cut.goodUpTo }
    }
    for place in recoveries.indices {
      recoveries[place].cut = state.cuts[recoveries[place].segment]
    }
  }

  private func scan(
    _ recoveries: inout [LogRecovery], _ newest: (segment: UInt64, ids: RetrySnapshot)?,
    _ state: inout RecoveredState
  ) throws(DiskError) {
    var ids = RetryIDs()
    if let newest, !newest.ids.forEach({ ids.insert($1, node: $0) }) {
      events(
        .fileQuarantined(
          name: FileName.seal(newest.segment).text, reason: "retry ids end too early"))
    }
    for place in recoveries.indices {
      let segment = recoveries[place].segment
      // A seal has the ids of all segments up to its own, in the order in which they came.
      let isKnown = newest.map { segment <= $0.segment } ?? false
      guard let scan = try recoveries[place].run(ids: &ids, isKnown: isKnown) else { continue }
      state.backlog.append(
        BacklogSegment(
          number: segment, limit: scan.end,
          startSeconds: scan.header?.createdSeconds ?? time.epochSeconds(),
          reportCount: scan.reportCount,
          toldDamage: Set((scan.damaged + scan.suspect).map(\.lowerBound)),
          holes: recoveries[place].holes))
    }
    state.retryIDs = ids
    let kept = Set(state.backlog.map(\.number))
    state.cuts = state.cuts.filter { kept.contains($0.key) }
  }

  private func finish(_ state: inout RecoveredState) {
    state.summary.nextSegment = state.nextSegment
    state.summary.sealedSegments = state.seals.count
    state.summary.sealedObjects = state.seals.reduce(0) { $0 + $1.objects.count }
    state.summary.backlogSegments = state.backlog.count
    state.summary.backlogReports = state.backlog.reduce(0) { $0 + $1.reportCount }
    state.summary.backlogByteCount = state.backlog.reduce(0) { $0 + ($1.limit ?? 0) }
    state.summary.retryNodes = state.retryIDs.nodeCount
    events(.recovered(state.summary))
  }
}
