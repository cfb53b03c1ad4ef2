import Glibc
import Ingest

/// Runs the decoder over bodies, for tests in other languages.
///
///     report-check [IMPLEMENTATION] < bodies > verdicts
///
/// A body is a 32-bit little-endian length and that many bytes. A verdict is a line:
/// `ok ROWS`, or `json OFFSET MESSAGE`, or `schema PATH OFFSET MESSAGE`, fields separated by tabs.
@main
struct ReportCheck {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard let decoder = decoder(arguments.first) else {
      fail("the implementation is one of \(ReportDecoder.implementations)")
    }
    var output = ""
    var length: UInt32 = 0
    while withUnsafeMutableBytes(of: &length, { read($0) }) {
      let body = ReportBody(capacity: Int(UInt32(littleEndian: length)))
      let bytes = UnsafeMutableRawBufferPointer(start: body.base, count: body.capacity)
      guard read(bytes) else { fail("the last body is cut short") }
      output += verdict(UnsafeRawBufferPointer(bytes), decoder) + "\n"
      if output.utf8.count > 1 << 16 {
        write(output)
        output = ""
      }
    }
    write(output)
  }

  /// Fills `bytes` from standard input; false at its end.
  private static func read(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = Glibc.read(STDIN_FILENO, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  private static func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      guard count > 0 else { exit(1) }
      rest = rest.dropFirst(count)
    }
  }

  private static func fail(_ message: String) -> Never {
    let line = Array("report-check: \(message)\n".utf8)
    _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(2)
  }

  private static func decoder(_ implementation: String?) -> ReportDecoder? {
    guard let implementation else { return ReportDecoder(writerSeed: 0) }
    return ReportDecoder(writerSeed: 0, implementation: implementation)
  }

  private static func verdict(_ body: UnsafeRawBufferPointer, _ decoder: ReportDecoder) -> String {
    do {
      return "ok\t\(try decoder.check(body).rowCount)"
    } catch {
      let message = error.message
      if error.isBadJSON { return "json\t\(error.byteOffset)\t\(message)" }
      return "schema\t\(error.path)\t\(error.byteOffset)\t\(message)"
    }
  }
}
