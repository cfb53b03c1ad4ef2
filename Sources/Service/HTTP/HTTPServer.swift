import Glibc
import Ingest
import NIOCore
import NIOPosix

/// Listens, and spreads connections over event loops.
final class HTTPServer: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let loops: [LoopContext]
  let shared: HTTPShared

  /// Binds and listens; throws when the address cannot be had.
  /// `sendBufferByteCount`: what the system holds of a connection's answers; nil: as it sees fit.
  init(
    host: String, port: Int, loopCount: Int, shared: HTTPShared, sendBufferByteCount: Int? = nil
  ) throws {
    self.shared = shared
    group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, loopCount))
    let loops = group.makeIterator().map { LoopContext(eventLoop: $0, shared: shared) }
    self.loops = loops
    for loop in loops {
      loop.eventLoop.execute { loop.start() }
    }
    var bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: ServiceLimits.listenBacklog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: ServiceLimits.readsPerWakeup)
      .childChannelOption(
        .recvAllocator,
        value: FixedSizeRecvByteBufferAllocator(capacity: ServiceLimits.receiveBufferByteCount)
      )
      .childChannelOption(
        .writeBufferWaterMark,
        value: ChannelOptions.Types.WriteBufferWaterMark(
          low: ServiceLimits.writeHighWaterByteCount / 2,
          high: ServiceLimits.writeHighWaterByteCount)
      )
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
            preconditionFailure("a connection belongs to one of the group's loops")
          }
          try channel.pipeline.syncOperations.addHandler(HTTPConnection(loop: loop))
        }
      }
    if let sendBufferByteCount {
      bootstrap = bootstrap.childChannelOption(
        .socketOption(.so_sndbuf), value: SocketOptionValue(sendBufferByteCount))
    }
    do {
      channel = try bootstrap.bind(host: host, port: port).wait()
    } catch {
      try? group.syncShutdownGracefully()
      throw error
    }
    let channel = channel
    shared.gate.attach { isPaused in
      // Never at once, since the gate is locked; loops keep the order of what they are handed.
      channel.eventLoop.execute {
        channel.setOption(.autoRead, value: !isPaused).whenFailure { _ in }
      }
    }
  }

  /// The port that is listened on, also when any was asked for.
  var port: Int { channel.localAddress?.port ?? 0 }

  /// From now on connections that wait for a request are closed; called once reports are refused.
  func closeIdleConnections() {
    for loop in loops {
      loop.eventLoop.execute { loop.closeIdleConnections() }
    }
  }

  /// Stops listening and ends all connections.
  func stop() {
    try? channel.close().wait()
    try? group.syncShutdownGracefully()
  }

  /// Event loops for a machine with this many processors.
  static func loopCount(processorCount: Int) -> Int {
    min(ServiceLimits.maximumEventLoopCount, max(1, processorCount / 2))
  }
}
