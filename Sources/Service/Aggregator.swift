import ArgumentParser
import Foundation
import Glibc
import Ingest
import KubeIndex

/// The executable: no argument serves.
@main
struct Aggregator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aggregator",
    abstract:
      "Takes usage reports over HTTP, joins them with Kubernetes metadata, and stores Parquet.",
    discussion: SettingsTable.help,
    version: ProductVersion.text,
    subcommands: [InspectCommand.self])

  func run() throws {
    let (settings, errors) = SettingsReader.read(
      environment: ProcessInfo.processInfo.environment)
    guard errors.isEmpty else { throw Self.refuse(errors) }
    let access: (endpoint: APIServerEndpoint, source: String)
    do {
      access = try ClusterAccess.find(
        environment: settings.environment, kubeconfig: settings.kubeconfig)
    } catch {
      if settings.kubeconfig != nil {
        throw Self.refuse([
          SettingError(
            variable: "KUBECONFIG", value: settings.kubeconfig, accepted: error.description)
        ])
      }
      LogOutput().write(Array("aggregator: \(LogText.escaped(error.description))\n".utf8))
      throw ExitCode(1)
    }
    let status = ServiceRun(settings: settings, endpoint: access.endpoint, source: access.source)
      .run()
    // Not `exit`: a name that is still looked up, or the watch over a hanging stop, has a thread,
    // and exit handlers free what it uses. Nothing of ours is buffered.
    _exit(status)
  }

  /// A line for each fault, on stderr.
  private static func refuse(_ errors: [SettingError]) -> ExitCode {
    let output = LogOutput()
    for error in errors {
      output.write(Array("aggregator: \(LogText.escaped(error.description))\n".utf8))
    }
    return ExitCode(64)
  }
}
