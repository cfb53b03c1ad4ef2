import Glibc

/// Asks the target whether it takes reports.
enum Readiness {
  /// The status of `GET /readyz`; nil: no answer within two seconds.
  static func status(of target: Target) -> Int? {
    guard let descriptor = target.connectSocket() else { return nil }
    defer { close(descriptor) }
    let request = "GET /readyz HTTP/1.1\r\nHost: \(target.host):\(target.port)\r\n\r\n"
    guard wait(descriptor, for: POLLOUT) else { return nil }
    var writer = ByteWriter()
    writer.append(request)
    guard send(descriptor, writer.base, writer.count, Int32(MSG_NOSIGNAL)) == writer.count
    else { return nil }
    var answer = ByteWriter(capacity: FleetLimits.maximumAnswerBytes)
    while answer.count < FleetLimits.maximumAnswerBytes, wait(descriptor, for: POLLIN) {
      let received = recv(descriptor, answer.reserve(4096), 4096, 0)
      if received <= 0 { return nil }
      answer.advance(received)
      if case .complete(let whole) = Answer.parse(answer.bytes) { return whole.status }
    }
    return nil
  }

  private static func wait(_ descriptor: Int32, for events: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&entry, 1, 2000) == 1 && Int32(entry.revents) & events != 0
  }
}
