import CShims
import Glibc

/// A directory that holds the same keys as a bucket would, for `file://`.
///
/// An object appears under its name at once and whole: it is a second name of the file in DATA_DIR
/// or, where that cannot be (another file system), a copy that is made under a hidden name beside
/// it, fsynced, and renamed without replacing.
final class DirectoryStore: ObjectStore {
  private let root: String
  private let syncDirectory: @Sendable (String) throws(StoreFailure) -> Void

  /// `root`: an absolute path; it is made by the first check or object. `sync`: fsync of one
  /// directory.
  init(
    root: String,
    sync: @escaping @Sendable (String) throws(StoreFailure) -> Void = DirectoryStore.syncDirectory
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
    let directory = String(target[..<(target.lastIndex(of: "/") ?? target.startIndex)])
    try makeDirectory(directory)
    if let path = source.wholeFilePath, try tryLink(path, target) {
      try sync(directory)
      return
    }
    try copy(source, target, directory)
    try sync(directory)
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

  /// An object is looked for when it is not known whether it was made: the process may have ended
  /// between its name and the sync, and what is found counts as stored from here on.
  private func syncLevels(above path: String) throws(StoreFailure) {
    var level = path[...]
    while level.count > root.count, let slash = level.lastIndex(of: "/") {
      level = level[..<slash]
      try sync(String(level))
    }
  }

  /// Makes the directory and what is missing above it, each synced into its parent, also one that
  /// is there: it may have been made without the sync having come about.
  private func makeDirectory(_ path: String) throws(StoreFailure) {
    if mkdir(path, 0o755) == 0 {
      if let slash = path.lastIndex(of: "/") { try sync(String(path[..<slash])) }
      return
    }
    switch errno {
    case EEXIST:
      var facts = stat()
      guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
        throw StoreFailure(.rejected, "\(path) is not a directory")
      }
      guard path.count > root.count, let slash = path.lastIndex(of: "/") else { return }
      try sync(String(path[..<slash]))
    case ENOENT:
      guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw Self.failure("make", path)
      }
      try makeDirectory(String(path[..<slash]))
      guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw Self.failure("make", path) }
      try sync(String(path[..<slash]))
    default: throw Self.failure("make", path)
    }
  }

  private func sync(_ directory: String) throws(StoreFailure) {
    try syncDirectory(directory.isEmpty ? "/" : directory)
  }

  static func syncDirectory(_ path: String) throws(StoreFailure) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
  }

  /// By errno. Nothing has become visible, or it is proved before the next try.
  private static func failure(_ call: String, _ path: String) -> StoreFailure {
    let number = errno
    let text = "cannot \(call) \(path): \(String(cString: strerror(number)))"
    switch number {
    case EACCES, EPERM, EROFS: return StoreFailure(.accessDenied, text)
    case ENAMETOOLONG: return StoreFailure(.rejected, text)
    default: return StoreFailure(.unknown, text)
    }
  }
}
