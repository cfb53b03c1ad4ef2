import Glibc

/// Whether a service uses a DATA_DIR, told without touching its lock.
///
/// The service holds `lock` by flock(2). Only another flock could try it, and one that succeeds,
/// for however short a time, would make a service that starts in that moment refuse to; and
/// F_OFD_GETLK does not see locks of flock. So the kernel's list of locks is read: proc_locks(5).
package enum LockHolder: Sendable, Equatable {
  case process(Int32)
  /// No process of this PID namespace holds it.
  case nobody
  /// The kernel's list cannot be read.
  case unknown

  /// Looks for the holder of the file `lock` in the directory at `path`.
  package static func find(directory path: String) -> LockHolder {
    let name = "\(path)/\(FileName.lock.text)"
    // Not blocking, should it be a pipe.
    let descriptor = open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { return errno == ENOENT ? .nobody : .unknown }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, let locks = text(of: "/proc/locks") else {
      return .unknown
    }
    let file = deviceNumbers(status.st_dev)
    // Where stat shows another device than the file system's own (btrfs, overlayfs), the mount
    // table has the one that the list of locks uses.
    let mount = text(of: "/proc/self/fdinfo/\(descriptor)").flatMap(mountID)
      .flatMap { id in text(of: "/proc/self/mountinfo").flatMap { device(ofMount: id, in: $0) } }
    let devices = [file] + (mount.map { [$0] } ?? [])
    return holder(in: locks, devices: devices, inode: UInt64(status.st_ino))
  }

  /// The holder of an exclusive flock on the inode, by the text of /proc/locks:
  /// `1: FLOCK  ADVISORY  WRITE 8610 fe:00:5980161 0 EOF`, major and minor in hexadecimal.
  static func holder(in locks: String, devices: [Device], inode: UInt64) -> LockHolder {
    for line in locks.split(separator: "\n") {
      let words = line.split(separator: " ")
      // Who only waits is listed behind an arrow.
      guard words.count >= 8, words[1] == "FLOCK", words[3] == "WRITE", let pid = Int32(words[4])
      else { continue }
      let place = words[5].split(separator: ":")
      guard place.count == 3, let major = UInt32(place[0], radix: 16),
        let minor = UInt32(place[1], radix: 16), UInt64(place[2]) == inode,
        devices.contains(Device(major: major, minor: minor))
      else { continue }
      return .process(pid)
    }
    return .nobody
  }

  struct Device: Equatable {
    var major: UInt32
    var minor: UInt32
  }

  /// Linux's encoding of device numbers (makedev(3)).
  static func deviceNumbers(_ device: UInt) -> Device {
    let number = UInt64(device)
    return Device(
      major: UInt32(truncatingIfNeeded: number >> 8 & 0xFFF | number >> 32 & 0xFFFF_F000),
      minor: UInt32(truncatingIfNeeded: number & 0xFF | number >> 12 & 0xFFFF_FF00))
  }

  /// The line `mnt_id:` of /proc/self/fdinfo.
  static func mountID(in fdinfo: String) -> String? {
    for line in fdinfo.split(separator: "\n") where line.hasPrefix("mnt_id:") {
      return line.split { $0 == "\t" || $0 == " " }.last.map(String.init)
    }
    return nil
  }

  /// The third word of a mount's line: `27 1 254:0 / / rw …`, in decimal.
  static func device(ofMount id: String, in mountinfo: String) -> Device? {
    for line in mountinfo.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 3)
      guard words.count == 4, words[0] == id else { continue }
      let numbers = words[2].split(separator: ":").compactMap { UInt32($0) }
      return numbers.count == 2 ? Device(major: numbers[0], minor: numbers[1]) : nil
    }
    return nil
  }

  /// A small file of /proc, whole; nil when it cannot be read.
  private static func text(of path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
    defer { piece.deallocate() }
    while bytes.count < IngestLimits.maximumProcByteCount {
      let count = retryingInterrupts { read(descriptor, piece.baseAddress, piece.count) }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
