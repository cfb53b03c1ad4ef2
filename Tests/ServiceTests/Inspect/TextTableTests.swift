import Testing

@testable import Service

/// What inspect prints is aligned, and its numbers are those of the files.
@Suite struct TextTableTests {
  @Test func columnsAreAsWideAsWhatTheyHold() {
    var table = TextTable([.number("n"), .text("name"), .number("bytes")])
    table.add(["1", "a long name", "10"])
    table.add(["12345", "b", "9"])
    table.sums = ["2", "in all", "19"]
    #expect(
      table.text == """
            n  name         bytes
            1  a long name     10
        12345  b                9
        -----  -----------  -----
            2  in all          19

        """)
  }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (1_048_575, "1023.9 KiB"), (1_048_576, "1.0 MiB"), (8 << 20, "8.0 MiB"),
    (10 << 30, "10.0 GiB"), (Int.max, "7.9 EiB"),
  ])
  func sizesAreReadable(byteCount: Int, text: String) {
    #expect(ByteText.text(byteCount) == text)
  }

  @Test func membersKeepTheirOrderAndTextIsEscaped() {
    let value = JSONValue.object([
      ("z", .list([.integer(-1), .unsigned(.max), .null])), ("a", .text("\"\n")),
      ("empty", .list([])), ("yes", .bool(true)),
    ])
    #expect(
      value.compact
        == #"{"z": [-1, 18446744073709551615, null], "a": "\"\n", "empty": [], "yes": true}"#)
    #expect(JSONValue.object([("a", .integer(1))]).pretty == "{\n  \"a\": 1\n}\n")
  }
}
