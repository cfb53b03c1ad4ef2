import Glibc

/// The signals that end the service, taken by the main thread when it asks for them.
enum Signals {
  private static var ending: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    return set
  }

  /// Blocks SIGTERM and SIGINT in this thread and all that it starts from now on, and ignores
  /// SIGPIPE: a peer that has gone is an error of the write.
  static func prepare() {
    var set = ending
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits up to `milliseconds` for a signal; the name of the one that came.
  static func wait(milliseconds: Int) -> String? {
    var set = ending
    var timeout = timespec(
      tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    switch sigtimedwait(&set, nil, &timeout) {
    case SIGTERM: return "SIGTERM"
    case SIGINT: return "SIGINT"
    default: return nil
    }
  }
}
