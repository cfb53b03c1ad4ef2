import Glibc
import SimulationModels

/// One small course of events, again and again, each time with one fault at one of its disk calls.
package enum CallSweep {
  package enum Fault: String, CaseIterable, Sendable {
    case error = "EIO"
    case noSpace = "ENOSPC"
    case shortWrite = "short write"
    case crash = "power cut or kill before"
    case crashAfter = "power cut or kill after"
    case tornWrite = "power cut or kill inside a write"

    func at(_ call: Int) -> ModelDisk.Fault {
      switch self {
      case .error: .error(EIO)
      case .noSpace: .error(ENOSPC)
      case .shortWrite: .shortWrite(byteCount: 1 + call % 100, EIO)
      case .crash: .crash
      case .crashAfter: .crashAfter
      case .tornWrite: .crashInWrite(byteCount: 1 + call % 700)
      }
    }
  }

  /// Fewer calls would be no proof.
  package static let minimumCallCount = 300

  /// Calls of the course without a fault, up to everything being stored.
  package static func callCount() -> Int { run(nil).diskCalls }

  package static func run(call: Int, _ fault: Fault, isTraced: Bool = false) -> World.Result {
    run((call, fault), isTraced: isTraced)
  }

  private static func run(
    _ fault: (call: Int, fault: Fault)?, isTraced: Bool = false
  ) -> World.Result {
    let (scenario, random) = Scenario.calm()
    let world = World(scenario: scenario, random: random, isTraced: isTraced)
    if let fault { world.disk.plan([fault.call: fault.fault.at(fault.call)]) }
    return World.run(world, seed: UInt64(fault?.call ?? 0))
  }
}
