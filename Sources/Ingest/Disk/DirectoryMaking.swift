import Glibc

/// Makes a directory that is to outlive a power cut: every new level is a name in the level above
/// it, and that name is durable only once the level above is synced.
package enum DirectoryMaking {
  /// Makes `path`, and what is missing above it. The level above `path` is synced also when nothing
  /// was missing, since the process that made it may have ended before it could.
  ///
  /// `sync`: fsync of one directory.
  package static func make(
    _ path: String, mode: mode_t = 0o700,
    sync: (String) throws(DiskError) -> Void = DirectoryMaking.sync
  ) throws(DiskError) {
    let parent = parent(of: path)
    if mkdir(path, mode) == 0 {
      try sync(parent)
      return
    }
    switch errno {
    case EEXIST:
      // One that is not ours, or not ours to read, was not made by us.
      try? sync(parent)
    case ENOENT where parent != path && !path.isEmpty:
      try make(parent, mode: mode, sync: sync)
      guard mkdir(path, mode) == 0 || errno == EEXIST else {
        throw DiskError(call: .create, name: path, errno: errno)
      }
      try sync(parent)
    default: throw DiskError(call: .create, name: path, errno: errno)
    }
  }

  /// The path of the level above; itself at the top.
  package static func parent(of path: String) -> String {
    var rest = Substring(path)
    while rest.count > 1, rest.hasSuffix("/") { rest.removeLast() }
    guard let slash = rest.lastIndex(of: "/") else { return rest == "." ? "/" : "." }
    rest = rest[..<slash]
    while rest.hasSuffix("/") { rest.removeLast() }
    return rest.isEmpty ? "/" : String(rest)
  }

  /// fsync of the directory.
  package static func sync(_ path: String) throws(DiskError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw DiskError(call: .open, name: path, errno: errno) }
    defer { close(descriptor) }
    guard retryingInterrupts({ fsync(descriptor) }) == 0 else {
      throw DiskError(call: .syncDirectory, name: path, errno: errno)
    }
  }
}
