import Testing

@testable import KubeIndex

/// Every recorded list and stream of a real server is read, and looks as it should.
@Suite struct RecordedListTests {
  static let kinds: [(ObjectKind, Int)] = [
    (.nodes, 5), (.pods, 60), (.persistentVolumeClaims, 13), (.persistentVolumes, 14),
  ]

  func records(_ kind: ObjectKind, page: Recording) throws -> ([ObjectRecord], ListPage) {
    let parser = JSONParser()
    let builder = RecordBuilder()
    builder.onFault = { Issue.record("fault: \($0)") }
    return try withPadded(page.body) { bytes in
      let page = try ListPage(bytes, parser: parser)
      var records: [ObjectRecord] = []
      page.forEachItem { item in
        do { records.append(try builder.record(kind, item)) } catch { Issue.record("\(error)") }
      }
      return (records, page)
    }
  }

  @Test(arguments: kinds)
  func list(kind: ObjectKind, count: Int) throws {
    let (records, page) = try records(kind, page: Recording("list/list-\(kind.resource)-json"))
    #expect(records.count == count)
    #expect(page.continueToken == nil)
    #expect(!page.resourceVersion.isEmpty)
  }

  @Test func pages() throws {
    var count = 0
    for number in 1...9 {
      let (records, page) = try records(
        .pods, page: Recording("paginated/pods-json-page0\(number)"))
      count += records.count
      #expect((page.continueToken == nil) == (number == 9))
    }
    #expect(count == 60)
  }

  @Test func emptyList() throws {
    #expect(try records(.pods, page: Recording("list/list-pods-empty-json")).0.isEmpty)
  }

  @Test(arguments: kinds)
  func stream(kind: ObjectKind, count: Int) throws {
    let parser = JSONParser()
    let builder = RecordBuilder()
    var added = 0
    var hasEnded = false
    for line in try Recording("watchlist/watchlist-\(kind.resource)-json").lines {
      try withPadded(line) { bytes in
        switch try WatchLine(bytes, parser: parser) {
        case .applied(let isNew, let object, _):
          #expect(isNew && !hasEnded)
          _ = try builder.record(kind, object)
          added += 1
        case .bookmark(_, let version, let isEnd):
          #expect(isEnd && !version.isEmpty)
          hasEnded = true
        case .deleted, .error: Issue.record("unexpected event")
        }
      }
    }
    #expect(added == count && hasEnded)
  }

  @Test(arguments: ObjectKind.allCases)
  func watch(kind: ObjectKind) throws {
    let parser = JSONParser()
    let builder = RecordBuilder()
    var types: [String: Int] = [:]
    for line in try Recording("watch/watch-\(kind.resource)-json").lines {
      try withPadded(line) { bytes in
        switch try WatchLine(bytes, parser: parser) {
        case .applied(let isNew, let object, _):
          _ = try builder.record(kind, object)
          types[isNew ? "ADDED" : "MODIFIED", default: 0] += 1
        case .deleted(let object, _):
          _ = try builder.record(kind, object)
          types["DELETED", default: 0] += 1
        case .bookmark(_, _, let isEnd):
          #expect(!isEnd)
          types["BOOKMARK", default: 0] += 1
        case .error: Issue.record("unexpected error")
        }
      }
    }
    #expect(types["ADDED", default: 0] > 0 && types["MODIFIED", default: 0] > 0)
    #expect(types["DELETED", default: 0] > 0 && types["BOOKMARK", default: 0] > 0)
  }

  @Test(arguments: ObjectKind.allCases)
  func goneIsAnErrorEvent(kind: ObjectKind) throws {
    let parser = JSONParser()
    let recording = try Recording("gone410/watch-\(kind.resource)-old-rv-json")
    #expect(recording.status == 200)
    try withPadded(try #require(recording.lines.first)) { bytes in
      guard case .error(let status, _) = try WatchLine(bytes, parser: parser) else {
        Issue.record("no error")
        return
      }
      #expect(status.code == 410)
      #expect(status.message.hasPrefix("too old resource version"))
    }
  }

  static let refusals: [(name: String, status: Int, retryAfter: Int?, reason: String)] = [
    (
      "errors/403-serviceaccount-list-persistentvolumeclaims-json", 403, nil,
      "403: cannot list persistentvolumeclaims"
    ),
    ("errors/401-bad-token-json", 401, nil, "401: cannot list persistentvolumeclaims"),
    (
      "errors/429-list-pods-json", 429, 1, "429: Too many requests, please try again later."
    ),
    (
      "errors/504-too-large-rv-list", 504, 1,
      "504: Timeout: Too large resource version: 999999999, current: 521"
    ),
  ]

  @Test(arguments: refusals)
  func refusal(name: String, status: Int, retryAfter: Int?, reason: String) throws {
    let recording = try Recording(name)
    let parsed = withPadded(recording.body) {
      APIStatus(status: recording.status, head: recording.head, body: $0, parser: JSONParser())
    }
    #expect(parsed.code == status)
    #expect(parsed.retryAfterSeconds == retryAfter)
    let request = WatchRequest.list(limit: 1, notOlderThan: nil)
    #expect(parsed.reason(request: request, kind: .persistentVolumeClaims) == reason)
  }
}
