import CShims

/// Why a report was refused: the first violation, where it is, and what was found there.
package struct DecodeError: Error, Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    // Not good JSON.
    case empty, byteOrderMark, utf8, controlCharacter, escape, loneSurrogate, number, literal
    case unexpectedByte, unexpectedEnd, tooDeep, trailingBytes
    // Good JSON, but not a report.
    case missing, notObject, notArray, notString, notStringOrNull, notNumberOrNull
    case notIntegerOrNull, emptyString, nulCharacter, notDateTime, negative, tooLarge
    /// Beyond what a frame of the log takes; not looked at.
    case bodyTooLarge
    // Not the body's fault.
    case batchFull, outOfMemory
  }

  package var reason: Reason
  /// Where in the body, from 0; for a missing member, where its object ends.
  package var byteOffset: Int
  /// The pod's place in `pods`; nil for the report itself.
  package var pod: Int?
  package var member: ReportMember?
  /// The byte at `byteOffset`; nil at the end of the body.
  package var found: UInt8?

  package init(_ reason: Reason) {
    self.reason = reason
    byteOffset = 0
  }

  /// Whether the sender has to change the body.
  package var isBodyAtFault: Bool { reason != .batchFull && reason != .outOfMemory }

  /// Whether the body is not even JSON; `path` is empty then.
  package var isBadJSON: Bool {
    switch reason {
    case .empty, .byteOrderMark, .utf8, .controlCharacter, .escape, .loneSurrogate, .number,
      .literal, .unexpectedByte, .unexpectedEnd, .tooDeep, .trailingBytes:
      true
    default: false
    }
  }

  /// JSON pointer (RFC 6901) to the value at fault; a missing member's is its own.
  package var path: String {
    var path = ""
    if let pod { path += "/\(ReportMember.pods.name)/\(pod)" }
    if let member { path += "/\(member.name)" }
    return path
  }

  /// What was wanted and what was found, in one line.
  package var message: String {
    if isBadJSON { return "invalid JSON at byte \(byteOffset): \(wanted)" }
    switch reason {
    case .bodyTooLarge, .batchFull, .outOfMemory: return wanted
    case .missing: return "\(wanted) (its object ends at byte \(byteOffset))"
    default: return "\(wanted), found \(foundDescription) at byte \(byteOffset)"
    }
  }

  private var wanted: String {
    switch reason {
    case .empty: "the body is empty"
    case .byteOrderMark: "a byte order mark is not allowed"
    case .utf8: "bytes that are not UTF-8"
    case .controlCharacter: "a control character in a string must be escaped"
    case .escape: "no such escape in a string"
    case .loneSurrogate: "a surrogate without its other half"
    case .number: "a number is malformed"
    case .literal: "expected true, false or null"
    case .unexpectedByte: "unexpected \(foundByte)"
    case .unexpectedEnd: "the body ends too early"
    case .tooDeep: "nested deeper than \(CSHIMS_REPORT_MAXIMUM_DEPTH) levels"
    case .trailingBytes: "unexpected \(foundByte) behind the document"
    case .missing: "a required member is missing"
    case .notObject: "must be an object"
    case .notArray: "must be an array"
    case .notString: "must be a string"
    case .notStringOrNull: "must be a string or null"
    case .notNumberOrNull: "must be a number or null"
    case .notIntegerOrNull: "must be an integer or null"
    case .emptyString: "must be a string that is not empty"
    case .nulCharacter: "must be a string without U+0000"
    case .notDateTime: "must be an RFC 3339 date-time in the years 0001 to 9999"
    case .negative: "must not be negative"
    case .tooLarge:
      member == .cpuUsageCores ? "must fit a double" : "must be at most \(Int64.max)"
    case .bodyTooLarge:
      "the body is larger than \(IngestLimits.maximumPayloadByteCount) bytes"
    case .batchFull: "the batch has no room for the report's rows"
    case .outOfMemory: "no memory to decode the report"
    }
  }

  private var foundByte: String {
    guard let found else { return "end" }
    let hex = String(found, radix: 16)
    let code = "byte 0x" + (hex.count < 2 ? "0" : "") + hex
    return (0x21...0x7e).contains(found) ? "\(code) (\(Character(UnicodeScalar(found))))" : code
  }

  private var foundDescription: String {
    switch found {
    case UInt8(ascii: "{"): "an object"
    case UInt8(ascii: "["): "an array"
    case UInt8(ascii: "\""): reason == .emptyString ? "an empty one" : "a string"
    case UInt8(ascii: "t"), UInt8(ascii: "f"): "a boolean"
    case UInt8(ascii: "n"): "null"
    default: "a number"
    }
  }
}

