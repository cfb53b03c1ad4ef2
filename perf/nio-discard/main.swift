import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// The least that a server on SwiftNIO can do with a POST: its HTTP decoder reads it, nobody looks
/// at the body, and 200 goes back. What the service costs is compared with this.
///
///     nio-discard [LOOPS]     listens on 127.0.0.1, prints the port, ends with SIGTERM
///
/// Sockets are set up as the service sets up its own, so that what differs is what is done with a
/// request.
final class Discard: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private static let body = ByteBuffer(staticString: #"{"status":"ok"}"#)
  private static let headers = HTTPHeaders([
    ("Content-Type", "application/json"), ("Content-Length", "15"),
  ])

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .end = unwrapInboundIn(data) else { return }
    let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: Self.headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(Self.body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

let loopCount = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1
let group = MultiThreadedEventLoopGroup(numberOfThreads: loopCount)
let channel = try ServerBootstrap(group: group)
  .serverChannelOption(.backlog, value: 4096)
  .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
  .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  .childChannelOption(.maxMessagesPerRead, value: 2)
  .childChannelOption(
    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 8 * 1024)
  )
  .childChannelInitializer { channel in
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.configureHTTPServerPipeline(
        withPipeliningAssistance: false)
      try channel.pipeline.syncOperations.addHandler(Discard())
    }
  }
  .bind(host: "127.0.0.1", port: 0).wait()
let line = "listening on 127.0.0.1:\(channel.localAddress?.port ?? 0)\n"
// Not `print`: its buffer is written at the end when the output is a file.
_ = line.withCString { write(STDOUT_FILENO, $0, strlen($0)) }
try channel.closeFuture.wait()
