import Ingest
import Testing

@testable import Service

/// Protects what is taken for a gzip body: one member, whole, nothing behind it, within the limit.
@Suite struct GzipTests {
  /// A member of stored blocks (RFC 1951, section 3.2.4): made by hand, so that no compressor of
  /// the same library stands behind the test.
  static func member(_ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var offset = 0
    repeat {
      let count = min(65535, content.count - offset)
      let isLast = offset + count == content.count
      bytes.append(isLast ? 1 : 0)
      bytes += [
        UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8 & 0xFF),
      ]
      bytes += content[offset..<offset + count]
      offset += count
    } while offset < content.count
    return bytes + littleEndian(crc32(content)) + littleEndian(UInt32(content.count))
  }

  static func littleEndian(_ value: UInt32) -> [UInt8] {
    [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }

  static func decode(_ input: [UInt8], limit: Int) -> Result<[UInt8], GzipDecoder.Failure> {
    guard let decoder = GzipDecoder() else { return .failure(.noMemory) }
    return input.withUnsafeBytes { bytes in
      let capacity = GzipDecoder.claimedByteCount(bytes, limit: limit)
      let output = ReportBody(capacity: capacity)
      do throws(GzipDecoder.Failure) {
        try decoder.decode(bytes, into: output, limit: limit)
        return .success(Array(output.bytes))
      } catch {
        return .failure(error)
      }
    }
  }

  static let content = Array("{\"pods\":[]}".utf8)

  @Test(arguments: [0, 1, 11, 65535, 65536, 100_000])
  func roundTrip(_ count: Int) {
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(Self.decode(Self.member(content), limit: 100_000) == .success(content))
  }

  @Test("A member of fixed codes, as zlib writes it")
  func compressed() {
    // printf '{"pods":[]}' | gzip -n
    let bytes: [UInt8] = [
      0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xAB, 0x56, 0x2A, 0xC8, 0x4F, 0x29, 0x56, 0xB2, 0x8A,
      0x8E, 0xAD, 0x05, 0x00,
    ]
    let trailer = Self.littleEndian(Self.crc32(Self.content)) + Self.littleEndian(11)
    #expect(Self.decode(bytes + trailer, limit: 100) == .success(Self.content))
  }

  @Test func everyPrefixIsCutShort() {
    let member = Self.member(Self.content)
    for count in 0..<member.count {
      guard case .failure(.bad) = Self.decode(Array(member[0..<count]), limit: 100) else {
        Issue.record("a prefix of \(count) bytes was taken")
        return
      }
    }
  }

  @Test("Bytes behind the member are refused, a second member as well as junk")
  func trailing() {
    let member = Self.member(Self.content)
    for tail in [[0], [0, 0, 0, 0, 0, 0, 0, 0], member, Array(member[0..<5])] {
      guard case .failure(.bad) = Self.decode(member + tail, limit: 100_000) else {
        Issue.record("\(tail.count) trailing bytes were taken")
        return
      }
    }
  }

  @Test("Output over the limit is too large, whatever length the trailer claims")
  func tooLarge() {
    let content = [UInt8](repeating: 7, count: 5000)
    var member = Self.member(content)
    #expect(Self.decode(member, limit: 4999) == .failure(.tooLarge))
    #expect(Self.decode(member, limit: 5000) == .success(content))
    #expect(Self.decode(member + [1, 0, 0, 0], limit: 4999) == .failure(.tooLarge))
    member.replaceSubrange(member.count - 4..<member.count, with: Self.littleEndian(10))
    #expect(Self.decode(member, limit: 4999) == .failure(.tooLarge))
    guard case .failure(.bad) = Self.decode(member, limit: 5000) else {
      Issue.record("a false length was taken")
      return
    }
  }

  @Test("One flipped bit anywhere never gives other content")
  func flips() {
    let member = Self.member(Self.content)
    for bit in 0..<member.count * 8 {
      var bytes = member
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if case .success(let content) = Self.decode(bytes, limit: 100) {
        // Fields of the header that do not matter: time, operating system, extra flags.
        #expect(content == Self.content)
      }
    }
  }
}
