/// One line of a watch: an event. Valid until the next parse.
enum WatchLine {
  case applied(isNew: Bool, object: JSONValue, resourceVersion: String)
  case deleted(object: JSONValue, resourceVersion: String)
  case bookmark(object: JSONValue, resourceVersion: String, initialEventsEnd: Bool)
  case error(APIStatus, object: JSONValue)

  /// Throws when the line is no JSON or no event.
  init(_ line: UnsafeRawBufferPointer, parser: JSONParser) throws(JSONFault) {
    let root = try parser.parse(line)
    guard let type = root["type"]?.string, let object = root["object"], object.isObject else {
      throw JSONFault(message: "no watch event")
    }
    if type.equals("ERROR") {
      guard let status = APIStatus(object) else {
        throw JSONFault(message: "an ERROR event without a Status")
      }
      self = .error(status, object: object)
      return
    }
    let metadata = object["metadata"]
    guard let bytes = metadata?["resourceVersion"]?.filledString else {
      throw JSONFault(message: "an event without metadata.resourceVersion")
    }
    let version = String(decoding: bytes, as: UTF8.self)
    if type.equals("ADDED") || type.equals("MODIFIED") {
      self = .applied(isNew: type.equals("ADDED"), object: object, resourceVersion: version)
    } else if type.equals("DELETED") {
      self = .deleted(object: object, resourceVersion: version)
    } else if type.equals("BOOKMARK") {
      let end = metadata?["annotations"]?["k8s.io/initial-events-end"]?.string?.equals("true")
      self = .bookmark(
        object: object, resourceVersion: version, initialEventsEnd: end ?? false)
    } else {
      throw JSONFault(message: "an event of unknown type")
    }
  }
}
