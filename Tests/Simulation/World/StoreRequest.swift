import Foundation
import KubeIndex

/// An S3 request as the store understands it.
struct StoreRequest: CustomStringConvertible {
  enum Operation: String, CaseIterable {
    case check = "check"
    case head = "HEAD"
    case read = "GET"
    case put = "PUT"
    case create = "Create"
    case part = "UploadPart"
    case complete = "Complete"
    case abort = "Abort"
    case list = "ListUploads"
  }

  var operation: Operation
  var key = ""
  var query: [String: String] = [:]
  var headers: [String: String] = [:]
  var body: [UInt8] = []

  /// nil: nothing that this store knows. Path style: `/bucket/key?query`.
  init?(_ request: HTTPRequest, body: [UInt8]) {
    guard let hostStart = request.url.range(of: "://")?.upperBound,
      let pathStart = request.url[hostStart...].firstIndex(of: "/")
    else { return nil }
    let target = request.url[pathStart...].split(
      separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = target[0].dropFirst().split(
      separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    if path.count > 1 { key = Self.decoded(path[1]) }
    if target.count > 1 {
      for pair in target[1].split(separator: "&") {
        let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        query[Self.decoded(sides[0])] = sides.count > 1 ? Self.decoded(sides[1]) : ""
      }
    }
    for (name, value) in request.headers { headers[name.lowercased()] = value }
    self.body = body
    switch (request.method, key.isEmpty) {
    case ("GET", true): operation = query["uploads"] == nil ? .check : .list
    case ("HEAD", false): operation = .head
    case ("GET", false): operation = .read
    case ("PUT", false): operation = query["partNumber"] == nil ? .put : .part
    case ("POST", false): operation = query["uploads"] == nil ? .complete : .create
    case ("DELETE", false): operation = .abort
    default: return nil
    }
  }

  var description: String {
    let detail = ["partNumber", "uploadId"].compactMap { query[$0] }.joined(separator: " ")
    return "\(operation.rawValue) \(key) \(detail)"
  }

  private static func decoded(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The parts that a Complete names, in its order.
  var completedParts: [(number: Int, eTag: String)] {
    let text = String(decoding: body, as: UTF8.self)
    return text.components(between: "<Part>", and: "</Part>").compactMap { part in
      guard let number = part.components(between: "<PartNumber>", and: "</PartNumber>").first,
        let eTag = part.components(between: "<ETag>", and: "</ETag>").first
      else { return nil }
      return Int(number).map { ($0, eTag.replacingOccurrences(of: "&quot;", with: "\"")) }
    }
  }
}

extension StringProtocol {
  /// What stands between each `start` and the next `end`.
  fileprivate func components(between start: String, and end: String) -> [SubSequence] {
    var found: [SubSequence] = []
    var rest = self[startIndex...]
    while let from = rest.range(of: start),
      let to = rest.range(of: end, range: from.upperBound..<rest.endIndex)
    {
      found.append(rest[from.upperBound..<to.lowerBound])
      rest = rest[to.upperBound...]
    }
    return found
  }
}