/// The members that the schema names.
package enum ReportMember: UInt8, CaseIterable, Sendable {
  case timestamp, nodeName, hostname, pods, instanceID
  case podID, namespace, name, podStartTime, cpuUsageCores, memoryUsageBytes, networkSentBytes
  case networkReceivedBytes

  package var name: String {
    switch self {
    case .timestamp: "timestamp"
    case .nodeName: "node_name"
    case .hostname: "hostname"
    case .pods: "pods"
    case .instanceID: "ec2_instance_id"
    case .podID: "pod_id"
    case .namespace: "namespace"
    case .name: "name"
    case .podStartTime: "pod_start_time"
    case .cpuUsageCores: "cpu_usage_cores"
    case .memoryUsageBytes: "memory_usage_bytes"
    case .networkSentBytes: "net_tx_bytes"
    case .networkReceivedBytes: "net_rx_bytes"
    }
  }

  init?(_ member: cshims_report_member) {
    switch member {
    case CSHIMS_REPORT_MEMBER_TIMESTAMP: self = .timestamp
    case CSHIMS_REPORT_MEMBER_NODE_NAME: self = .nodeName
    case CSHIMS_REPORT_MEMBER_HOSTNAME: self = .hostname
    case CSHIMS_REPORT_MEMBER_PODS: self = .pods
    case CSHIMS_REPORT_MEMBER_INSTANCE_ID: self = .instanceID
    case CSHIMS_REPORT_MEMBER_POD_ID: self = .podID
    case CSHIMS_REPORT_MEMBER_NAMESPACE: self = .namespace
    case CSHIMS_REPORT_MEMBER_NAME: self = .name
    case CSHIMS_REPORT_MEMBER_POD_START_TIME: self = .podStartTime
    case CSHIMS_REPORT_MEMBER_CPU: self = .cpuUsageCores
    case CSHIMS_REPORT_MEMBER_MEMORY: self = .memoryUsageBytes
    case CSHIMS_REPORT_MEMBER_NETWORK_SENT: self = .networkSentBytes
    case CSHIMS_REPORT_MEMBER_NETWORK_RECEIVED: self = .networkReceivedBytes
    default: return nil
    }
  }
}

extension DecodeError {
  init(_ result: cshims_report_result, _ body: UnsafeRawBufferPointer) {
    reason = Reason(result.reason)
    byteOffset = result.byte_offset
    pod = result.pod < 0 ? nil : Int(result.pod)
    member = ReportMember(result.member)
    found = result.byte_offset < body.count ? body[result.byte_offset] : nil
  }
}

extension DecodeError.Reason {
  init(_ reason: cshims_report_reason) {
    self =
      switch reason {
      case CSHIMS_REPORT_EMPTY: .empty
      case CSHIMS_REPORT_BOM: .byteOrderMark
      case CSHIMS_REPORT_UTF8: .utf8
      case CSHIMS_REPORT_CONTROL_CHARACTER: .controlCharacter
      case CSHIMS_REPORT_ESCAPE: .escape
      case CSHIMS_REPORT_SURROGATE: .loneSurrogate
      case CSHIMS_REPORT_NUMBER: .number
      case CSHIMS_REPORT_LITERAL: .literal
      case CSHIMS_REPORT_UNEXPECTED: .unexpectedByte
      case CSHIMS_REPORT_END: .unexpectedEnd
      case CSHIMS_REPORT_DEPTH: .tooDeep
      case CSHIMS_REPORT_TRAILING: .trailingBytes
      case CSHIMS_REPORT_MISSING: .missing
      case CSHIMS_REPORT_NOT_OBJECT: .notObject
      case CSHIMS_REPORT_NOT_ARRAY: .notArray
      case CSHIMS_REPORT_NOT_STRING: .notString
      case CSHIMS_REPORT_NOT_STRING_OR_NULL: .notStringOrNull
      case CSHIMS_REPORT_NOT_NUMBER_OR_NULL: .notNumberOrNull
      case CSHIMS_REPORT_NOT_INTEGER_OR_NULL: .notIntegerOrNull
      case CSHIMS_REPORT_EMPTY_STRING: .emptyString
      case CSHIMS_REPORT_NUL: .nulCharacter
      case CSHIMS_REPORT_NOT_DATE_TIME: .notDateTime
      case CSHIMS_REPORT_NEGATIVE: .negative
      case CSHIMS_REPORT_TOO_LARGE: .tooLarge
      default: .outOfMemory
      }
  }
}
