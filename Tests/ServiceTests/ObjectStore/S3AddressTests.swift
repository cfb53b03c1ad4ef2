import Testing

@testable import Service

/// Where requests go, and that credentials never follow a redirect to someone else's host.
struct S3AddressTests {
  private func address(_ endpoint: String?, bucket: String = "b", region: String = "eu-west-1")
    throws
    -> S3Address
  {
    try #require(S3Address(bucket: bucket, region: region, endpoint: endpoint))
  }

  @Test func choosesStyle() throws {
    let aws = try address(nil)
    #expect(aws.url == "https://b.s3.eu-west-1.amazonaws.com")
    #expect(aws.path("k/a=b") == "/k/a%3Db")
    #expect(aws.path(nil) == "/")
    let dotted = try address(nil, bucket: "b.c")
    #expect(dotted.url + dotted.path("k") == "https://s3.eu-west-1.amazonaws.com/b.c/k")
    let custom = try address("http://127.0.0.1:9000/base/")
    #expect(custom.url + custom.path("k") == "http://127.0.0.1:9000/base/b/k")
    #expect(custom.path(nil) == "/base/b")
    #expect(try address("https://h:443").host == "h")
    #expect(
      try address(nil, region: "cn-north-1").url == "https://b.s3.cn-north-1.amazonaws.com.cn")
  }

  @Test(arguments: ["", "h", "ftp://h", "http://", "http://h?x", "http://u@h", "http://h#f"])
  func refusesEndpoint(endpoint: String) {
    #expect(S3Address(bucket: "b", region: "r", endpoint: endpoint) == nil)
  }

  @Test(arguments: [
    ("https://b.s3.us-west-2.amazonaws.com/k", true),
    ("https://s3.us-west-2.amazonaws.com/b/k", true),
    ("http://b.s3.us-west-2.amazonaws.com/k", false),
    ("https://evil.com/", false), ("https://amazonaws.com.evil.com/", false),
    ("https://evilamazonaws.com/", false), ("https://b.s3.eu-west-1.amazonaws.com/", false),
    ("/k", false),
  ])
  func followsOnlyWithinAWS(location: String, isFollowed: Bool) throws {
    #expect((try address(nil).redirected(to: location) != nil) == isFollowed)
  }

  @Test(arguments: [
    ("https://node7.store.example/b/k", true), ("https://store.example.evil/b", false),
    ("https://xstore.example/", false), ("http://node7.store.example/", false),
  ])
  func followsOnlyWithinEndpoint(location: String, isFollowed: Bool) throws {
    #expect(
      (try address("https://store.example").redirected(to: location) != nil) == isFollowed)
  }

  /// Another region moves the host of AWS, and at an own endpoint the signature only.
  @Test func changesRegion() throws {
    #expect(
      try address(nil).inRegion("us-west-2").url == "https://b.s3.us-west-2.amazonaws.com")
    let custom = try address("http://h:1").inRegion("x-1")
    #expect(custom.url == "http://h:1")
    #expect(custom.region == "x-1")
  }

  @Test func backoffHasFullJitterAndCap() {
    let backoff = Backoff(base: 0.5, maximum: 8)
    #expect(
      [1, 2, 3, 4, 5, 6, 1000].map { backoff.seconds(afterFailures: $0, random: 1) }
        == [0.5, 1, 2, 4, 8, 8, 8])
    #expect(backoff.seconds(afterFailures: 5, random: 0) == 0)
  }
}
