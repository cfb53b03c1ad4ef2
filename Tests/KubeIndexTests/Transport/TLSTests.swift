import Foundation
import Testing

@testable import KubeIndex

/// Whom the transport trusts, against a server of the openssl tool: the given roots only, the given
/// name only, and a client certificate where one is wanted.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct TLSTests {
  private let authority: TestAuthority

  init() throws { authority = try TestAuthority() }

  @Test func verifiesRootsAndName() throws {
    let server = try authority.serve(options: [])
    defer { server.stop() }
    let ours = try authority.read("ca.pem")
    let theirs = try authority.read("other-ca.pem")
    let address = "https://127.0.0.1:\(server.port)/"
    // The certificate is for api.test alone.
    let cases: [(TLSTrust, Bool)] = [
      (TLSTrust(rootsPEM: ours, serverName: "api.test"), true),
      (TLSTrust(rootsPEM: theirs, furtherRootsPEM: ours, serverName: "api.test"), true),
      (TLSTrust(furtherRootsPEM: ours, serverName: "api.test"), true),
      (TLSTrust(rootsPEM: ours), false),
      (TLSTrust(rootsPEM: ours, serverName: "other.test"), false),
      (TLSTrust(rootsPEM: theirs, serverName: "api.test"), false),
      (TLSTrust(furtherRootsPEM: theirs, serverName: "api.test"), false),
      (TLSTrust(serverName: "api.test"), false),
    ]
    // One client for all: a connection that other trust made must not be reused.
    let multi = try HTTPMulti()
    for (ordinal, (trust, isGood)) in cases.enumerated() {
      let request = HTTPRequest(url: address, tls: trust, totalTimeout: .seconds(10))
      if isGood {
        let response = try multi.perform(request, maximumBodyByteCount: 1 << 20)
        #expect(response.status == 200, "case \(ordinal)")
      } else {
        let error = #expect(throws: TransportError.self, "case \(ordinal)") {
          try multi.perform(request, maximumBodyByteCount: 1 << 20)
        }
        #expect(error?.reason == .tls, "case \(ordinal): \(error?.message ?? "")")
      }
    }
  }

  @Test func presentsClientCertificate() throws {
    let server = try authority.serve(options: ["-Verify", "1", "-CAfile", "ca.pem"])
    defer { server.stop() }
    var trust = TLSTrust(rootsPEM: try authority.read("ca.pem"), serverName: "api.test")
    let multi = try HTTPMulti()
    let url = "https://127.0.0.1:\(server.port)/"
    #expect(throws: TransportError.self) {
      try multi.perform(
        HTTPRequest(url: url, tls: trust, totalTimeout: .seconds(10)),
        maximumBodyByteCount: 1 << 20)
    }
    trust.clientCertificatePEM = try authority.read("client.pem")
    trust.clientKeyPEM = try authority.read("client.key")
    let response = try multi.perform(
      HTTPRequest(url: url, tls: trust, totalTimeout: .seconds(10)), maximumBodyByteCount: 1 << 20)
    #expect(response.status == 200)
  }
}

/// A CA of the test's own, another one, a server and a client certificate, in a temporary
/// directory.
private final class TestAuthority {
  private let directory: String

  init() throws {
    directory = NSTemporaryDirectory() + "/tls-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    for name in ["ca", "other-ca"] {
      try openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(name).key", "-out",
        "\(name).pem", "-days", "2", "-subj", "/CN=\(name)")
    }
    for name in ["api.test", "client"] {
      let stem = name == "client" ? "client" : "server"
      try "subjectAltName=DNS:\(name)\n".write(
        toFile: "\(directory)/\(stem).san", atomically: true, encoding: .utf8)
      try openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(stem).key", "-out", "\(stem).csr",
        "-subj", "/CN=\(name)")
      try openssl(
        "x509", "-req", "-in", "\(stem).csr", "-CA", "ca.pem", "-CAkey", "ca.key",
        "-CAcreateserial", "-days", "2", "-extfile", "\(stem).san", "-out", "\(stem).pem")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func read(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
  }

  private func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    return process
  }

  private func openssl(_ arguments: String...) throws {
    let process = process(arguments)
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  struct Running {
    let port: Int
    let process: Process

    func stop() {
      // Not SIGTERM: it is blocked in what a thread of the test runner starts.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  /// `openssl s_server -www` on a free port, which its output names.
  func serve(options: [String]) throws -> Running {
    let process = process(
      ["s_server", "-accept", "127.0.0.1:0", "-cert", "server.pem", "-key", "server.key", "-www"]
        + options)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var text = ""
    while !text.contains("\n") || !text.contains("ACCEPT") {
      let data = output.fileHandleForReading.availableData
      try #require(!data.isEmpty, "openssl s_server ended")
      text += String(decoding: data, as: UTF8.self)
    }
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ACCEPT") })
    let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
    return Running(port: port, process: process)
  }
}
