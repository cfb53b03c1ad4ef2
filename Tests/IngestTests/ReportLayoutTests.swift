import Glibc
import Testing

@testable import Ingest

/// Protects: what is read by the layout of a report before has the verdict and the rows of the walk
/// over its tokens, whatever the layout and whatever differs from it.
struct ReportLayoutTests {
  /// A decoder that has learnt, beside one that walks over every body.
  struct Pair {
    let decoder = ReportDecoder(writerSeed: 7)
    let walker = ReportDecoder(writerSeed: 7)
    private let batch = ReportBatch(rowCapacity: 1024)

    init() { walker.walkOnly() }

    private func rows(
      _ body: [UInt8], padding: [UInt8], _ decoder: ReportDecoder
    ) -> Result<[DecodedRow], DecodeError> {
      batch.reset()
      let zeros = [UInt8](repeating: 0x30, count: ReportBody.paddingByteCount)
      return GuardedBytes(body + (padding + zeros).prefix(zeros.count)).withBytes { bytes in
        let body = UnsafeRawBufferPointer(rebasing: bytes[..<body.count])
        return Result { () throws(DecodeError) in
          let report = try decoder.decode(body, into: batch)
          batch.checkInvariants()
          return (0..<report.rowCount).map { DecodedRow(batch, row: $0) }
        }
      }
    }

    /// Whether both say the same of a body, with `padding` behind it; and whether the layout read
    /// it.
    @discardableResult
    func agree(
      on body: [UInt8], padding: [UInt8] = [],
      sourceLocation: SourceLocation = #_sourceLocation
    ) -> Bool {
      let count = decoder.layoutCount
      let found = rows(body, padding: padding, decoder)
      let expected = rows(body, padding: padding, walker)
      #expect(
        found == expected, "\(String(decoding: body, as: UTF8.self))",
        sourceLocation: sourceLocation)
      return decoder.layoutCount > count
    }

