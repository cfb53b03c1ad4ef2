import Ingest

/// `<segment>-<partition>.upload` in DATA_DIR: which multipart uploads exist, or may exist.
///
/// Lines of text, each ended by a line feed; a line without one was torn and counts for nothing.
/// ```
/// create <key, as hexadecimal of its UTF-8>     before an upload is asked for
/// upload <id>                                   after the answer
/// ```
/// A `create` that no `upload` follows: the answer was lost, and the store must be asked by
/// listing.
struct UploadRecord: Equatable, Sendable {
  var key: String
  /// nil: an upload may exist whose id is not known.
  var uploadID: String?

  static func name(of id: ObjectID) -> String { FileName.uploadRecord(id).text }

  /// nil: not the name of a record.
  static func id(ofName name: String) -> ObjectID? {
    guard case .uploadRecord(let id) = FileName(name) else { return nil }
    return id
  }

  /// The line before an upload is asked for.
  static func beginning(key: String) -> [UInt8] {
    Array("create \(SHA256.hex(Array(key.utf8)))\n".utf8)
  }

  /// The line after the answer.
  static func answer(uploadID: String) -> [UInt8] { Array("upload \(uploadID)\n".utf8) }

  /// How many bytes are whole lines.
  static func wholeByteCount(_ bytes: [UInt8]) -> Int {
    bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
  }

  /// All uploads that a record names, the oldest first.
  static func parse(_ bytes: [UInt8]) -> [UploadRecord] {
    let lines = String(decoding: bytes[..<wholeByteCount(bytes)], as: UTF8.self)
      .split(separator: "\n")
    var records: [UploadRecord] = []
    for line in lines {
      if line.hasPrefix("create "), let key = text(ofHex: line.dropFirst(7)) {
        records.append(UploadRecord(key: key))
      } else if line.hasPrefix("upload "), !records.isEmpty {
        records[records.count - 1].uploadID = String(line.dropFirst(7))
      }
    }
    return records
  }

  private static func text(ofHex hex: Substring) -> String? {
    let digits = Array(hex)
    guard digits.count.isMultiple(of: 2), !digits.isEmpty else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(digits[place...(place + 1)]), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
