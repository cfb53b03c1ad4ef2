import Foundation
import KubeIndex
import Synchronization
import Testing

@testable import Service

/// The places that credentials come from: their order, what each reads, and that nothing prints a
/// secret.
struct CredentialTests {
  /// Settings whose requests are answered by `answer`.
  private func settings(
    _ environment: [String: String],
    _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse? = { _ in nil }
  ) -> CredentialSettings {
    CredentialSettings(
      environment: environment, region: "eu-west-1", tls: TLSTrust(),
      send: { (request) throws(TransportError) in
        guard let response = answer(request) else {
          throw TransportError(reason: .connect, message: "nobody there")
        }
        return response
      })
  }

  private func response(_ status: Int, _ body: String) -> HTTPResponse {
    HTTPResponse(head: HTTPHead(status: status, headers: []), body: Array(body.utf8))
  }

  private func withFile<R>(_ text: String, _ body: (String) throws -> R) rethrows -> R {
    let path = NSTemporaryDirectory() + "/credentials-\(UUID().uuidString)"
    _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private static let expiry = "2026-11-24T14:00:00Z"
  private static let document =
    #"{"Code":"Success","AccessKeyId":"AK","SecretAccessKey":"SK","Token":"TK","#
    + #""Expiration":"2026-11-24T14:00:00Z"}"#
  private static let expected = Credentials(
    accessKeyID: "AK", secretAccessKey: "SK", sessionToken: "TK",
    expiration: 1_795_528_800)

  @Test func secretIsNeverPrinted() {
    let credentials = Self.expected
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), dumped] {
      #expect(!text.contains("SK"))
      #expect(!text.contains("TK"))
    }
  }

  @Test func environmentComesWhole() {
    let found = EnvironmentCredentials(environment: [
      "AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_SESSION_TOKEN": "TK",
    ]).load()
    guard case .found(let credentials) = found else { Issue.record("\(found)"); return }
    #expect(credentials.sessionToken?.revealed == "TK")
    for half in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
      guard case .failed = EnvironmentCredentials(environment: [half: "x"]).load() else {
        Issue.record("half of a pair must be an error")
        return
      }
    }
  }

  @Test func profileFileReadsSections() {
    let file = ProfileFile(
      """
      # comment
      [default]
      aws_access_key_id = A
      AWS_Secret_Access_Key=b=c  # not part of it
      s3 =
        max = 1
      [ profile   dev ] ; x
      role_arn = r#1
      """)
    #expect(file.sections["default"]?["aws_access_key_id"] == "A")
    #expect(file.sections["default"]?["aws_secret_access_key"] == "b=c")
    #expect(file.sections["profile dev"]?["role_arn"] == "r#1")
  }

  @Test func profileComesFromCredentialsBeforeConfig() {
    withFile("[p]\naws_access_key_id=AK\naws_secret_access_key=SK\n") { credentialsPath in
      withFile("[profile p]\naws_access_key_id=other\naws_session_token=TK\n") { configPath in
        let answer = ProfileCredentials(
          settings: settings([
            "AWS_PROFILE": "p", "AWS_SHARED_CREDENTIALS_FILE": credentialsPath,
            "AWS_CONFIG_FILE": configPath,
          ])
        ).load()
        guard case .found(let found) = answer else { Issue.record("\(answer)"); return }
        #expect(found.accessKeyID == "AK")
      }
    }
  }

  /// A profile that was asked for by name and is not there is an error, not "ask the next".
  @Test func namedProfileMustExist() {
    let missing = [
      "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/a", "AWS_CONFIG_FILE": "/nonexistent/b",
    ]
    guard case .absent = ProfileCredentials(settings: settings(missing)).load(),
      case .failed = ProfileCredentials(
        settings: settings(missing.merging(["AWS_PROFILE": "p"]) { $1 })
      ).load()
    else {
      Issue.record("wrong answer")
      return
    }
  }

  @Test func webIdentityAsksSTS() throws {
    let seen = Mutex<HTTPRequest?>(nil)
    let answer = withFile("token+1\n") { path in
      WebIdentityCredentials(
        settings: settings([
          "AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
        ]) { request in
          seen.withLock { $0 = request }
          return response(
            200,
            """
            <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <AssumeRoleWithWebIdentityResult><Credentials><SessionToken>TK</SessionToken>
            <SecretAccessKey>SK</SecretAccessKey><Expiration>\(Self.expiry)</Expiration>
            <AccessKeyId>AK</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>
            </AssumeRoleWithWebIdentityResponse>
            """)
        }
      ).load()
    }
    guard case .found(let found) = answer else { Issue.record("\(answer)"); return }
    #expect(found == Self.expected)
    let request = try #require(seen.withLock { $0 })
    #expect(request.url == "https://sts.eu-west-1.amazonaws.com/")
    guard case .bytes(let body) = request.body else { Issue.record("no body"); return }
    #expect(
      String(decoding: body, as: UTF8.self)
        == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
        + "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fx&RoleSessionName=aggregator"
        + "&WebIdentityToken=token%2B1")
  }

  @Test func webIdentityErrorIsNamed() {
    let answer = withFile("t") { path in
      WebIdentityCredentials(
        settings: settings(["AWS_WEB_IDENTITY_TOKEN_FILE": path, "AWS_ROLE_ARN": "r"]) { _ in
          response(
            400, "<E><Error><Code>InvalidIdentityToken</Code><Message>m</Message></Error></E>")
        }
      ).load()
    }
    guard case .failed(let why) = answer else { Issue.record("\(answer)"); return }
    #expect(why.contains("400 InvalidIdentityToken m"))
  }

  @Test func containerTokenFileIsReadEachTime() {
    withFile("first") { path in
      let seen = Mutex<[String]>([])
      let provider = ContainerCredentials(
        settings: settings([
          "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path,
        ]) { request in
          let token = request.headers.first { $0.name == "Authorization" }?.value ?? ""
          seen.withLock { $0.append(token) }
          return response(200, Self.document)
        })
      for text in ["first", "second"] {
        try? text.write(toFile: path, atomically: false, encoding: .utf8)
        guard case .found(let found) = provider.load() else { Issue.record("not found"); return }
        #expect(found == Self.expected)
      }
      #expect(seen.withLock { $0 } == ["first", "second"])
    }
  }

  @Test(arguments: [
    ("127.0.0.1", true), ("127.9.9.9", true), ("localhost", true), ("[::1]", true),
    ("169.254.170.2", true), ("169.254.170.23", true), ("[fd00:ec2::23]", true),
    ("127.0.0.1.evil.com", false), ("127.evil", false), ("10.0.0.1", false),
    ("169.254.169.254", false),
  ])
  func plainContainerHosts(host: String, isAllowed: Bool) {
    #expect(ContainerCredentials.mayBePlain(host) == isAllowed)
  }

  @Test func instanceAsksTokenRoleAndKeys() {
    let urls = Mutex<[String]>([])
    let answer = InstanceCredentials(
      settings: settings(["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1/"]) { request in
        urls.withLock { $0.append("\(request.method) \(request.url)") }
        if request.method == "PUT" { return response(200, "T") }
        guard request.headers.contains(where: { $0.value == "T" }) else { return response(401, "") }
        return response(200, request.url.hasSuffix("/") ? "role-1" : Self.document)
      }
    ).load()
    guard case .found(let found) = answer else { Issue.record("\(answer)"); return }
    #expect(found == Self.expected)
    #expect(
      urls.withLock { $0 } == [
        "PUT http://127.0.0.1:1/latest/api/token",
        "GET http://127.0.0.1:1/latest/meta-data/iam/security-credentials/",
        "GET http://127.0.0.1:1/latest/meta-data/iam/security-credentials/role-1",
      ])
  }

  @Test func noneFoundNamesEveryPlace() throws {
    let settings = settings([
      "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
    ])
    let chain = CredentialChain(
      providers: settings.providers, clock: ManualClock(), events: { _ in })
    let failure = try #require(throws: CredentialChain.Failure.self) { try chain.credentials() }
    for place in [
      "environment", "web identity", "shared profile files", "/nonexistent/.aws/credentials",
      "container credentials", "instance metadata",
    ] {
      #expect(failure.message.contains(place), "\(place) in: \(failure.message)")
    }
    #expect(!failure.message.contains("\n"))
  }

  private struct Scripted: CredentialProvider {
    let name = "scripted"
    let answers: Mutexed<[CredentialAnswer]>
    func load() -> CredentialAnswer {
      answers.value.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
    }
  }

  private final class Mutexed<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
  }

  private func answer(_ id: String, expires: Double?) -> CredentialAnswer {
    .found(Credentials(accessKeyID: id, secretAccessKey: "s", expiration: expires))
  }

  @Test func renewsBeforeExpiryAndOutlivesFailedRenewal() throws {
    let clock = ManualClock(wallSeconds: 0)
    let provider = Scripted(
      answers: Mutexed([
        answer("a", expires: 3600), .failed("down"), answer("b", expires: 7200), .failed("down"),
      ]))
    let chain = CredentialChain(providers: [provider], clock: clock, events: { _ in })
    #expect(try chain.credentials().accessKeyID == "a")
    clock.advance(2999)
    #expect(try chain.credentials().accessKeyID == "a")
    // 10 minutes before the end a renewal is tried; it fails, and the old ones are still good.
    clock.advance(2)
    #expect(try chain.credentials().accessKeyID == "a")
    clock.advance(31)
    #expect(try chain.credentials().accessKeyID == "b")
    // Within the last minute there is no way around new ones.
    clock.advance(4140)
    #expect(throws: CredentialChain.Failure.self) { try chain.credentials() }
  }

  /// A machine's clock may be a day ahead; credentials that are given as over are tried all the
  /// same, and not asked for with each request.
  @Test func credentialsGivenAsExpiredAreUsedForAWhile() throws {
    let clock = ManualClock(wallSeconds: 100_000)
    let provider = Scripted(
      answers: Mutexed([answer("a", expires: 3600), answer("b", expires: 7200)]))
    let chain = CredentialChain(providers: [provider], clock: clock, events: { _ in })
    #expect(try chain.credentials().accessKeyID == "a")
    clock.advance(200)
    #expect(try chain.credentials().accessKeyID == "a")
    clock.advance(200)
    #expect(try chain.credentials().accessKeyID == "b")
  }

  @Test func refusedCredentialsAreAskedForAgain() throws {
    let provider = Scripted(
      answers: Mutexed([answer("a", expires: nil), answer("b", expires: nil)]))
    let chain = CredentialChain(providers: [provider], clock: ManualClock(), events: { _ in })
    let first = try chain.credentials()
    #expect(chain.invalidate(first))
    #expect(try chain.credentials().accessKeyID == "b")
    // Another thread's late complaint about the old ones changes nothing.
    #expect(chain.invalidate(first))
    #expect(try chain.credentials().accessKeyID == "b")
  }
}

/// A clock that moves only when told; sleeping moves it.
final class ManualClock: StoreClock {
  private let seconds: Mutex<Double>

  init(wallSeconds: Double = 1_795_000_000) { seconds = Mutex(wallSeconds) }

  var wallSeconds: Double { seconds.withLock { $0 } }
  var uptime: Duration { .seconds(wallSeconds) }
  func sleep(_ duration: Duration) { advance(duration.inSeconds) }
  func interrupt() {}
  func advance(_ by: Double) { seconds.withLock { $0 += by } }
}
