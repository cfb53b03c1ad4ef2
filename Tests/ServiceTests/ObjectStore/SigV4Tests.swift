import Testing

@testable import Service

/// Signatures that AWS publishes: a wrong one locks the service out of every bucket.
struct SigV4Tests {
  private static let s3Credentials = Credentials(
    accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
  )
  private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

  /// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature
  /// Version 4)", transferring the payload in a single chunk.
  @Test(
    arguments: [
      (
        "GET", "/test.txt", "", [("Range", "bytes=0-9")], emptyHash,
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
      ),
      (
        "PUT", "/test%24file.text", "",
        [("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
      ),
      (
        "GET", "/", "lifecycle=", [], emptyHash,
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
      ),
      (
        "GET", "/", "max-keys=2&prefix=J", [], emptyHash,
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
      ),
    ] as [(String, String, String, [(String, String)], String, String)])
  func signsPublishedS3Examples(
    method: String, path: String, query: String, headers: [(String, String)], hash: String,
    signature: String
  ) throws {
    let time = try #require(UTCTime(extendedFormat: "2013-05-24T00:00:00Z"))
    let fields =
      headers + [
        ("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", hash),
        ("x-amz-date", "20130524T000000Z"),
      ]
    let authorization = SigV4(region: "us-east-1", service: "s3").authorization(
      SigV4.Request(
        method: method, path: path, query: query, headers: fields, payloadHash: hash),
      credentials: Self.s3Credentials, wallSeconds: time.secondsSince1970)
    #expect(authorization.hasSuffix("Signature=\(signature)"))
    #expect(
      authorization.hasPrefix(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
  }

  /// From the Signature Version 4 test suite: get-vanilla, get-vanilla-query-order-key-case,
  /// post-header-value-case, get-header-value-trim.
  @Test(
    arguments: [
      ("GET", "", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
      (
        "GET", "Param1=value1&Param2=value2", [],
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
      ),
      (
        "POST", "", [("My-Header1", "VALUE1")],
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
      ),
      (
        "GET", "", [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
      ),
    ] as [(String, String, [(String, String)], String)])
  func signsPublishedSuite(
    method: String, query: String, headers: [(String, String)], signature: String
  ) throws {
    let time = try #require(UTCTime(extendedFormat: "2015-08-30T12:36:00Z"))
    let authorization = SigV4(region: "us-east-1", service: "service").authorization(
      SigV4.Request(
        method: method, path: "/", query: query,
        headers: headers + [("Host", "example.amazonaws.com"), ("X-Amz-Date", "20150830T123600Z")],
        payloadHash: Self.emptyHash),
      credentials: Credentials(
        accessKeyID: "AKIDEXAMPLE",
        secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
      wallSeconds: time.secondsSince1970)
    #expect(authorization.hasSuffix("Signature=\(signature)"))
  }

  /// Keys of ours hold `=` and `%`; nothing in a path is folded or encoded twice.
  @Test(arguments: [
    ("a/cluster_name=x%2Fy/dt=2026-11-24/../z", "a/cluster_name%3Dx%252Fy/dt%3D2026-11-24/../z"),
    ("a b+ü~", "a%20b%2B%C3%BC~"), ("//", "//"),
  ])
  func encodesPath(key: String, wanted: String) {
    #expect(URIEncoding.path(key) == wanted)
  }

  @Test func sortsQuery() {
    let query = URIEncoding.query([
      ("uploadId", "a/b="), ("partNumber", "2"), ("uploads", ""), ("X", "1"),
    ])
    #expect(query == "X=1&partNumber=2&uploadId=a%2Fb%3D&uploads=")
  }

  @Test(arguments: [
    ("2026-11-24T14:05:09Z", "20261124T140509Z", 1_795_529_109.0),
    ("2000-02-29T23:59:59.999Z", "20000229T235959Z", 951_868_799.0),
    ("1970-01-01T00:00:00Z", "19700101T000000Z", 0.0),
    ("1969-12-31T23:59:59Z", "19691231T235959Z", -1.0),
  ])
  func convertsTime(text: String, basic: String, seconds: Double) throws {
    let time = try #require(UTCTime(extendedFormat: text))
    #expect(time.secondsSince1970 == seconds)
    #expect(UTCTime(secondsSince1970: seconds) == time)
    #expect(time.basicFormat == basic)
  }

  @Test func readsHTTPDates() throws {
    let time = try #require(UTCTime(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT"))
    #expect(time.basicFormat == "19941106T084937Z")
    for text in ["", "Sun, 06 Nov 1994", "Sunday, 06-Nov-94 08:49:37 GMT", "a b c d e GMT"] {
      #expect(UTCTime(httpDate: text) == nil)
    }
  }
}
