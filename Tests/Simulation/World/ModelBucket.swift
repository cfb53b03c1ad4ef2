/// A bucket as S3 keeps it: objects, and uploads that are not finished.
struct ModelBucket {
  struct Object {
    var bytes: [UInt8]
    var eTag: String
    /// How often it was written.
    var versionCount = 1
  }

  struct Upload {
    var key: String
    var parts: [Int: (bytes: [UInt8], eTag: String)] = [:]
  }

  enum Refusal: Error {
    case taken, noSuchUpload, invalidPart, tooSmall
  }

  private(set) var objects: [String: Object] = [:]
  private(set) var uploads: [String: Upload] = [:]
  /// Uploads that became objects, and which.
  private var completed: [String: String] = [:]
  private var nextUpload = 1
  /// What must never happen.
  private(set) var problems: [String] = []

  static func eTag(_ bytes: [UInt8]) -> String {
    // FNV-1a; nothing here depends on its quality.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return "\"\(String(hash, radix: 16))\""
  }

  mutating func put(_ key: String, _ bytes: [UInt8], onlyNew: Bool) throws(Refusal) -> String {
    guard let old = objects[key] else {
      let eTag = Self.eTag(bytes)
      objects[key] = Object(bytes: bytes, eTag: eTag)
      return eTag
    }
    if onlyNew { throw .taken }
    if old.bytes != bytes { problems.append("\(key) was replaced by other bytes") }
    objects[key] = Object(bytes: bytes, eTag: old.eTag, versionCount: old.versionCount + 1)
    return old.eTag
  }

  /// Someone else's object.
  mutating func plant(_ key: String, _ bytes: [UInt8]) {
    objects[key] = Object(bytes: bytes, eTag: Self.eTag(bytes))
  }

  mutating func createUpload(_ key: String) -> String {
    let id = "upload-\(nextUpload)"
    nextUpload += 1
    uploads[id] = Upload(key: key)
    return id
  }

  mutating func putPart(
    _ key: String, _ id: String, _ number: Int, _ bytes: [UInt8]
  ) throws(Refusal) -> String {
    guard uploads[id]?.key == key else { throw .noSuchUpload }
    let eTag = Self.eTag(bytes)
    uploads[id]?.parts[number] = (bytes, eTag)
    return eTag
  }

  /// An upload that has become an object already is complete once more.
  mutating func complete(
    _ key: String, _ id: String, _ parts: [(number: Int, eTag: String)], onlyNew: Bool,
    minimumPartByteCount: Int
  ) throws(Refusal) -> String {
    guard let upload = uploads[id], upload.key == key else {
      if let done = completed[id], done == key, let object = objects[key] { return object.eTag }
      throw .noSuchUpload
    }
    var whole: [UInt8] = []
    for (place, part) in parts.enumerated() {
      guard let stored = upload.parts[part.number], stored.eTag == part.eTag,
        place == 0 || parts[place - 1].number < part.number
      else { throw .invalidPart }
      if place < parts.count - 1, stored.bytes.count < minimumPartByteCount { throw .tooSmall }
      whole += stored.bytes
    }
    let eTag = try put(key, whole, onlyNew: onlyNew)
    uploads[id] = nil
    completed[id] = key
    return eTag
  }

  mutating func abort(_ key: String, _ id: String) throws(Refusal) {
    guard uploads[id]?.key == key else { throw .noSuchUpload }
    uploads[id] = nil
  }

  /// What a lifecycle rule does.
  mutating func expire(_ id: String) { uploads[id] = nil }

  /// Ids of unfinished uploads by order of key, then id, whose key begins with `prefix`.
  func uploadIDs(prefix: String) -> [(key: String, id: String)] {
    uploads.filter { $0.value.key.hasPrefix(prefix) }.map { ($0.value.key, $0.key) }
      .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
  }
}
