import KubeIndex
import Testing

@testable import Service

/// What S3 answers decides whether an upload counts as done, so only well-closed documents count.
struct XMLElementTests {
  private func parse(_ text: String) -> XMLElement? { XMLElement.parse(Array(text.utf8)) }

  @Test func readsListAnswer() throws {
    let root = try #require(
      parse(
        """
        \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
        <!-- page 1 -->
        <s3:ListMultipartUploadsResult xmlns:s3="http://x/?a>b" flag='y'>
          <s3:Upload><Key>a&amp;b&#x2F;c&lt;d</Key><UploadId><![CDATA[x<&y]]></UploadId></s3:Upload>
          <Upload><Key>e</Key><UploadId/></Upload>
          <IsTruncated>false</IsTruncated >
        </s3:ListMultipartUploadsResult>

        """))
    #expect(root.name == "ListMultipartUploadsResult")
    #expect(
      root.children.filter { $0.name == "Upload" }.map { $0["Key"]?.text } == ["a&b/c<d", "e"])
    #expect(root["Upload"]?["UploadId"]?.text == "x<&y")
    #expect(root.children[1]["UploadId"]?.text == "")
    #expect(root["IsTruncated"]?.text == "false")
  }

  @Test(arguments: [
    "", "  ", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a/>x", "x<a/>",
    "<a>&foo;</a>",
    "<a>&#0;</a>", "<a>&#xD800;</a>", "<a", "<", "<>", "</a>", "<a b=\"></a>",
    "<!DOCTYPE a [ ]><a/>",
    "<a><!-- </a>", "<a><![CDATA[</a>", "<a>&</a>",
  ])
  func refusesWhatDoesNotClose(text: String) {
    #expect(parse(text) == nil)
  }

  @Test func boundsDepth() {
    let deep = 100
    let text =
      String(repeating: "<a>", count: deep) + String(repeating: "</a>", count: deep)
    #expect(parse(text) == nil)
  }

  /// A cut anywhere makes no document: a connection that breaks never looks like success.
  @Test func refusesEveryPrefix() {
    let whole = "<?xml version='1.0'?><R a=\"1\"><ETag>&quot;x&quot;</ETag></R>"
    for count in 0..<whole.utf8.count {
      #expect(XMLElement.parse(Array(whole.utf8.prefix(count))) == nil)
    }
    #expect(parse(whole)?["ETag"]?.text == "\"x\"")
  }

  /// Random bytes must neither trap nor be taken for an answer.
  @Test func survivesNoise() {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("XMLElementTests.survivesNoise seed \(seed)")
    var random = SplitMix(seed: seed)
    let alphabet = Array("<>/&;!-[]=\"' a#x1".utf8)
    for _ in 0..<5000 {
      let count = Int.random(in: 0..<40, using: &random)
      let bytes = (0..<count).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }
      _ = XMLElement.parse(bytes)
    }
  }

  @Test(arguments: [
    (200, "<Error><Code>InternalError</Code></Error>", StoreFailure.Kind.unknown),
    (403, "<Error><Code>AccessDenied</Code></Error>", .accessDenied),
    (404, "<Error><Code>NoSuchUpload</Code></Error>", .noSuchUpload),
    (404, "", .noSuchKey), (412, "", .preconditionFailed), (409, "", .conflict),
    (500, "<html>", .unknown), (503, "<Error><Code>SlowDown</Code></Error>", .throttled),
    (429, "", .throttled), (501, "", .notImplemented),
    (400, "<Error><Code>X</Code></Error>", .rejected),
    (400, "<Error><Code>InvalidPart</Code></Error>", .invalidPart),
  ])
  func namesErrors(status: Int, body: String, kind: StoreFailure.Kind) {
    let response = HTTPResponse(
      head: HTTPHead(status: status, headers: []), body: Array(body.utf8))
    #expect(S3Error(response)?.kind == kind)
  }

  @Test func successIsNoError() {
    for body in ["", "<R/>", "whatever"] {
      let response = HTTPResponse(
        head: HTTPHead(status: 200, headers: []), body: Array(body.utf8))
      #expect(S3Error(response) == nil)
    }
  }
}

/// SplitMix64: a small generator whose runs repeat from a seed.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
