import CShims
import Testing

@testable import KubeIndex

/// A UID is packed or kept as text, and nobody can tell which.
@Suite struct PodUIDTests {
  @Test(arguments: [
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0123abcd-4567-89ef-0123-456789abcdef", "0123ABCD-4567-89ef-0123-456789abcdef",
    "0123abcd-4567-89ef-0123-456789abcdeg", "0123abcd04567-89ef-0123-456789abcdef",
    "-0123abcd-4567-89ef-0123-456789abcde", "0123abcd-4567-89ef-0123-456789abcde",
    "0123abcd456789ef0123456789abcdef", "", "x",
  ])
  func isWhatItWas(_ string: String) {
    let uid = PodUID(Text(string))
    #expect(uid.string == string)
    #expect(uid.hash == Text(string).hash)
    for other in [string, string + "0", string.uppercased() + "Z", "00000000"] {
      let isEqual = Array(other.utf8).withUnsafeBytes { uid.equals($0) }
      #expect(isEqual == (other == string))
      #expect((uid == PodUID(Text(other))) == (other == string))
    }
  }

  /// The record of a pod gives back the UID of either kind, and the claims beside it.
  @Test(arguments: ["0123abcd-4567-89ef-0123-456789abcdef", "7f1e0c5d", ""])
  func isWhatItWasInARecord(_ string: String) {
    let claims = TextList([Text("data"), Text("log")])
    let pod = ClusterIndexTests.pod(string, claims: claims)
    #expect(pod.uid == PodUID(Text(string)))
    #expect(pod.claims === claims)
    for other in [string, string + "0", "0123abcd-4567-89ef-0123-456789abcdee"] {
      let isFound = Array(other.utf8).withUnsafeBytes {
        pod.hasUID($0, packed: PodUID(packing: $0))
      }
      #expect(isFound == (other == string))
    }
  }

  /// What a million pods cost. Of many, the smallest block: malloc gives a larger one where less
  /// than a block would be left.
  @Test func recordsStaySmall() {
    let pods = (0..<64).map { _ in ClusterIndexTests.pod("0123abcd-4567-89ef-0123-456789abcdef") }
    #expect(smallestBlock(pods) <= 56)
    // 28 bytes before the text itself, and malloc's steps are 16 wide.
    let texts = (0..<64).map { _ in Text(String(repeating: "x", count: 28)) }
    #expect(smallestBlock(texts) <= 56)
  }

  private func smallestBlock(_ objects: [some AnyObject]) -> Int {
    withExtendedLifetime(objects) {
      objects.map { Int(cshims_block_byte_count(Unmanaged.passUnretained($0).toOpaque())) }.min()
        ?? .max
    }
  }
}
