import Glibc

/// Swift seeds its hash tables anew in each process, and the order of a set's elements with them;
/// a seed of ours must fix that too.
enum Repeatable {
  private static let variable = "SWIFT_DETERMINISTIC_HASHING"

  /// Starts this program once more, in this process, when its tables are not fixed yet.
  static func ensure() {
    guard getenv(variable) == nil else { return }
    setenv(variable, "1", 1)
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    execv("/proc/self/exe", &arguments)
  }
}
