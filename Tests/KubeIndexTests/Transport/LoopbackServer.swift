import Glibc
import Synchronization

/// A scripted HTTP/1.1 server on the loopback: one answer a request, as raw bytes.
final class LoopbackServer: Sendable {
  /// What to do with one request, given its head and body as text.
  typealias Script = @Sendable (_ request: String) -> Reply

  enum Reply {
    case send(String)
    /// Sends, then closes the connection.
    case sendAndClose(String)
    /// Sends, then waits for the peer to go away.
    case sendAndHang(String)
    /// RST.
    case reset
  }

  let port: Int
  private let descriptor: Int32
  private let seen = Mutex<[String]>([])

  init(_ script: @escaping Script) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var one: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(listener, $0, length) }
    }
    listen(listener, 16)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(listener, $0, &length)
      }
    }
    port = Int(UInt16(bigEndian: address.sin_port))
    descriptor = listener
    Self.detach { [self] in
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { return }
        Self.detach { [self] in serve(client, script) }
      }
    }
  }

  var url: String { "http://127.0.0.1:\(port)" }
  /// All requests so far, each as text.
  var requests: [String] { seen.withLock { $0 } }

  func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  private func serve(_ client: Int32, _ script: Script) {
    defer { close(client) }
    var pending: [UInt8] = []
    while let request = Self.nextRequest(client, &pending) {
      seen.withLock { $0.append(request) }
      switch script(request) {
      case .send(let text): Self.send(client, text)
      case .sendAndClose(let text):
        Self.send(client, text)
        return
      case .sendAndHang(let text):
        Self.send(client, text)
        var byte: UInt8 = 0
        _ = recv(client, &byte, 1, 0)
        return
      case .reset:
        var lingering = linger(l_onoff: 1, l_linger: 0)
        setsockopt(client, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
        return
      }
    }
  }

  private static func send(_ client: Int32, _ text: String) {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          client, $0.baseAddress?.advanced(by: sent), bytes.count - sent,
          Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  private static func nextRequest(_ client: Int32, _ pending: inout [UInt8]) -> String? {
    var piece = [UInt8](repeating: 0, count: 65536)
    var wanted: Int?
    while true {
      if wanted == nil, let head = headEnd(pending) {
        let text = String(decoding: pending[..<head], as: UTF8.self).lowercased()
        if text.contains("expect: 100-continue") { send(client, "HTTP/1.1 100 Continue\r\n\r\n") }
        let length = text.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
          .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
        wanted = head + (length ?? 0)
      }
      if let wanted, pending.count >= wanted {
        let request = String(decoding: pending[..<wanted], as: UTF8.self)
        pending.removeFirst(wanted)
        return request
      }
      let got = recv(client, &piece, piece.count, 0)
      guard got > 0 else { return nil }
      pending.append(contentsOf: piece[..<got])
    }
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 4 else { return nil }
    return (4...bytes.count).first { bytes[($0 - 4)..<$0].elementsEqual("\r\n\r\n".utf8) }
  }

  private static func detach(_ body: @escaping @Sendable () -> Void) {
    pthread_detach(startThread(body))
  }
}

/// A thread that runs `body`; to be joined or detached.
func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
  final class Box {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  return thread
}
