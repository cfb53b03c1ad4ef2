import Foundation
import KubeIndex

/// What the places for credentials need to know: the environment and how to send a request.
struct CredentialSettings: Sendable {
  /// Variables that are set and not empty.
  var environment: [String: String]
  var region: String
  /// For the https endpoints (STS, a container's).
  var tls: TLSTrust
  var send: @Sendable (HTTPRequest) throws(TransportError) -> HTTPResponse

  init(
    environment: [String: String], region: String, tls: TLSTrust,
    send: @escaping @Sendable (HTTPRequest) throws(TransportError) -> HTTPResponse
  ) {
    self.environment = environment.filter { !$0.value.isEmpty }
    self.region = region
    self.tls = tls
    self.send = send
  }

  /// All places, in the order in which they are asked.
  var providers: [any CredentialProvider] {
    [
      EnvironmentCredentials(environment: environment),
      WebIdentityCredentials(settings: self),
      ProfileCredentials(settings: self),
      ContainerCredentials(settings: self),
      InstanceCredentials(settings: self),
    ]
  }
}

/// A small text file (token, profile), bounded.
enum SmallFile {
  /// The bytes, or why not.
  static func read(_ path: String) -> Result<[UInt8], Failure> {
    guard let file = FileHandle(forReadingAtPath: path) else {
      let isThere = FileManager.default.fileExists(atPath: path)
      return .failure(
        Failure(isAbsent: !isThere, text: isThere ? "cannot be read" : "is not there"))
    }
    defer { try? file.close() }
    let limit = ServiceLimits.maximumSmallFileByteCount
    guard let data = try? file.read(upToCount: limit + 1) else { return .success([]) }
    guard data.count <= limit else {
      return .failure(Failure(isAbsent: false, text: "is larger than \(limit) bytes"))
    }
    return .success([UInt8](data))
  }

  struct Failure: Error {
    var isAbsent: Bool
    var text: String
  }

  /// The text without white space around it.
  static func readTrimmed(_ path: String) -> Result<String, Failure> {
    read(path).map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }
}
