import CFleet
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// The API server of the simulated cluster: HTTPS on loopback, one thread.
final class APIServer: Sendable {
  let port: Int
  /// PEM of the authority that signed the server's certificate.
  let authority: String
  let token: String
  let counters = APICounters()
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let watchers: NIOLoopBound<WatcherRegistry>
  private let isWakePending = Atomic<Bool>(false)

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Listens on 127.0.0.1; port 0 takes a free one.
  init(cluster: Cluster, port: Int) throws {
    let certificates = try APIServer.makeCertificates()
    authority = certificates.authority
    token = APIServer.makeToken()
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificates.certificate.utf8))
        .map { .certificate($0) },
      privateKey: .privateKey(
        try NIOSSLPrivateKey(bytes: Array(certificates.privateKey.utf8), format: .pem)))
    configuration.applicationProtocols = ["http/1.1"]
    let tls = try NIOSSLContext(configuration: configuration)
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let (token, counters) = (token, counters)
    watchers = try loop.submit { NIOLoopBound(WatcherRegistry(), eventLoop: loop) }.wait()
    let watchers = watchers
    channel = try ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 128)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLServerHandler(context: tls))
          try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
          try pipeline.addHandler(
            APIHandler(
              cluster: cluster, token: token, watchers: watchers.value, counters: counters))
        }
      }
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 256 * 1024, high: 1024 * 1024))
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: "127.0.0.1", port: port).wait()
    self.port = channel.localAddress?.port ?? port
  }

  /// Tells the open watches that there is something new.
  func wake() {
    guard !isWakePending.exchange(true, ordering: .acquiringAndReleasing) else { return }
    let watchers = watchers
    channel.eventLoop.execute { [self] in
      isWakePending.store(false, ordering: .releasing)
      watchers.value.pumpAll()
    }
  }

  /// Takes no more connections, ends the open watches and then everything.
  func stop() throws {
    try channel.close().wait()
    let watchers = watchers
    try channel.eventLoop.submit { watchers.value.finishAll() }.wait()
    try group.syncShutdownGracefully()
  }

  private static func makeCertificates() throws -> (
    authority: String, certificate: String, privateKey: String
  ) {
    let capacity = Int(CFLEET_PEM_CAPACITY)
    return try withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity * 3) { texts in
      guard let base = texts.baseAddress,
        cfleet_make_certificates(base, base + capacity, base + 2 * capacity) == 0
      else { throw Failure(description: "OpenSSL could not make the certificates") }
      let (certificate, key) = (base + capacity, base + 2 * capacity)
      return (String(cString: base), String(cString: certificate), String(cString: key))
    }
  }

  private static func makeToken() -> String {
    var writer = ByteWriter()
    for _ in 0..<2 { writer.append(hex: UInt64.random(in: 0...UInt64.max), digits: 16) }
    return writer.text
  }

  /// A kubeconfig for this server, complete in itself.
  var kubeconfig: String {
    """
    apiVersion: v1
    kind: Config
    clusters:
    - name: fleet
      cluster:
        server: https://127.0.0.1:\(port)
        certificate-authority-data: \(Base64.encodePlain(authority))
    users:
    - name: fleet
      user:
        token: \(token)
    contexts:
    - name: fleet
      context:
        cluster: fleet
        user: fleet
    current-context: fleet

    """
  }
}
