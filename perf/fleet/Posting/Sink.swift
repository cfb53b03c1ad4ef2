import CFleet
import Glibc

/// A server that reads POSTs, throws them away and answers 200: what the collectors' own cost is
/// measured against.
final class Sink {
  private let listener: Int32
  let port: UInt16
  private let epoll: Int32
  private var pending: [Int32: PendingRequest] = [:]
  private let buffer: UnsafeMutableRawBufferPointer
  private(set) var requests = 0
  private(set) var bytes = 0

  private static let reply: StaticString = """
    HTTP/1.1 200 OK\r
    Content-Type: application/json\r
    Content-Length: 15\r
    \r
    {"status":"ok"}
    """

  /// What is known of a request that has not arrived whole.
  private struct PendingRequest {
    var head: [UInt8] = []
    /// Body bytes still to come; nil: the head is not there yet.
    var bodyLeft: Int?
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Listens on 127.0.0.1; port 0 takes a free one.
  init(port: UInt16) throws {
    let listener = socket(
      AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var one: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listens = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(listener, generic, length) == 0 && listen(listener, 1024) == 0
          && getsockname(listener, generic, &length) == 0
      }
    }
    guard listens else {
      throw Failure(description: "127.0.0.1:\(port): \(String(cString: strerror(errno)))")
    }
    self.listener = listener
    self.port = UInt16(bigEndian: address.sin_port)
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    buffer = .allocate(byteCount: 1 << 20, alignment: 64)
    watch(listener)
  }

  deinit {
    for descriptor in pending.keys { close(descriptor) }
    close(listener)
    close(epoll)
    buffer.deallocate()
  }

  private func watch(_ descriptor: Int32) {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.fd = descriptor
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event)
  }

  /// Serves for at most `milliseconds`, or less if nothing comes.
  func poll(milliseconds: Int32) {
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
      let count = epoll_wait(epoll, events.baseAddress, 64, milliseconds)
      for index in 0..<Int(max(count, 0)) {
        let descriptor = events[index].data.fd
        if descriptor == listener {
          while true {
            let accepted = accept(listener, nil, nil)
            if accepted < 0 { break }
            _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
            pending[accepted] = PendingRequest()
            watch(accepted)
          }
        } else {
          read(descriptor)
        }
      }
    }
  }

  private func read(_ descriptor: Int32) {
    let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if received < 0 && (errno == EAGAIN || errno == EINTR) { return }
    guard received > 0, var request = pending[descriptor] else {
      close(descriptor)
      pending[descriptor] = nil
      return
    }
    bytes += received
    var rest = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<received])
    while !rest.isEmpty {
      if let left = request.bodyLeft {
        let taken = min(left, rest.count)
        rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        request.bodyLeft = left - taken
      } else {
        request.head.append(contentsOf: rest)
        rest = UnsafeRawBufferPointer(start: nil, count: 0)
        if let (headCount, length) = Sink.length(request.head) {
          let body = request.head.count - headCount
          request.bodyLeft = max(length - body, 0)
          // One request at a time on a connection: what follows the body is not looked for.
          request.head.removeAll(keepingCapacity: true)
        }
      }
      if request.bodyLeft == 0 {
        request.bodyLeft = nil
        requests += 1
        send(
          descriptor, Sink.reply.utf8Start, Sink.reply.utf8CodeUnitCount,
          Int32(MSG_NOSIGNAL))
      }
    }
    pending[descriptor] = request
  }

  /// Bytes of the head, and of the body behind it; nil: the head is not whole.
  private static func length(_ head: [UInt8]) -> (headCount: Int, bodyCount: Int)? {
    head.withUnsafeBytes { bytes in
      guard let headEnd = bytes.firstOffset(of: "\r\n\r\n") else { return nil }
      let headCount = headEnd + 4
      var bodyCount = 0
      if let found = bytes.firstOffset(of: "ontent-Length:"), found < headCount {
        var position = found + 14
        while position < headCount, bytes[position] == 32 { position += 1 }
        while position < headCount, bytes[position] >= 48, bytes[position] <= 57 {
          bodyCount = bodyCount * 10 + Int(bytes[position]) - 48
          position += 1
        }
      }
      return (headCount, bodyCount)
    }
  }
}
