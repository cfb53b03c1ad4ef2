import SimulationModels

/// What has to hold at the end.
extension World {
  /// What a seed has shown.
  package struct Result: Sendable {
    package var seed: UInt64
    package var failures: [String] = []
    package var tally = Tally()
    package var trace: [String] = []
    package var acknowledged = 0
    package var lost = 0
    package var twice = 0
    package var missingByDamage = 0
    package var refusedStarts = 0
    package var diskCalls = 0
    package var requests = 0
  }

  func restartOnceMore() {
    note("the last restart")
    end(keepingMemory: true)
    drain()
    awaitAborts()
    let names = disk.names.filter { !$0.hasSuffix(".quarantine") }
    let seals = names.filter { DiskStep.kind(of: $0) == "seal" }
    let others = names.filter { name in
      !["seal", "writer", "lock"].contains(DiskStep.kind(of: name))
        && !foreignFiles.contains(name)
    }
    if seals.count > 1 + foreignKeys.count || !others.isEmpty {
      fail("left in DATA_DIR: \(names)")
    }
    if !uploadsLeft.isEmpty { fail("uploads left: \(uploadsLeft)") }
  }

  /// What the store refused to abort for long is told, and left to a rule of the bucket.
  var uploadsLeft: [String] {
    store.bucket.uploads.filter { _, upload in
      !leftoversTold.contains { $0.contains("key=\(upload.key) cannot be aborted") }
    }.map { "\($0) \($1.key)" }
  }

  func judge(_ result: inout Result) {
    for key in foreignKeys where store.bucket.objects[key]?.bytes != Neighbour.bytes {
      fail("\(key) was someone else's and is not any more")
    }
    let objects = store.bucket.objects.filter { !foreignKeys.contains($0.key) }
      .sorted { $0.key < $1.key }
      .map { (key: $0.key, bytes: $0.value.bytes) }
    var verdict = Ledger.Verdict()
    collectors.change { verdict = $0.verdict(objects: objects) }
    result.lost = verdict.lost
    result.twice = verdict.twice
    result.missingByDamage = verdict.missingByDamage
    for problem in verdict.problems + store.bucket.problems + collectors.problems { fail(problem) }
    if verdict.missingByDamage > 0, damageEvents == 0 {
      fail("a damaged report is missing and nothing told of damage")
    }
    if scenario.manner == .strict {
      for (key, object) in store.bucket.objects where object.versionCount > 1 {
        fail("\(key) was written \(object.versionCount) times")
      }
    }
  }

  /// The scenario is never smaller than promised.
  func checkScenario() {
    guard failures.isEmpty else { return }
    let acknowledged = collectors.ledger.acknowledgedCount
    if acknowledged < scenario.bounds.acknowledged { fail("only \(acknowledged) acknowledged") }
    if sealedWideSegments < scenario.bounds.wideSegments {
      fail("only \(sealedWideSegments) segments of two partitions")
    }
    if crashCount < scenario.bounds.crashes { fail("no crash") }
    if mischief.otherFaultCount < scenario.bounds.otherFaults {
      fail("only \(mischief.otherFaultCount) other faults")
    }
  }
}
