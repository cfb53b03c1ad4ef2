import CShims
import Glibc
import Ingest

/// A directory that holds the same keys as a bucket would, for `file://`.
///
/// An object appears under its name at once and whole: it is a second name of the file in DATA_DIR
/// or, where that cannot be (another file system), a copy that is made under a hidden name beside
/// it, fsynced, and renamed without replacing.
final class DirectoryStore: ObjectStore {
  private let root: String
  private let syncDirectory: @Sendable (String) throws(DiskError) -> Void

  /// `root`: an absolute path; it is made by the first check or object. `sync`: fsync of one
  /// directory.
  init(
    root: String,
    sync: @escaping @Sendable (String) throws(DiskError) -> Void = { (path) throws(DiskError) in
      try DirectoryMaking.sync(path)
    }
  ) {
    self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
    syncDirectory = sync
  }

  var description: String { "Store file://\(root)" }
  var credentialSource: String? { nil }
  var takesParts: Bool { false }

  func cancel() {}

  func check() throws(StoreFailure) {
    try makeDirectory(root)
    guard access(root, W_OK | X_OK) == 0 else { throw Self.failure("write into", root) }
  }

  func head(_ key: String) throws(StoreFailure) -> ObjectFacts? {
    let path = try path(of: key)
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw Self.failure("look at", path)
    }
    try syncLevels(above: path)
    return ObjectFacts(byteCount: Int(facts.st_size), eTag: "")
  }

  func read(
    _ key: String, facts: ObjectFacts, offset: Int, byteCount: Int
  ) throws(StoreFailure) -> [UInt8] {
    let path = try path(of: key)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure("open", path) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var position = 0
    while position < byteCount {
      let got = bytes.withUnsafeMutableBytes {
        pread(
          descriptor, $0.baseAddress?.advanced(by: position), byteCount - position,
          offset + position)
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw Self.failure("read", path) }
      position += got
    }
    return bytes
  }

  func put(_ key: String, _ source: PartSource) throws(StoreFailure) {
    let target = try path(of: key)
    let directory = DirectoryMaking.parent(of: target)
    try makeDirectory(directory)
    let isLinked =
      if let path = source.wholeFilePath { try tryLink(path, target) } else { false }
    if !isLinked { try copy(source, target, directory) }
    try syncLevels(above: target)
  }

  func createMultipart(_ key: String) throws(StoreFailure) -> String { throw Self.noParts }
  func uploadPart(
    _ key: String, uploadID: String, number: Int, _ source: PartSource
  ) throws(StoreFailure) -> CompletedPart { throw Self.noParts }
  func complete(
    _ key: String, uploadID: String, parts: [CompletedPart]
  ) throws(StoreFailure) { throw Self.noParts }
  func abort(_ key: String, uploadID: String) throws(StoreFailure) {}
  func uploadIDs(ofKey key: String) throws(StoreFailure) -> [String] { [] }

  private static let noParts = StoreFailure(.notImplemented, "a directory takes no parts")

  /// Where a key lies. A key that could leave the directory is refused.
  func path(of key: String) throws(StoreFailure) -> String {
    let names = key.split(separator: "/", omittingEmptySubsequences: false)
    guard !key.isEmpty, names.last?.isEmpty == false, !key.utf8.contains(0),
      !names.contains(where: { $0 == "." || $0 == ".." })
    else { throw StoreFailure(.rejected, "the key \(key) is no path below a directory") }
    return "\(root)/\(key)"
  }

  /// False: not possible here, so it must be copied.
  private func tryLink(_ path: String, _ target: String) throws(StoreFailure) -> Bool {
    guard link(path, target) == 0 else {
      if errno == EEXIST { throw StoreFailure(.preconditionFailed, "\(target) is there already") }
      return false
    }
    // Files in DATA_DIR are for the service alone; those of the table are for its readers.
    guard chmod(target, Self.readableMode) == 0 else { throw Self.failure("open up", target) }
    return true
  }

  private func copy(
    _ source: PartSource, _ target: String, _ directory: String
  ) throws(StoreFailure) {
    // One writer makes a key, so a name left by an attempt that broke off may be taken over.
    let hidden = "\(directory)/.\(target.split(separator: "/").last ?? "").tmp"
    let descriptor = open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw Self.failure("create", hidden) }
    var isDone = false
    defer {
      close(descriptor)
      if !isDone { unlink(hidden) }
    }
    try source.forEachPiece { (bytes) throws(StoreFailure) in
      var position = 0
      while position < bytes.count {
        let put = write(
          descriptor, bytes.baseAddress?.advanced(by: position), bytes.count - position)
        if put < 0, errno == EINTR { continue }
        guard put > 0 else { throw Self.failure("write", hidden) }
        position += put
      }
    }
    guard fchmod(descriptor, Self.readableMode) == 0, fsync(descriptor) == 0 else {
      throw Self.failure("fsync", hidden)
    }
    switch cshims_rename_exclusive(hidden, target) {
    case 0: isDone = true
    case EEXIST: throw StoreFailure(.preconditionFailed, "\(target) is there already")
    case EINVAL, ENOSYS:
      // A file system without it: a second name does not replace either.
      guard try tryLink(hidden, target) else { throw Self.failure("name", target) }
    case let number:
      errno = number
      throw Self.failure("rename", hidden)
    }
  }

  private static let readableMode: mode_t = 0o644

  /// Makes the name of an object durable, and with it those of all levels up to the root: any of
  /// them may have been made by an attempt that ended before it could sync.
  private func syncLevels(above path: String) throws(StoreFailure) {
    var level = path
    while level.count > root.count {
      level = DirectoryMaking.parent(of: level)
      do {
        try syncDirectory(level)
      } catch {
        throw Self.failure(error)
      }
    }
  }

  private func makeDirectory(_ path: String) throws(StoreFailure) {
    do {
      try DirectoryMaking.make(path, mode: 0o755, sync: syncDirectory)
    } catch {
      throw Self.failure(error)
    }
    var facts = stat()
    guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
      throw StoreFailure(.rejected, "\(path) is not a directory")
    }
  }

  private static func failure(_ error: DiskError) -> StoreFailure {
    failure(error.call == .create ? "make" : "fsync", error.name, error.errno)
  }

  /// By errno. Nothing has become visible, or it is proved before the next try.
  private static func failure(
    _ call: String, _ path: String, _ number: CInt = errno
  ) -> StoreFailure {
    let text = "cannot \(call) \(path): \(String(cString: strerror(number)))"
    switch number {
    case EACCES, EPERM, EROFS: return StoreFailure(.accessDenied, text)
    case ENAMETOOLONG: return StoreFailure(.rejected, text)
    default: return StoreFailure(.unknown, text)
    }
  }
}
