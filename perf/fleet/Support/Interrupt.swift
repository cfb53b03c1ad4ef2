import Glibc
import Synchronization

/// SIGINT and SIGTERM ask for an orderly end; a second one ends at once.
enum Interrupt {
  private static let received = Atomic<Int>(0)

  static var isRequested: Bool {
    received.load(ordering: .relaxed) > 0
  }

  static func install() {
    // Touched here so that the handler finds it initialised.
    received.store(0, ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      if Interrupt.received.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
    }
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    signal(SIGPIPE, SIG_IGN)
  }
}
