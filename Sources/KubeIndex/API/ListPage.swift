/// One page of a list. Valid until the next parse.
struct ListPage {
  private let items: JSONValue
  var resourceVersion: String
  /// nil: the last page.
  var continueToken: String?

  /// Throws when the body is no JSON or no list.
  init(_ body: UnsafeRawBufferPointer, parser: JSONParser) throws(JSONFault) {
    let root = try parser.parse(body)
    guard let metadata = root["metadata"],
      let version = metadata["resourceVersion"]?.filledString
    else { throw JSONFault(message: "a list without metadata.resourceVersion") }
    // An empty list is written `[]`, or `null` by some servers.
    guard let items = root["items"] else { throw JSONFault(message: "a list without items") }
    self.items = items
    resourceVersion = String(decoding: version, as: UTF8.self)
    continueToken = metadata["continue"]?.filledString.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Every object of the page: what is left out would count as deleted, so that only the size of
  /// the page limits their number.
  func forEachItem(_ body: (JSONValue) -> Void) {
    items.forEachElement(limit: .max, body)
  }
}
