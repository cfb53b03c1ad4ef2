import ArgumentParser
import Foundation
import Glibc
import Ingest
import KubeIndex

/// The command line: no argument serves.
package struct AggregatorCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "aggregator",
    abstract:
      "Takes usage reports over HTTP, joins them with Kubernetes metadata, and stores Parquet.",
    discussion: """
      Without a subcommand the service starts; `aggregator inspect DATA_DIR` looks into its data \
      directory instead.


      """ + SettingsTable.help,
    version: ProductVersion.text,
    subcommands: [InspectCommand.self])

  package init() {}

  package func run() throws {
    let (settings, errors) = SettingsReader.read(
      environment: ProcessInfo.processInfo.environment)
    let access: (endpoint: APIServerEndpoint, source: String)
    do {
      access = try ClusterAccess.find(
        environment: settings.environment, kubeconfig: settings.kubeconfig)
    } catch {
      // Told with the variables' faults, so that one start names all there is to mend.
      let isSetting = !errors.isEmpty || error.variable != nil
      throw Self.refuse(
        errors.map(\.description) + [error.settingDescription], status: isSetting ? 64 : 1)
    }
    guard errors.isEmpty else { throw Self.refuse(errors.map(\.description), status: 64) }
    let status = ServiceRun(settings: settings, endpoint: access.endpoint, source: access.source)
      .run()
    // Not `exit`: a name that is still looked up, or the watch over a hanging stop, has a thread,
    // and exit handlers free what it uses. Nothing of ours is buffered.
    _exit(status)
  }

  /// A line for each fault, on stderr.
  private static func refuse(_ faults: [String], status: Int32) -> ExitCode {
    let output = LogOutput()
    for fault in faults {
      output.write(Array("aggregator: \(LogText.escaped(fault))\n".utf8))
    }
    return ExitCode(status)
  }
}
