/// A parser that takes bytes from outside, and what must hold whatever they are.
protocol FuzzTarget {
  /// Inputs to begin with.
  var inputs: [[UInt8]] { get }
  /// Text that means something to the parser.
  var words: [[UInt8]] { get }
  /// Takes the bytes; throws when what must hold does not. A trap ends the process.
  mutating func run(_ bytes: [UInt8]) throws
}

/// What had to hold and did not.
struct Broken: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// The targets by name.
enum FuzzTargets {
  static let names = ["report", "gzip", "page", "event", "log", "seal", "holes"]

  /// nil: there is none of this name. `fixtures`: where the recorded API objects are.
  static func make(_ name: String, fixtures: String) throws -> (any FuzzTarget)? {
    switch name {
    case "report": ReportTarget()
    case "gzip": try GzipTarget()
    case "page": try PageTarget(fixtures: fixtures)
    case "event": try EventTarget(fixtures: fixtures)
    case "log": try LogTarget()
    case "seal": SealTarget()
    case "holes": HolesTarget()
    default: nil
    }
  }
}

func tokens(_ texts: [String]) -> [[UInt8]] { texts.map { Array($0.utf8) } }
