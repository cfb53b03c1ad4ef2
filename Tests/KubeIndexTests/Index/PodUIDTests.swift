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

  /// 16 bytes and the place of a text: what a million pods cost.
  @Test func recordsStaySmall() {
    #expect(MemoryLayout<PodUID>.size == 24)
  }
}
