/// How often what happened, over one run or many.
package struct Tally: Sendable {
  package private(set) var counts: [String: Int] = [:]

  package init() {}

  package mutating func add(_ name: String, _ amount: Int = 1) {
    counts[name, default: 0] += amount
  }

  package mutating func merge(_ other: Tally) {
    for (name, count) in other.counts { add(name, count) }
  }

  package subscript(_ name: String) -> Int { counts[name] ?? 0 }
}

/// What a run of many seeds must have hit.
package enum Coverage {
  /// Disk steps around which power is cut, as `DiskStep` names them.
  static let diskSteps = [
    "create log", "preallocate log", "write log", "sync log", "sync directory after create log",
    "truncate log", "create object", "write object", "sync object", "rename object",
    "sync directory after rename object", "create seal", "write seal", "sync seal", "rename seal",
    "sync directory after rename seal", "remove log", "sync directory after remove log",
    "create upload", "write upload", "sync upload", "rename upload",
    "sync directory after rename upload",
    "remove object", "remove upload", "sync directory after remove object",
    "sync directory after remove upload", "remove seal", "sync directory after remove seal",
  ]

  static let storeSteps = StoreRequest.Operation.allCases.map(\.rawValue)

  /// Steps that can fail with an error of the disk.
  static let failingSteps =
    diskSteps + [
      "open log", "read log", "open object", "read object", "list directory", "stat log",
      "create writer", "write writer", "sync writer", "rename writer", "open seal", "read seal",
      "open upload", "read upload", "space directory", "lock lock",
    ]

  package static func crash(_ step: String, isAfter: Bool) -> String {
    "crash \(isAfter ? "after" : "before") \(step)"
  }

  /// Every name that must have been counted at least once.
  package static var required: [String] {
    steps.flatMap { [crash($0, isAfter: false), crash($0, isAfter: true)] }
      + groups.flatMap(\.names)
  }

  /// Steps of disk and store around which power is cut.
  package static var steps: [String] { diskSteps + storeSteps }

  /// All faults, by what they befall.
  package static var groups: [(title: String, names: [String])] {
    [
      ("Process and machine", LifeFault.allCases.map(\.rawValue)),
      ("Disk", DiskFault.allCases.map(\.rawValue)),
      (
        "Store",
        StoreFault.allCases.map(\.rawValue) + StoreOutage.allCases.map(\.rawValue)
          + StoreManner.allCases.map(\.rawValue) + Neighbour.allCases.map(\.rawValue)
      ),
      ("Collectors", ClientFault.allCases.map(\.rawValue)),
    ]
  }
}

/// What may go wrong with the disk, besides power.
enum DiskFault: String, CaseIterable {
  case errorOnce = "EIO once"
  case errorOnWrite = "EIO on write"
  case errorOnSync = "EIO on fsync"
  case errorOnSyncForever = "EIO on every fsync until the disk is replaced"
  case errorOnEverything = "EIO on every write and fsync for a while"
  case noSpaceOnce = "ENOSPC once"
  case full = "disk full for a while"
  case shortWrite = "short write"
  case tornWrite = "power cut inside a write"
  case slowSync = "fsync takes 10 s"
  case flippedFrame = "bit flip in a frame of a log"
  case flippedLogHeader = "bit flip in the header of a log"
  case flippedSeal = "bit flip in a seal"
  case flippedObject = "bit flip in a sealed object"
  case flippedWriter = "bit flip in the identity"
  case unreadable = "EIO on every read of a part of a log"
  case unreadableForAWhile = "EIO on every read of a part of a log or a seal, across a start"
  case readableAgain = "a part of a log that a start gave up can be read by the next one"

  /// What a scenario draws; the others follow from them.
  static let drawn = allCases.filter { ![.unreadableForAWhile, .readableAgain].contains($0) }
}

enum ClientFault: String, CaseIterable {
  case retriesUnanswered = "retry after no answer"
  case retriesUnavailable = "retry after 503"
  case resendsAcknowledged = "resend of what was acknowledged"
  case postsTwice = "posted twice at once"
}

enum LifeFault: String, CaseIterable {
  case powerCut = "power cut"
  case killed = "process killed"
  case nestedCrash = "crash during the start"
  case fatalEnd = "end by itself for want of a log"
  case stopped = "SIGTERM"
  case newVolume = "another volume, empty, after everything was stored"
  case clockJump = "wall clock set"
  case lateIndex = "index later than reports"
}
