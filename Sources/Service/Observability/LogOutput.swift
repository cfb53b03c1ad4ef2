import Glibc
import Logging
import Synchronization

/// Where log lines go: one whole line a write, so that lines of several threads do not mix.
/// Thread-safe: only the descriptor's file is shared, under the lock.
final class LogOutput: Sendable {
  private let descriptor: Int32
  private let lock = Mutex(())

  init(descriptor: Int32 = STDERR_FILENO) {
    self.descriptor = descriptor
  }

  func write(_ line: [UInt8]) {
    lock.withLock { _ in
      line.withUnsafeBytes { bytes in
        var offset = 0
        while offset < bytes.count {
          let count = Glibc.write(
            descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
          if count < 0 && errno == EINTR { continue }
          // Nobody reads the log: there is nothing left to tell it to.
          guard count > 0 else { return }
          offset += count
        }
      }
    }
  }
}

/// A swift-log backend: text or JSON lines with UTC times, one event one line.
///
/// The message is the service's own text (control characters are escaped all the same); values from
/// outside belong into the metadata, where each is cut at a fixed length.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  private let output: LogOutput
  private let format: Settings.LogFormat
  /// The time of day; tests give their own.
  private let clock: @Sendable () -> (seconds: Int64, nanoseconds: Int)

  init(
    level: Logger.Level, format: Settings.LogFormat, output: LogOutput,
    clock: @escaping @Sendable () -> (seconds: Int64, nanoseconds: Int) = { WallClock.now() }
  ) {
    logLevel = level
    self.format = format
    self.output = output
    self.clock = clock
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let time = clock()
    let timeText = LogTime.text(seconds: time.seconds, nanoseconds: time.nanoseconds)
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let values = all.sorted { $0.key < $1.key }.map { ($0.key, LogText.cut("\($0.value)")) }
    switch format {
    case .text:
      output.write(Self.textLine(timeText, event.level, event.message.description, values))
    case .json:
      output.write(Self.jsonLine(timeText, event.level, event.message.description, values))
    }
  }

  static func textLine(
    _ time: String, _ level: Logger.Level, _ message: String, _ values: [(String, String)]
  ) -> [UInt8] {
    var line = "\(time) \(level.rawValue) \(LogText.escaped(message))"
    for (key, value) in values {
      line += " \(LogText.escaped(key))=\(LogText.quoted(value))"
    }
    return Array(line.utf8) + [0x0A]
  }

  static func jsonLine(
    _ time: String, _ level: Logger.Level, _ message: String, _ values: [(String, String)]
  ) -> [UInt8] {
    var line = JSONText()
    line.append(raw: #"{"time":"#)
    line.append(time)
    line.append(raw: #","level":"#)
    line.append(level.rawValue)
    line.append(raw: #","message":"#)
    line.append(message)
    for (key, value) in values {
      line.append(raw: ",")
      line.append(key)
      line.append(raw: ":")
      line.append(value)
    }
    line.append(raw: "}\n")
    return line.bytes
  }
}
