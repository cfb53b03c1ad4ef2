import ArgumentParser
import Glibc
import Ingest

/// `aggregator inspect DATA_DIR`: what a data directory holds and whether it is whole.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Lists what a DATA_DIR holds, and what of it is damaged.",
    discussion: """
      Reads only: creates, locks and changes nothing, so it may run beside the service, and on a \
      copy. Whether a service holds the directory is told by the kernel's list of locks.

      Without --check the hashes of all headers, of the last frames and of the seals are verified; \
      with it also every report's and every object's. A torn end of the newest log is what a crash \
      leaves, and is no damage. Exit status: 0 when no damage is found, 1 when some is, 64 for \
      wrong arguments or a directory that cannot be opened or is no data directory.

      In the tables, `here` is the number of objects that are still in the directory, `open end` \
      the bytes behind a log's last whole frame (a write cut short, or under way), and `good` \
      whether --check found an object's size and SHA-256 to be its seal's (empty: not compared).

      The members of --json:
      """ + "\n" + InspectionJSON.help)

  @Argument(
    help: ArgumentHelp(
      "The data directory of a service, running or not.", valueName: "DATA_DIR"))
  var dataDirectory: String

  @Flag(help: "Write JSON instead of tables.")
  var json = false

  @Flag(help: "Verify every report in the logs, and every object against its seal.")
  var check = false

  @Option(
    help: ArgumentHelp("List the frames of one segment's log instead.", valueName: "segment"))
  var frames: UInt64?

  func run() throws {
    let disk: RealDisk
    do {
      disk = try RealDisk(existing: dataDirectory)
    } catch {
      throw Self.refuse("DATA_DIR cannot be opened: \(error)")
    }
    let holder = LockHolder.find(directory: dataDirectory)
    let isSound: Bool
    do {
      if let frames {
        isSound = try listFrames(of: frames, disk, holder)
      } else {
        isSound = try inspect(disk, holder)
      }
    } catch let error as DiskError {
      LogOutput().write(Array("aggregator: \(LogText.escaped(error.description))\n".utf8))
      throw ExitCode(1)
    }
    if !isSound { throw ExitCode(1) }
  }

  /// A line on stderr, and the status of wrong arguments; how to call the command is not in doubt.
  private static func refuse(_ fault: String) -> ExitCode {
    LogOutput().write(Array("aggregator: \(LogText.escaped(fault))\n".utf8))
    return ExitCode(64)
  }

  private func inspect(_ disk: RealDisk, _ holder: LockHolder) throws -> Bool {
    let options = Inspector.Options(
      checksAll: check, isServiceRunning: InspectionText.mayRun(holder))
    let meter = CheckMeter()
    let inspector = Inspector(disk: disk, options: options) { meter.add($0) }
    if check { meter.start(total: try inspector.checkedByteCount()) }
    let inspection = try inspector.run()
    meter.finish()
    guard inspection.isDataDirectory else {
      throw Self.refuse(
        "\(dataDirectory): this does not look like a data directory "
          + "(no writer, lock, log or seal)")
    }
    let uploads = UploadListing.read(inspection, disk: disk)
    let report = InspectionReport(
      directory: dataDirectory, holder: holder, isChecked: check, inspection: inspection,
      uploads: uploads)
    let output = LogOutput(descriptor: STDOUT_FILENO)
    output.write(
      Array((json ? InspectionJSON.text(report) : InspectionText.text(report)).utf8))
    return inspection.isSound
  }

  private func listFrames(
    of segment: UInt64, _ disk: RealDisk, _ holder: LockHolder
  ) throws -> Bool {
    let options = Inspector.Options(checksAll: false, isServiceRunning: false)
    guard let writer = try Inspector(disk: disk, options: options).writer() else {
      throw Self.refuse("nothing in DATA_DIR tells whose it is, so no frame can be verified")
    }
    let lister: FrameLister
    do {
      lister = try FrameLister(disk: disk, writer: writer, segment: segment)
    } catch {
      throw Self.refuse(
        error.errno == ENOENT
          ? "segment \(segment) has no log here: it is stored or sealed, or never was"
          : "segment \(segment) has no log that can be read: \(error)")
    }
    var output = FrameOutput(segment: segment, asJSON: json)
    while let entry = try lister.next() { output.add(entry) }
    output.finish()
    return output.isSound(isServiceRunning: InspectionText.mayRun(holder))
  }
}

/// What one inspection shows: what is in the directory and what was asked for.
struct InspectionReport {
  var directory: String
  var holder: LockHolder
  var isChecked: Bool
  var inspection: Inspection
  var uploads: [UploadListing]
}

/// One multipart upload that a record in the directory names.
struct UploadListing: Equatable {
  var id: ObjectID
  var key: String
  /// nil: the store's answer was lost.
  var uploadID: String?

  /// Every upload of every record; a record that has gone names none.
  static func read(_ inspection: Inspection, disk: any Disk) -> [UploadListing] {
    var uploads: [UploadListing] = []
    for id in inspection.segments.flatMap(\.uploadRecords) {
      let bytes = try? disk.contents(
        of: UploadRecord.name(of: id),
        maximumByteCount: ServiceLimits.maximumUploadRecordByteCount)
      for record in UploadRecord.parse((bytes ?? nil) ?? []) {
        uploads.append(UploadListing(id: id, key: record.key, uploadID: record.uploadID))
      }
    }
    return uploads
  }
}
