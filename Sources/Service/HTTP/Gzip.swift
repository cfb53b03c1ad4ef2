import CShims
import Ingest

/// Decodes compressed bodies: one gzip member, whole, and nothing behind it.
///
/// The only caller of the gzip shim. One instance an event loop; not thread-safe.
package final class GzipDecoder {
  package enum Failure: Error, Equatable {
    /// The output is larger than allowed.
    case tooLarge
    /// Not gzip, damaged, cut short, or followed by more bytes.
    case bad(String)
    /// No memory for the decoder's state.
    case noMemory
  }

  private let decoder: OpaquePointer

  /// nil when there is no memory.
  package init?() {
    guard let decoder = cshims_gzip_new() else { return nil }
    self.decoder = decoder
  }

  deinit { cshims_gzip_free(decoder) }

  /// The output's size as the member's last four bytes give it, cut at `limit`. A hint: it is not
  /// checked until the member has been decoded.
  package static func claimedByteCount(_ input: UnsafeRawBufferPointer, limit: Int) -> Int {
    guard input.count >= 18 else { return 0 }
    let claim = UInt32(
      littleEndian: input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self))
    return min(Int(claim), limit)
  }

  /// Decodes `input` into the free part of `output`, whose capacity is what
  /// `claimedByteCount` gave for the same `limit`.
  package func decode(
    _ input: UnsafeRawBufferPointer, into output: ReportBody, limit: Int
  ) throws(Failure) {
    cshims_gzip_start(decoder, input.baseAddress, input.count)
    var status = cshims_gzip_bad
    output.appendInPlace { room in
      var produced = 0
      status = cshims_gzip_read(decoder, room.baseAddress, room.count, &produced)
      return produced
    }
    if status == cshims_gzip_output_full {
      // The claim was wrong, or it was cut at the limit: find out what is wrong with the body.
      status = try skim(from: output.count, limit: limit)
      guard status != cshims_gzip_end else {
        throw .bad("there are bytes behind the gzip member")
      }
    }
    switch status {
    case cshims_gzip_end:
      guard cshims_gzip_unread(decoder) == 0 else {
        throw .bad("there are bytes behind the gzip member")
      }
    case cshims_gzip_truncated:
      throw .bad("the gzip member is cut short")
    case cshims_gzip_no_memory:
      throw .noMemory
    default:
      throw .bad("the body is not gzip or is damaged")
    }
  }

  /// Decodes on without keeping the output, until the member ends or is over the limit.
  private func skim(from count: Int, limit: Int) throws(Failure) -> cshims_gzip_status {
    var total = count
    while true {
      var produced = 0
      let status = withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) { window in
        cshims_gzip_read(decoder, window.baseAddress, window.count, &produced)
      }
      total += produced
      guard total <= limit else { throw .tooLarge }
      guard status == cshims_gzip_output_full else { return status }
    }
  }
}
