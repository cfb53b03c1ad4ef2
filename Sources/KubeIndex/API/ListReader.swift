/// Reads lists and watch events without a server, by the client's own steps: for measuring what
/// objects cost, and for trying what no server sends.
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

  /// The record of one line of a watch; nil for a bookmark or an error.
  package func readEvent(
    _ kind: ObjectKind, _ line: UnsafeRawBufferPointer
  ) throws(Fault) -> ObjectRecord? {
    var buffer = PageBuffer(maximumByteCount: KubeIndexLimits.maximumPageByteCount)
    guard buffer.append(line) else { throw .tooLarge }
    do throws(JSONFault) {
      switch try WatchLine(buffer.bytes, parser: parser) {
      case .applied(_, let object, _), .deleted(let object, _):
        do throws(RecordBuilder.Fault) {
          return try builder.record(kind, object)
        } catch {
          throw JSONFault(message: error.message)
        }
      case .bookmark, .error: return nil
      }
    } catch {
      throw .malformed(error.message)
    }
  }
}
