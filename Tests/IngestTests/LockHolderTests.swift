import Glibc
import Testing

@testable import Ingest

/// Who holds the lock is told from the kernel's own list, and asking disturbs nobody.
@Suite struct LockHolderTests {
  typealias Device = LockHolder.Device

  static let locks = """
    1: POSIX  ADVISORY  WRITE 11 fe:01:77 0 EOF
    2: FLOCK  ADVISORY  READ 12 fe:01:77 0 EOF
    3: FLOCK  ADVISORY  WRITE 13 fe:01:78 0 EOF
    3: -> FLOCK  ADVISORY  WRITE 14 fe:01:77 0 EOF
    4: FLOCK  ADVISORY  WRITE 15 fe:02:77 0 EOF
    5: nonsense
    6: FLOCK  ADVISORY  WRITE 16 103:a1:99 0 EOF

    """

  @Test(arguments: [
    (Device(major: 0xFE, minor: 1), UInt64(78), LockHolder.process(13)),
    (Device(major: 0xFE, minor: 1), 77, .nobody),
    (Device(major: 0xFE, minor: 2), 77, .process(15)),
    (Device(major: 0x103, minor: 0xA1), 99, .process(16)),
    (Device(major: 1, minor: 1), 5, .nobody),
  ])
  func theListIsRead(device: Device, inode: UInt64, expected: LockHolder) {
    #expect(LockHolder.holder(in: Self.locks, devices: [device], inode: inode) == expected)
  }

  @Test func deviceNumbersAreLinuxOwn() {
    #expect(LockHolder.deviceNumbers(0xFE01) == Device(major: 0xFE, minor: 1))
    #expect(
      LockHolder.deviceNumbers(0x0000_1000_0120_03A1)
        == Device(major: 0x1003, minor: 0x12A1))
  }

  @Test func theMountTableTellsAFileSystemsDevice() {
    #expect(LockHolder.mountID(in: "pos:\t0\nflags:\t02100001\nmnt_id:\t27\nino:\t5\n") == "27")
    let mounts = "26 1 0:24 / /proc rw - proc proc rw\n27 1 254:3 / / rw - ext4 /dev/vda rw\n"
    #expect(LockHolder.device(ofMount: "27", in: mounts) == Device(major: 254, minor: 3))
    #expect(LockHolder.device(ofMount: "28", in: mounts) == nil)
  }

  @Test func aHeldLockIsSeenAndAFreeOneIsNot() throws {
    var template = Array("/tmp/lock-holder-XXXXXX".utf8CString)
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { rmdir(path) }
    #expect(LockHolder.find(directory: path) == .nobody)
    let descriptor = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    defer {
      close(descriptor)
      unlink("\(path)/lock")
    }
    #expect(LockHolder.find(directory: path) == .nobody)
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    // Where the kernel's list cannot be read, nothing else is claimed.
    #expect([.process(getpid()), .unknown].contains(LockHolder.find(directory: path)))
  }
}
