/// What reports say of a pod of a batch. The texts stay at their address as long as the batch does
/// not go back.
struct ReportedPod {
  /// Of the batch.
  let ordinal: Int
  /// pod_id as the report spelled it, unescaped.
  let id: UnsafeRawBufferPointer
  let namespace: UnsafeRawBufferPointer
  let name: UnsafeRawBufferPointer
  /// Microseconds since 1970; nil when pod_start_time is null, absent or before 1900.
  let startMicros: Int64?
  /// No other pod of the batch has its pod_id.
  let isOnlyOfID: Bool

  /// Bytes of its texts, as dictionary pages hold them.
  var byteCount: Int { id.count + namespace.count + name.count + 12 }
}