    /// Makes the layout of `body` the one that is tried next.
    func learn(_ body: [UInt8]) {
      for _ in 0..<200 where agree(on: body) { return }
      Issue.record("never read by its layout")
    }
  }

  /// Bytes with a page behind them that cannot be read: who reads on is killed.
  final class GuardedBytes {
    private let base: UnsafeMutableRawPointer
    private let mappedByteCount: Int
    private let bytes: UnsafeMutableRawBufferPointer

    init(_ content: [UInt8]) {
      let page = sysconf(Int32(_SC_PAGESIZE))
      let readable = (content.count + page - 1) / page * page
      mappedByteCount = readable + page
      guard
        let base = mmap(
          nil, mappedByteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        base != MAP_FAILED, mprotect(base + readable, page, PROT_NONE) == 0
      else { preconditionFailure("no memory") }
      self.base = base
      bytes = UnsafeMutableRawBufferPointer(
        start: base + readable - content.count, count: content.count)
      bytes.copyBytes(from: content)
    }

    deinit { munmap(base, mappedByteCount) }

    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
      withExtendedLifetime(self) { body(UnsafeRawBufferPointer(bytes)) }
    }
  }

  /// How a program writes its reports.
  struct Style {
    var colon = ": "
    var comma = ", "
    var open = ""
    var reportOrder = ["timestamp", "node_name", "hostname", "ec2_instance_id", "pods"]
    var podOrder = [
      "pod_id", "namespace", "name", "cpu_usage_cores", "memory_usage_bytes", "net_tx_bytes",
      "net_rx_bytes", "pod_start_time",
    ]

    private func object(_ order: [String], _ values: [String: String]) -> String {
      let members = order.map { "\"\($0)\"\(colon)\(values[$0] ?? "null")" }
      return "{\(open)\(members.joined(separator: comma))\(open)}"
    }

    func body(_ report: [String: String], pods: [[String: String]]) -> [UInt8] {
      let list = pods.map { object(podOrder, $0) }.joined(separator: comma)
      let values = report.merging(["pods": "[\(open)\(list)\(open)]"]) { $1 }
      return Array((object(reportOrder, values) + open).utf8)
    }
  }

  static let report = [
    "timestamp": "\"2026-11-24T13:55:00.123456+00:00\"", "node_name": "\"node-1\"",
    "hostname": "\"host-1\"", "ec2_instance_id": "\"i-0abc\"",
  ]

  static let pods = (1...3).map { number in
    [
      "pod_id": "\"1b671a64-40d5-491e-99b0-da01ff1f334\(number)\"", "namespace": "\"default\"",
      "name": "\"web-\(number)\"", "cpu_usage_cores": "0.12345678\(number)",
      "memory_usage_bytes": "10737418\(number)", "net_tx_bytes": "\(number)",
      "net_rx_bytes": "922337203685\(number)", "pod_start_time": "\"2024-01-0\(number)T00:00:00Z\"",
    ]
  }

  @Test(arguments: [(": ", ", ", ""), (":", ",", ""), (" :", "\r\n\t,", "\n "), (":", ", ", " ")])
  func anyOrderAndSpace(colon: String, comma: String, open: String) {
    let seed = UInt64.random(in: 0 ... .max)
    print("ReportLayoutTests seed \(seed)")
    var random = SeededGenerator(state: seed)
    let pair = Pair()
    for _ in 0..<8 {
      var style = Style(colon: colon, comma: comma, open: open)
      style.reportOrder.shuffle(using: &random)
      style.podOrder.shuffle(using: &random)
      pair.learn(style.body(Self.report, pods: Self.pods))
      for count in 1...20 {
        let pods = (0..<count).map { _ in Self.plainPod(&random) }
        #expect(pair.agree(on: style.body(Self.report, pods: pods)))
      }
    }
  }

  /// A pod of which every value is one that the layout takes.
  static func plainPod(_ random: inout SeededGenerator) -> [String: String] {
    func text() -> String {
      let length = Int.random(in: 1...70, using: &random)
      let characters = (0..<length).map { _ in "abc-:,{}[]7".randomElement(using: &random) ?? "a" }
      return "\"\(String(characters))\""
    }
    func integer() -> String {
      let digits = Int.random(in: 0...15, using: &random)
      let limit = (0..<digits).reduce(Int64(1)) { limit, _ in limit * 10 }
      return "\(Int64.random(in: 0..<limit, using: &random))"
    }
    func fraction() -> String {
      let places = Int.random(in: 1...25, using: &random)
      let digits = (0..<places).map { _ in "0123456789".randomElement(using: &random) ?? "0" }
      return integer() + "." + String(digits)
        + (["", "", "e-7", "E+2", "e12"].randomElement(using: &random) ?? "")
    }
    func some(_ value: String) -> String {
      Int.random(in: 0..<5, using: &random) == 0 ? "null" : value
    }
    let micros = Int.random(in: 0..<1_000_000, using: &random)
    return [
      "pod_id": text(), "namespace": text(), "name": text(),
      "cpu_usage_cores": some(Bool.random(using: &random) ? fraction() : integer()),
      "memory_usage_bytes": some(integer()), "net_tx_bytes": some(integer()),
      "net_rx_bytes": some(integer()),
      "pod_start_time": some("\"1899-12-31T23:59:59.\(micros)-00:0\(micros % 2)\""),
    ]
  }

  /// Values at the edges of what the layout takes, and beyond.
  static let values = [
    "\"\"", "\"a\"", "\"\\u0041\"", "\"\\\"", "\"é\"", "\"\u{1}\"", "\"\u{7f}\"", "\"a\"b\"",
    "\"a", "null", "nul", "nulll", "true", "0", "-0", "00", "01", "0.", ".5", "0.5", "00.5",
    "1.5e3", "1.5e", "1.5e+", "-1.5", "1e400", "1e-400", "0.1e-400", "12.75", "9007199254740993.0",
    "9.007199254740993", "9.00719925474099", "123456789012345", "1234567890123456",
    "9223372036854775807", "9223372036854775808", "1.0", "0.1234567890123456789", "",
    "0.000000000000000", "9.999999999999999", "1 ", "[]", "{}", "\"2026-02-29T00:00:00Z\"",
    "\"2028-02-29T23:59:60Z\"", "\"0001-01-01T00:00:00+00:00\"",
    "\"9999-12-31T23:59:59.9999999Z\"", "\"\(String(repeating: "t", count: 15))\"",
    "\"\(String(repeating: "t", count: 16))\"", "\"\(String(repeating: "t", count: 500))\"",
  ]

  @Test func anyValue() {
    let pair = Pair()
    let style = Style()
    let good = style.body(Self.report, pods: Self.pods)
    for value in Self.values {
      for member in Self.report.keys {
        pair.learn(good)
        pair.agree(on: style.body(Self.report.merging([member: value]) { $1 }, pods: Self.pods))
      }
      for member in style.podOrder {
        for position in Self.pods.indices {
          pair.learn(good)
          var pods = Self.pods
          pods[position][member] = value
          pair.agree(on: style.body(Self.report, pods: pods))
        }
      }
    }
  }

  @Test(arguments: Array(#""\,:}]0.e "#.utf8) + [0, 10, 0xc3])
  func anyByte(byte: UInt8) {
    let pair = Pair()
    let order = ["name", "memory_usage_bytes", "pod_id", "cpu_usage_cores", "namespace"]
    let style = Style(colon: ":", comma: ",", podOrder: order)
    let good = style.body(Self.report, pods: Array(Self.pods.prefix(2)))
    for position in good.indices {
      for isInserted in [false, true] {
        var body = good
        if isInserted { body.insert(byte, at: position) } else { body[position] = byte }
        pair.learn(good)
        pair.agree(on: body)
      }
    }
  }

  /// What lies behind the body is none of it, even if it goes on as the report would. Nothing
  /// behind the padding is read, though the longest text between pods and the longest number begin
  /// at the body's last byte.
  @Test(arguments: [", ", ",       "])
  func anyEnd(comma: String) {
    let pair = Pair()
    var style = Style(comma: comma)
    style.podOrder.removeAll { $0 == "memory_usage_bytes" }
    style.podOrder.insert("memory_usage_bytes", at: 0)
    let pods = Self.pods.map { $0.merging(["memory_usage_bytes": "123456789012345"]) { $1 } }
    let good = style.body(Self.report, pods: pods)
    for count in 1..<good.count {
      pair.learn(good)
      pair.agree(on: Array(good[..<count]), padding: Array(good[count...]))
    }
    pair.learn(good)
    #expect(pair.agree(on: good, padding: Array("]}".utf8)))
    for tail in [" ", "\n", "}", "]", ",", "0", "{}"] {
      pair.learn(good)
      #expect(!pair.agree(on: good + Array(tail.utf8)))
    }
  }

  /// What has no layout to learn is walked, and what was learnt before stays.
  @Test func unusualReportsAreWalked() {
    let pair = Pair()
    let style = Style()
    let one = Array(Self.pods.prefix(1))
    for _ in 0..<5 { #expect(!pair.agree(on: style.body(Self.report, pods: one))) }
    pair.learn(style.body(Self.report, pods: Self.pods))
    #expect(pair.agree(on: style.body(Self.report, pods: one)))
    #expect(pair.agree(on: style.body(Self.report, pods: [])))
    var unusual: [Style] = []
    for name in ["name", "other", "n\\u0061me"] {
      unusual.append(Style(podOrder: style.podOrder + [name]))
      unusual.append(Style(reportOrder: style.reportOrder + [name]))
    }
    unusual.append(Style(comma: "," + String(repeating: " ", count: 40)))
    for other in unusual {
      for _ in 0..<5 { #expect(!pair.agree(on: other.body(Self.report, pods: Self.pods))) }
      pair.learn(style.body(Self.report, pods: Self.pods))
    }
  }

  /// Rows that do not fit are checked all the same.
  @Test func rowsBeyondTheRoom() {
    let pair = Pair()
    pair.learn(Style().body(Self.report, pods: Self.pods))
    let many = [[String: String]](repeating: Self.pods[0], count: 2_000)
    #expect(pair.agree(on: Style().body(Self.report, pods: many)))
    var last = Self.pods[1]
    last["net_rx_bytes"] = "-1"
    #expect(!pair.agree(on: Style().body(Self.report, pods: many + [last])))
  }
}
