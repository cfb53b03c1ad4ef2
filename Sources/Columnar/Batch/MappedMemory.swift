import Glibc

/// Anonymous memory straight from the system: reserved at once, touched on first use, given back
/// without losing the addresses.
package final class MappedMemory {
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Traps when the system refuses the address space: there is nothing sensible to do without it.
  package init(byteCount: Int) {
    precondition(byteCount > 0)
    self.byteCount = Self.roundedToPages(byteCount)
    let address = mmap(
      nil, self.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
      0)
    guard let address, address != MAP_FAILED else {
      preconditionFailure("mmap of \(self.byteCount) bytes failed: errno \(errno)")
    }
    base = address
  }

  deinit { munmap(base, byteCount) }

  /// Gives all touched pages back; they read as zero afterwards.
  package func release() { madvise(base, byteCount, MADV_DONTNEED) }

  package static func roundedToPages(_ byteCount: Int) -> Int {
    let page = 4096
    return (byteCount + page - 1) / page * page
  }
}
