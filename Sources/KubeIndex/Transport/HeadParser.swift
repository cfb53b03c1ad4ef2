/// Gathers the lines of an answer's head as libcurl delivers them, and bounds them.
struct HeadParser {
  enum Progress {
    case more
    case head(HTTPHead)
    case tooLarge
    case malformed
  }

  /// The final head has been delivered; lines after it are trailers and are dropped.
  private(set) var isComplete = false

  private var head: HTTPHead?
  private var byteCount = 0

  /// Takes one line with its line end.
  mutating func append(_ line: UnsafeRawBufferPointer) -> Progress {
    byteCount += line.count
    guard byteCount <= KubeIndexLimits.maximumHeadByteCount else { return .tooLarge }
    guard !isComplete else { return .more }
    let text = line.prefix { $0 != 0x0D && $0 != 0x0A }
    if text.isEmpty { return endHead() }
    if text.starts(with: "HTTP/".utf8) {
      guard let status = Self.status(text) else { return .malformed }
      head = HTTPHead(status: status, headers: [])
      return .more
    }
    // A line without a colon cannot be a field; libcurl lets it pass, and so does this.
    guard let colon = text.firstIndex(of: 0x3A), head != nil else { return .more }
    head?.headers.append((Self.trimmed(text[..<colon]), Self.trimmed(text[(colon + 1)...])))
    return .more
  }

  private mutating func endHead() -> Progress {
    guard let head else { return .more }
    self.head = nil
    // 1xx: the head of the answer proper follows.
    guard head.status >= 200 else { return .more }
    isComplete = true
    return .head(head)
  }

  /// The three digits of "HTTP/1.1 200 OK".
  private static func status(_ line: Slice<UnsafeRawBufferPointer>) -> Int? {
    let words = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: true)
    guard words.count >= 2, words[1].count == 3,
      let status = Int(String(decoding: words[1], as: UTF8.self)), (100...999).contains(status)
    else { return nil }
    return status
  }

  private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    var rest = bytes.drop(while: isSpace)
    while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
    return String(decoding: rest, as: UTF8.self)
  }

  /// Whether a field of ours can be sent without becoming two.
  static func isSafe(name: String, value: String) -> Bool {
    !name.isEmpty && !name.utf8.contains { $0 <= 0x20 || $0 == 0x3A || $0 >= 0x7F }
      && !value.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }
  }
}
