/// Reads whole lists without a server, by the client's own steps: for measuring what objects cost.
package final class ListReader {
  private let parser = JSONParser()
  private let builder = RecordBuilder()

  package enum Fault: Error {
    case tooLarge
    /// No JSON, no list, or an item without what every object has.
    case malformed(String)
  }

  package init() {}

  /// Hands on the record of every item of a list's body.
  package func read(
    _ kind: ObjectKind, _ body: UnsafeRawBufferPointer, _ take: (ObjectRecord) -> Void
  ) throws(Fault) {
    var buffer = PageBuffer(maximumByteCount: KubeIndexLimits.maximumPageByteCount)
    guard buffer.append(body) else { throw .tooLarge }
    var fault: String?
    do throws(JSONFault) {
      try ListPage(buffer.bytes, parser: parser).forEachItem { item in
        do throws(RecordBuilder.Fault) {
          take(try builder.record(kind, item))
        } catch {
          fault = error.message
        }
      }
    } catch {
      fault = error.message
    }
    if let fault { throw .malformed(fault) }
  }
}
