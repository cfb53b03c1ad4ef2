import Foundation
import Testing

@testable import Ingest

/// Protects: the schema that is served is the file in the repository, and it is JSON.
struct ReportSchemaTests {
  @Test func embeddedTextIsTheFile() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/Ingest/Decode/report.schema.json")
    #expect(ReportSchema.json == String(decoding: try Data(contentsOf: file), as: UTF8.self))
    let root = try JSONSerialization.jsonObject(with: Data(ReportSchema.json.utf8))
    #expect((root as? [String: Any])?["$schema"] != nil)
  }
}
