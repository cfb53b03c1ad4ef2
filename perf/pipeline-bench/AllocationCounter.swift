import Glibc

/// Calls of malloc and its kin by this process so far, as the preloaded
/// `perf/allocations/count.c` counts them; 0 without it.
enum AllocationCounter {
  private typealias Count = @convention(c) () -> UInt64

  private static let count: Count? = dlsym(nil, "allocation_count").map {
    unsafeBitCast($0, to: Count.self)
  }

  static var now: UInt64 { count?() ?? 0 }
}
