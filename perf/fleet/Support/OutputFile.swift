import Glibc

/// Files that another process waits for: they appear whole or not at all.
enum OutputFile {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Writes a text under a temporary name and renames it. `-` is stdout.
  static func write(_ text: String, to path: String, mode: mode_t) throws {
    if path == "-" {
      Console.print(text + "\n")
      return
    }
    let temporary = path + ".tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure(temporary) }
    var writer = ByteWriter(capacity: text.utf8.count)
    writer.append(text)
    let isWritten = writer.write(to: descriptor)
    close(descriptor)
    guard isWritten, rename(temporary, path) == 0 else { throw failure(path) }
  }

  private static func failure(_ path: String) -> Failure {
    Failure(description: "\(path): \(String(cString: strerror(errno)))")
  }
}
