import Ingest
import Testing

@testable import Service

/// The record decides which uploads are aborted after a crash: torn lines must read as "an answer
/// is missing", never as another id.
struct UploadRecordTests {
  private static let key = "a/ü=1\n%"
  private static let whole =
    UploadRecord.beginning(key: key) + UploadRecord.answer(uploadID: "id-1")

  @Test func readsBack() {
    let bytes = UploadRecord.beginning(key: "k") + Self.whole + UploadRecord.beginning(key: "z")
    #expect(
      UploadRecord.parse(bytes) == [
        UploadRecord(key: "k"), UploadRecord(key: Self.key, uploadID: "id-1"),
        UploadRecord(key: "z"),
      ])
  }

  /// A crash leaves any prefix.
  @Test func everyPrefixIsSafe() {
    let beginning = UploadRecord.beginning(key: Self.key)
    for count in 0..<Self.whole.count {
      let wanted = count < beginning.count ? [] : [UploadRecord(key: Self.key)]
      #expect(UploadRecord.parse(Array(Self.whole.prefix(count))) == wanted)
    }
  }

  @Test func passesOverWhatIsForeign() {
    for text in ["", "\n\n", "upload x\n", "create zz\n", "create f\n", "rubbish\n", "create ff\n"]
    {
      #expect(UploadRecord.parse(Array(text.utf8)).isEmpty)
    }
  }

  @Test func names() {
    let id = ObjectID(segment: 7, partition: 3)
    #expect(UploadRecord.name(of: id) == "00000000000000000007-3.upload")
    #expect(UploadRecord.id(ofName: "00000000000000000007-3.upload") == id)
    for name in ["7-3.upload", "00000000000000000007-3.parquet", "x.upload", ".upload"] {
      #expect(UploadRecord.id(ofName: name) == nil)
    }
  }
}
