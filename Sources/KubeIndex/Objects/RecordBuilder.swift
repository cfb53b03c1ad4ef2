/// Makes records of the API server's objects. Owned by the thread that reads its streams.
final class RecordBuilder {
  var pool = TextPool()
  var scratch: [UInt8] = []
  /// Called with what could not be read and was left out; the record is made all the same.
  var onFault: (String) -> Void = { _ in }

  /// Why an object is none: a part that every object has is missing, so the stream is not what it
  /// should be.
  struct Fault: Error {
    var message: String
  }

  /// The record of an object of this kind.
  func record(_ kind: ObjectKind, _ object: JSONValue) throws(Fault) -> ObjectRecord {
    switch kind {
    case .nodes: .node(try node(object))
    case .pods: .pod(try pod(object))
    case .persistentVolumeClaims: .claim(try claim(object))
    case .persistentVolumes: .volume(try volume(object))
    }
  }

  /// Name, UID and (for namespaced kinds) namespace of an object, which never are missing or empty.
  struct Identity {
    var metadata: JSONValue
    var name: UnsafeRawBufferPointer
    var uid: UnsafeRawBufferPointer
  }

  func identity(_ object: JSONValue) throws(Fault) -> Identity {
    guard let metadata = object["metadata"] else { throw Fault(message: "no metadata") }
    guard let name = metadata["name"]?.filledString else {
      throw Fault(message: "no metadata.name")
    }
    guard let uid = metadata["uid"]?.filledString else { throw Fault(message: "no metadata.uid") }
    return Identity(metadata: metadata, name: name, uid: uid)
  }

  func namespace(_ metadata: JSONValue) throws(Fault) -> Text {
    guard let namespace = metadata["namespace"]?.filledString else {
      throw Fault(message: "no metadata.namespace")
    }
    return pool.text(namespace)
  }

  /// `key=value` of every member of a map of strings, sorted by key.
  func pairs(_ map: JSONValue?, field: StaticString) -> TextList {
    guard let map else { return .empty }
    var members: [(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)] = []
    var isSorted = true
    map.forEachMember { key, value in
      guard let value = value.string else {
        // The server writes strings; null is how some clients write an empty one.
        if !value.isNull { onFault("\(field): \(String(decoding: key, as: UTF8.self)): no string") }
        return
      }
      if let last = members.last, !last.key.precedes(key) { isSorted = false }
      members.append((key, value))
    }
    if !isSorted { members.sort { $0.key.precedes($1.key) } }
    var texts: [Text] = []
    texts.reserveCapacity(members.count)
    for member in members {
      scratch.removeAll(keepingCapacity: true)
      scratch.append(contentsOf: member.key)
      scratch.append(UInt8(ascii: "="))
      scratch.append(contentsOf: member.value)
      texts.append(scratch.withUnsafeBytes { pool.text($0) })
    }
    return pool.list(texts)
  }

  func text(_ bytes: UnsafeRawBufferPointer?) -> Text? { bytes.map { pool.text($0) } }
}
