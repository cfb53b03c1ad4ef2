import Glibc
import Ingest

@testable import Service

/// A real server on loopback with a fake writer behind it, ended with the test.
final class TestServer {
  let intake = FakeIntake()
  let content = FakeContent()
  let shared: HTTPShared
  let server: HTTPServer

  init(
    maximumBodyByteCount: Int = 100_000, connectionLimit: Int = 1000,
    budget: BodyBudget = BodyBudget(), writeTimeout: Duration = ServiceLimits.writeTimeout,
    sendBufferByteCount: Int? = nil
  ) throws {
    shared = HTTPShared(
      maximumBodyByteCount: maximumBodyByteCount, intake: intake, content: content,
      counters: HTTPCounters(), gate: AcceptGate(limit: connectionLimit), budget: budget,
      writeTimeout: writeTimeout)
    server = try HTTPServer(
      host: "127.0.0.1", port: 0, loopCount: 1, shared: shared,
      sendBufferByteCount: sendBufferByteCount)
  }

  deinit { server.stop() }

  func connect(receiveBufferByteCount: Int32? = nil) throws -> RawClient {
    try RawClient(port: server.port, receiveBufferByteCount: receiveBufferByteCount)
  }

  /// Sends the bytes on a connection of their own and reads until the other side ends or is silent.
  func exchange(_ text: String, thenEnd: Bool = false) throws -> String {
    let client = try connect()
    client.send(text)
    if thenEnd { client.endOutput() }
    return client.readAll()
  }
}

/// A blocking TCP client that sends what no HTTP library would.
/// Unchecked: one thread may send while another reads.
final class RawClient: @unchecked Sendable {
  struct Failed: Error {
    var call: String
    var errno: Int32
  }

  private let descriptor: Int32
  private(set) var isAtEnd = false

  init(port: Int, receiveBufferByteCount: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failed(call: "socket", errno: errno) }
    if var count = receiveBufferByteCount {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failed(call: "connect", errno: errno) }
    setTimeout(milliseconds: 300)
  }

  deinit { close(descriptor) }

  func setTimeout(milliseconds: Int) {
    var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress.map { $0 + offset }, bytes.count - offset,
          Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      offset += count
    }
  }

  /// Bytes, the end included, that the other side's system has not taken yet.
  var unsentByteCount: Int {
    var count: CInt = 0
    return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : 0
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// What has come, until `until` is in it, the other side ends, or nothing comes for the time-out.
  func readAll(until: String? = nil) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 {
        isAtEnd = count == 0 || errno == ECONNRESET
        break
      }
      bytes += chunk[0..<count]
      if let until, String(decoding: bytes, as: UTF8.self).contains(until) { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// The statuses of all answers in `text`, in order.
func statuses(_ text: String) -> [Int] {
  text.components(separatedBy: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
}

extension String {
  func components(separatedBy separator: String) -> [Substring] {
    var parts: [Substring] = []
    var rest = self[...]
    while let range = rest.firstRange(of: separator) {
      parts.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    return parts + [rest]
  }
}
