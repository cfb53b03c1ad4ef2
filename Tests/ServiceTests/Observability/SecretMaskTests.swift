import KubeIndex
import Testing

@testable import Service

/// Debug mode logs whole objects, our own pod among them: none of our credentials may stand there.
@Suite struct SecretMaskTests {
  private let endpoint = APIServerEndpoint(
    baseURL: "https://127.0.0.1:1", credentials: .token("token-of-the-server"))

  @Test func hidesOurCredentialsHoweverDeepTheyAreQuoted() {
    let mask = SecretMask(
      environment: ["AWS_SECRET_ACCESS_KEY": "a\"b\\c<d>/+=", "S3_BUCKET": "bucket-name"],
      endpoint: endpoint)
    let plain = #"value: a"b\c<d>/+="#
    let json = #"{"value":"a\"b\\c\u003cd\u003e/+="}"#
    let nested = #"{"applied":"{\"value\":\"a\\\"b\\\\c\\u003cd\\u003e/+=\"}"}"#
    #expect(mask.mask(plain) == "value: ***")
    #expect(mask.mask(json) == #"{"value":"***"}"#)
    #expect(mask.mask(nested) == #"{"applied":"{\"value\":\"***\"}"}"#)
    #expect(mask.mask("Bearer token-of-the-server, bucket-name") == "Bearer ***, bucket-name")
  }

  @Test func aSecretThatHoldsAnotherIsHiddenWhole() {
    #expect(SecretMask(secrets: ["abcdef", "abcdefgh"]).mask("abcdefgh abcdef") == "*** ***")
  }

  @Test func whatIsTooShortToBeASecretStays() {
    #expect(SecretMask(secrets: ["", "abc"]).mask("abc") == "abc")
  }
}
