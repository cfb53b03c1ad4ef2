import SimulationModels
import Testing

@testable import Columnar

/// The compact protocol's bytes, by the specification's own rules.
@Suite struct ThriftCompactTests {
  private func bytes(_ body: (inout ThriftCompactWriter) -> Void) -> [UInt8] {
    let output = GrowingBytes()
    var thrift = ThriftCompactWriter(to: output)
    thrift.writeStructure(body)
    return Array(output.bytes)
  }

  @Test func fieldsOfEachType() {
    #expect(bytes { $0.field(1, bool: true) } == [0x11, 0])
    #expect(bytes { $0.field(2, bool: false) } == [0x22, 0])
    #expect(bytes { $0.field(1, i16: -1) } == [0x14, 1, 0])
    #expect(bytes { $0.field(1, i32: 64) } == [0x15, 0x80, 1, 0])
    #expect(bytes { $0.field(1, i64: -64) } == [0x16, 0x7F, 0])
    #expect(bytes { $0.field(1, string: "ab") } == [0x18, 2, 97, 98, 0])
    #expect(bytes { $0.field(1, binary: []) } == [0x18, 0, 0])
    #expect(bytes { $0.field(1) { $0.field(1, i32: 1) } } == [0x1C, 0x15, 2, 0, 0])
  }

  @Test(arguments: [Int64.min, -1, 0, 1, 63, 64, 8191, 8192, Int64.max])
  func integersComeBack(_ value: Int64) throws {
    var position = 0
    let read = try ThriftValue.structure(bytes { $0.field(3, i64: value) }, &position)
    #expect(read == .structure([3: .integer(value)]))
  }

  @Test func aFieldFarFromTheLastHasItsIDWrittenOut() {
    #expect(bytes { $0.field(15, bool: true) } == [0xF1, 0])
    #expect(bytes { $0.field(16, bool: true) } == [0x01, 32, 0])
  }

  @Test func idsStartAnewInAStructAndGoOnBehindIt() {
    let found = bytes {
      $0.field(5) { $0.field(1, bool: true) }
      $0.field(6, bool: true)
    }
    #expect(found == [0x5C, 0x11, 0, 0x11, 0])
  }

  @Test(arguments: [0, 1, 14, 15, 16, 200])
  func listsOfEveryLength(_ count: Int) throws {
    let numbers = (0..<count).map { Int32($0) }
    let flags = numbers.map { $0 % 3 == 0 }
    let found = bytes {
      $0.field(1, i32s: numbers)
      $0.field(2, bools: flags)
      $0.field(3, strings: numbers.map { "\($0)" })
      $0.field(4, structures: numbers) { $0.field(2, i32: $1) }
    }
    var position = 0
    let read = try ThriftValue.structure(found, &position)
    #expect(read[1]?.list == numbers.map { .integer(Int64($0)) })
    #expect(read[2]?.list == flags.map { .bool($0) })
    #expect(read[3]?.list == numbers.map { .binary(Array("\($0)".utf8)) })
    #expect(read[4]?.list == numbers.map { .structure([2: .integer(Int64($0))]) })
    #expect(position == found.count)
  }
}
