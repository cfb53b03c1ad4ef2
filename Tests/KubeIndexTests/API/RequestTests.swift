import Foundation
import Testing

@testable import KubeIndex

/// What is sent to the API server.
@Suite struct RequestTests {
  static let urls: [(WatchRequest, String)] = [
    (
      .stream(notOlderThan: nil),
      "https://h/api/v1/pods?watch=true&allowWatchBookmarks=true&sendInitialEvents=true"
        + "&resourceVersionMatch=NotOlderThan&timeoutSeconds=250"
    ),
    (
      .list(limit: 500, notOlderThan: "1 2/&"),
      "https://h/api/v1/pods?limit=500&resourceVersion=1%202%2F%26"
        + "&resourceVersionMatch=NotOlderThan"
    ),
    (
      .listMore(limit: 7, continueToken: "a+b="),
      "https://h/api/v1/pods?limit=7&continue=a%2Bb%3D"
    ),
    (
      .watch(resourceVersion: "99"),
      "https://h/api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds=250"
        + "&resourceVersion=99"
    ),
  ]

  @Test(arguments: urls.indices)
  func url(row: Int) {
    let endpoint = APIServerEndpoint(baseURL: "https://h/")
    #expect(
      Self.urls[row].0.url(base: endpoint.baseURL, kind: .pods, timeoutSeconds: 250)
        == Self.urls[row].1)
  }

  @Test func credentialsAreNeverPrinted() {
    let credentials = APIServerEndpoint.Credentials.token("secret-canary")
    let endpoint = APIServerEndpoint(baseURL: "https://h", credentials: credentials)
    var dumped = ""
    dump(endpoint, to: &dumped)
    for text in ["\(credentials)", "\(endpoint)", String(reflecting: endpoint), dumped] {
      #expect(!text.contains("secret-canary"))
    }
  }

  @Test func tokenFileIsReadAgain() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "token-\(UInt64.random(in: 0...UInt64.max))"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
    var faults: [String] = []
    var source = CredentialSource(
      APIServerEndpoint(baseURL: "https://h", credentials: .tokenFile(path))
    ) { _, reason in faults.append(reason) }
    func header(at seconds: Int64) -> String? { source.authorization(nowSeconds: seconds) }
    func isFresh(at seconds: Int64) -> Bool {
      let refused = source.authorization(nowSeconds: seconds)
      return source.refresh(refused: refused, nowSeconds: seconds)
    }
    #expect(header(at: 0) == nil)
    #expect(faults.count == 1)
    try write("one\n")
    #expect(header(at: 59) == nil)
    #expect(header(at: 60) == "Bearer one")
    try write("two")
    #expect(header(at: 119) == "Bearer one")
    #expect(isFresh(at: 119))
    #expect(header(at: 119) == "Bearer two")
    #expect(!isFresh(at: 120))
    // A request that was under way with the token of before need not be given up.
    let isNewer = source.refresh(refused: "Bearer one", nowSeconds: 120)
    let isSame = !source.refresh(refused: "Bearer two", nowSeconds: 120)
    #expect(isNewer && isSame)
    // A bad or missing file leaves what was read last.
    for bad in ["", " \n", "a b", "a\nb: c"] {
      try write(bad)
      #expect(!isFresh(at: 121))
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(header(at: 999) == "Bearer two")
  }

  @Test func forbiddenNamesTheVerbToAllow() {
    let status = APIStatus(
      status: 403, head: HTTPHead(status: 403, headers: []),
      body: UnsafeRawBufferPointer(start: nil, count: 0), parser: JSONParser())
    let requests: [(WatchRequest, String)] = [
      (.stream(notOlderThan: nil), "403: cannot list pods (the verb is watch)"),
      (.list(limit: 1, notOlderThan: nil), "403: cannot list pods"),
      (.watch(resourceVersion: "1"), "403: cannot watch pods"),
    ]
    for (request, reason) in requests {
      #expect(status.reason(request: request, kind: .pods) == reason)
    }
  }

  /// What a page leaves out would count as deleted.
  @Test func everyItemOfAPageCounts() throws {
    let count = KubeIndexLimits.maximumElements + 1
    var text = #"{"metadata":{"resourceVersion":"1"},"items":[0"#
    for _ in 1..<count { text += ",0" }
    text += "]}"
    var seen = 0
    try withPadded(Array(text.utf8)) { bytes in
      let parser = JSONParser()
      try withExtendedLifetime(parser) {
        try ListPage(bytes, parser: parser).forEachItem { _ in seen += 1 }
      }
    }
    #expect(seen == count)
  }

  static let notEvents = [
    "{}", "[]", "1", "{\"type\":\"ADDED\"}", "{\"type\":\"ADDED\",\"object\":1}",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}", "{\"object\":{}}",
    "{\"type\":\"NEWS\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}",
    "{\"type\":\"ERROR\",\"object\":{}}", "{\"type\":\"BOOKMARK\",\"object\":{}}",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}", "\u{1}", "",
    "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}x",
  ]

  @Test(arguments: notEvents)
  func malformedEvent(text: String) {
    #expect(throws: JSONFault.self) {
      _ = try withPadded(Array(text.utf8)) { try WatchLine($0, parser: JSONParser()) }
    }
  }
}
