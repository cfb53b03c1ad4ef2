import Columnar
import Testing

@testable import Ingest

/// Protects: each rule of a report's bytes and schema, at its edges, with the path it names.
struct ReportRulesTests {
  let decoder = ReportDecoder(writerSeed: 7)

  private func error(_ body: [UInt8]) -> DecodeError? {
    switch DecodeSupport.check(body, decoder) {
    case .success: nil
    case .failure(let error): error
    }
  }

  private func error(pod extra: String) -> DecodeError? {
    error(DecodeSupport.report(pods: DecodeSupport.pod(extra)))
  }

  @Test(
    arguments: [
      ("0", nil), ("-0", nil), ("-0.0", nil), ("1e308", nil), ("1.7976931348623157e308", nil),
      ("1e-400", nil), ("-1e-400", nil), ("12345678901234567890123", nil), ("null", nil),
      ("1.7976931348623159e308", .tooLarge), ("1e400", .tooLarge), ("-1", .negative),
      ("-5e-324", .negative), ("-1e400", .negative), ("\"1\"", .notNumberOrNull),
      ("true", .notNumberOrNull), ("[1]", .notNumberOrNull), ("{}", .notNumberOrNull),
    ] as [(String, DecodeError.Reason?)])
  func cpu(value: String, expected: DecodeError.Reason?) {
    let error = error(pod: #","cpu_usage_cores":\#(value)"#)
    #expect(error?.reason == expected)
    #expect(error.map { $0.path == "/pods/0/cpu_usage_cores" } ?? true)
  }

  @Test(
    arguments: [
      ("0", nil), ("-0", nil), ("-0.0", nil), ("1.0", nil), ("1e3", nil),
      ("15e-1", .notIntegerOrNull),
      ("9223372036854775807", nil), ("9223372036854775808", .tooLarge), ("null", nil),
      ("9223372036854774784.0", nil), ("9223372036854775807.0", .tooLarge),
      ("0.5", .notIntegerOrNull),
      ("1e400", .tooLarge), ("1e19", .tooLarge), ("-1", .negative), ("-1.0", .negative),
      ("-9223372036854775809", .negative), ("1e-400", nil), ("\"1\"", .notIntegerOrNull),
      ("99999999999999999999", .tooLarge), ("false", .notIntegerOrNull),
    ] as [(String, DecodeError.Reason?)])
  func integer(value: String, expected: DecodeError.Reason?) {
    for name in ["memory_usage_bytes", "net_tx_bytes", "net_rx_bytes"] {
      let error = error(pod: #","\#(name)":\#(value)"#)
      #expect(error?.reason == expected)
      #expect(error.map { $0.path == "/pods/0/\(name)" } ?? true)
    }
  }

  @Test(
    arguments: [
      ("1", .notString), ("null", .notString), ("\"\"", .emptyString), ("[]", .notString),
      ("\"a\\u0000\"", .nulCharacter), ("\"\\u0000\"", .nulCharacter), ("\"\\u0001\"", nil),
      ("\" \"", nil), ("\"\u{7f}\"", nil),
    ] as [(String, DecodeError.Reason?)])
  func requiredText(value: String, expected: DecodeError.Reason?) {
    for name in ["pod_id", "namespace", "name"] {
      let error = error(pod: #","\#(name)":\#(value)"#)
      #expect(error?.reason == expected)
      #expect(error.map { $0.path == "/pods/0/\(name)" } ?? true)
    }
    for name in ["node_name", "hostname"] {
      let body =
        #"{"timestamp":"2026-11-24T13:55:00Z","node_name":"n","hostname":"h","pods":[],"#
        + #""\#(name)":\#(value)}"#
      let error = error(Array(body.utf8))
      #expect(error?.reason == expected)
      #expect(error.map { $0.path == "/\(name)" } ?? true)
    }
  }

  @Test(arguments: ["timestamp", "node_name", "hostname", "pods"])
  func missingMember(name: String) {
    let members = [
      "timestamp": "\"2026-11-24T13:55:00Z\"", "node_name": "\"n\"", "hostname": "\"h\"",
      "pods": "[]",
    ]
    let rest = members.filter { $0.key != name }.map { "\"\($0.key)\":\($0.value)" }
    let error = error(Array("{\(rest.joined(separator: ","))}".utf8))
    #expect(error?.reason == .missing && error?.path == "/\(name)")
  }

  @Test func firstViolationInTheDocumentIsNamed() {
    let pods =
      DecodeSupport.pod() + "," + DecodeSupport.pod(#","net_tx_bytes":-1,"name":5"#)
      + ",17"
    let report = error(DecodeSupport.report(pods: pods))
    #expect(report?.path == "/pods/1/net_tx_bytes" && report?.reason == .negative)
    #expect(report?.message.contains("must not be negative, found a number at byte") == true)
    let earlier = error(DecodeSupport.report(pods: "17", extra: #""ec2_instance_id":0,"#))
    #expect(earlier?.path == "/ec2_instance_id" && earlier?.reason == .notStringOrNull)
    let missing = error(DecodeSupport.report(pods: "{}"))
    #expect(missing?.path == "/pods/0/pod_id" && missing?.reason == .missing)
    #expect(error(DecodeSupport.report(pods: "17"))?.path == "/pods/0")
  }

  @Test func badJSONOutranksTheSchema() {
    let error = error(DecodeSupport.report(pods: "17,{\"x\":01}"))
    #expect(error?.reason == .number && error?.path == "" && error?.isBadJSON == true)
  }

  @Test(
    arguments: [
      ("", .empty, 0), (" \n", .empty, 2), ("{", .unexpectedEnd, 1), ("}", .unexpectedByte, 0),
      ("{}x", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("{\"a\":1,}", .unexpectedByte, 7),
      ("{\"a\" 1}", .unexpectedByte, 5), ("{\"a\":tru}", .literal, 5), ("{\"a\":1.}", .number, 5),
      ("{\"a\":\"\\x\"}", .escape, 6), ("{\"a\":\"\\udc00\"}", .loneSurrogate, 6),
      ("{\"\\ud800\":1}", .loneSurrogate, 2), ("{\"a\":\"\u{1}\"}", .controlCharacter, 6),
      ("{\"a\":\"b", .unexpectedEnd, 7), ("[1,2", .unexpectedEnd, 4),
      ("{\"a\":\"b}", .unexpectedEnd, 8),
      ("nullx", .trailingBytes, 4), ("{'a':1}", .unexpectedByte, 1),
      ("{\"a\":+1}", .unexpectedByte, 5),
    ] as [(String, DecodeError.Reason, Int)])
  func badJSON(text: String, reason: DecodeError.Reason, offset: Int) {
    let error = error(Array(text.utf8))
    #expect(error?.reason == reason && error?.byteOffset == offset && error?.path == "")
  }

  @Test(arguments: ["[]", "null", "1", "\"x\"", " [ {} ] ", "true"])
  func rootIsNoObject(text: String) {
    let error = error(Array(text.utf8))
    #expect(error?.reason == .notObject && error?.path == "" && error?.isBadJSON == false)
  }

  @Test func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      let value =
        String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
      return DecodeSupport.report(pods: "", extra: "\"x\":\(value),")
    }
    #expect(error(nested(32)) == nil)
    #expect(error(nested(33))?.reason == .tooDeep)
    #expect(error(nested(100_000))?.reason == .tooDeep)
  }

  @Test func notUTF8() {
    for bytes: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] {
      let body = Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)
      #expect(error(body)?.reason == .utf8 && error(body)?.byteOffset == 6)
    }
    #expect(error([0xef, 0xbb, 0xbf] + DecodeSupport.report(pods: ""))?.reason == .byteOrderMark)
  }

  /// What lies behind the body must not matter, wherever the body is cut.
  @Test func everyCutOfAReportIsRefused() throws {
    let body = DecodeSupport.report(
      pods: DecodeSupport.pod(#", "cpu_usage_cores": 1.25, "net_tx_bytes": 123456789012 "#))
    for padding in [UInt8(ascii: "}"), UInt8(ascii: "\""), UInt8(ascii: "1"), 0, 0xff] {
      for length in 0..<body.count {
        _ = DecodeSupport.withBody(Array(body[..<length]), padding: padding) { bytes in
          #expect(throws: DecodeError.self) { try decoder.check(bytes) }
        }
      }
      try DecodeSupport.withBody(body, padding: padding) { _ = try decoder.check($0) }
    }
  }

  @Test func stringsOfEveryLength() throws {
    let batch = ReportBatch(rowCapacity: 4096)
    for length in 1...300 {
      for escaped in [false, true] {
        let text = String(repeating: "x", count: length - 1) + "é"
        let spelled = escaped ? text.replacing("é", with: "\\u00e9") : text
        let body = DecodeSupport.report(
          pods: #"{"pod_id":"\#(spelled)","namespace":"\#(spelled)","name":"\#(spelled)"}"#)
        _ = try DecodeSupport.decode(body, decoder, into: batch).get()
        let row = DecodedRow(batch, row: batch.rows.count - 1)
        #expect(row.podID == text && row.namespace == text && row.name == text)
      }
    }
    // Both spellings are one pod.
    #expect(batch.podCount == 300)
  }

  @Test func numbersOfEveryLength() throws {
    let batch = ReportBatch(rowCapacity: 4096)
    for digits in 1...19 {
      for places in 0...20 {
        let integer = String("9223372036854775807".prefix(digits))
        let fraction = places == 0 ? "" : "." + "12345678909876543210".prefix(places)
        let cpu = (places % 2 == 0 ? "7" : integer) + fraction
        let body = DecodeSupport.report(
          pods: DecodeSupport.pod(
            #","memory_usage_bytes":\#(integer),"cpu_usage_cores":\#(cpu)"#))
        _ = try DecodeSupport.decode(body, decoder, into: batch).get()
        let row = DecodedRow(batch, row: batch.rows.count - 1)
        #expect(row.memory == Int64(integer))
        #expect(row.cpu == Double(cpu))
      }
    }
  }
}
