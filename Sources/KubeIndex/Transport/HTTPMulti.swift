import CShims
import Glibc

/// The HTTP client: any number of transfers on one libcurl multi handle.
///
/// One thread owns it: it starts and cancels transfers and calls `poll`, inside which all delegates
/// are called. Connections are kept and reused; HTTP/2 is spoken where the server offers it.
// Unchecked: only `wakeup` is for other threads, and curl_multi_wakeup is documented as safe there.
package final class HTTPMulti: @unchecked Sendable {
  /// One transfer of one `HTTPMulti`; never used twice.
  package struct TransferID: Hashable, Sendable {
    fileprivate var number: UInt64
  }

  private let multi: OpaquePointer
  private var transfers: [TransferID: HTTPTransfer] = [:]
  private var nextNumber: UInt64 = 1
  /// Inside libcurl: handles must be neither added nor removed.
  private var isPerforming = false
  private var starting: [HTTPTransfer] = []
  private var cancelling: [TransferID] = []
  /// Transfers that could not begin, with the reason; told to their delegates by the next `poll`.
  private var stillborn: [(transfer: HTTPTransfer, error: TransportError)] = []

  package init() throws(TransportError) {
    guard Self.isInitialized, let multi = cshims_curl_multi_create() else {
      throw TransportError(reason: .file, message: "libcurl cannot be started")
    }
    self.multi = multi
  }

  deinit {
    for transfer in transfers.values {
      if transfer.isAdded, let easy = transfer.easy { cshims_curl_multi_remove(multi, easy) }
    }
    cshims_curl_multi_destroy(multi)
  }

  private static let isInitialized = cshims_curl_initialize()

  /// Transfers that have not ended.
  package var transferCount: Int { transfers.count }

  /// Begins a transfer; it makes progress inside `poll`. The delegate is retained until its end.
  /// A request that cannot begin (bad URL, unreadable file) ends in the next `poll`.
  package func start(
    _ request: HTTPRequest, delegate: any HTTPTransferDelegate
  ) -> TransferID {
    let id = TransferID(number: nextNumber)
    nextNumber += 1
    let transfer = HTTPTransfer(id: id, request: request, delegate: delegate)
    transfers[id] = transfer
    do {
      try transfer.prepare()
      if isPerforming { starting.append(transfer) } else { add(transfer) }
    } catch {
      stillborn.append((transfer, error))
    }
    return id
  }

  /// Ends a transfer. Its delegate gets `.cancelled` before this returns or, when called by a
  /// delegate, before `poll` returns. Nothing happens when it has ended already.
  package func cancel(_ id: TransferID) {
    if isPerforming {
      cancelling.append(id)
    } else if let transfer = transfers[id] {
      finish(transfer, transfer.error(.cancelled, "cancelled"))
    }
  }

  /// Waits until something can be done, `wakeup` is called or `timeout` is over; does it, and tells
  /// the delegates.
  package func poll(timeout: Duration) {
    let hasEnded = endStillborn()
    let milliseconds =
      hasEnded ? 0 : max(0, min(timeout.wholeMilliseconds, KubeIndexLimits.maximumPollMillis))
    _ = cshims_curl_multi_poll(multi, Int32(milliseconds))
    isPerforming = true
    _ = cshims_curl_multi_perform(multi)
    isPerforming = false
    while let (transfer, result) = nextEnded() {
      finish(transfer, transfer.ending(result))
    }
    settle()
  }

  /// Makes a running or the next `poll` return at once. Safe on any thread.
  package func wakeup() { cshims_curl_multi_wakeup(multi) }

  /// Carries out one request and waits for its whole answer, driving all other transfers meanwhile.
  /// An answer's status is not judged. `isCancelled` is asked after every `wakeup`.
  package func perform(
    _ request: HTTPRequest, maximumBodyByteCount: Int, isCancelled: () -> Bool = { false }
  ) throws(TransportError) -> HTTPResponse {
    let collector = ResponseCollector(maximumBodyByteCount: maximumBodyByteCount)
    let id = start(request, delegate: collector)
    while !collector.hasEnded {
      if isCancelled() {
        cancel(id)
      } else {
        poll(timeout: .seconds(60))
      }
    }
    return try collector.response()
  }

  private func nextEnded() -> (HTTPTransfer, cshims_curl_result)? {
    var result = CSHIMS_CURL_OK
    guard let context = cshims_curl_multi_next_ended(multi, &result) else { return nil }
    return (Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue(), result)
  }

  private func add(_ transfer: HTTPTransfer) {
    guard let easy = transfer.easy, cshims_curl_multi_add(multi, easy) else {
      stillborn.append((transfer, transfer.error(.file, "cannot be started")))
      return
    }
    transfer.isAdded = true
  }

  /// Starts and cancels what delegates asked for while libcurl was busy.
  private func settle() {
    let toStart = starting
    starting = []
    for transfer in toStart where transfers[transfer.id] != nil { add(transfer) }
    let toCancel = cancelling
    cancelling = []
    for id in toCancel { cancel(id) }
  }

  /// Whether there were any.
  private func endStillborn() -> Bool {
    let ended = stillborn
    stillborn = []
    for (transfer, error) in ended { finish(transfer, error) }
    return !ended.isEmpty
  }

  private func finish(_ transfer: HTTPTransfer, _ error: TransportError?) {
    guard transfers.removeValue(forKey: transfer.id) != nil else { return }
    if transfer.isAdded, let easy = transfer.easy { cshims_curl_multi_remove(multi, easy) }
    transfer.release()
    transfer.delegate.transferDidEnd(error)
  }
}

extension Duration {
  /// Whole milliseconds, rounded up, so that a short wait is not none; `Int32.max` at most.
  package var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    guard seconds < Int64(Int32.max) / 1000 else { return Int(Int32.max) }
    guard seconds > -Int64(Int32.max) / 1000 else { return -Int(Int32.max) }
    return Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
