import Foundation

/// The shared files: profile AWS_PROFILE (else `default`) in `~/.aws/credentials` (or
/// AWS_SHARED_CREDENTIALS_FILE) and `~/.aws/config` (or AWS_CONFIG_FILE). Read anew at each load.
struct ProfileCredentials: CredentialProvider {
  let settings: CredentialSettings

  var name: String { "shared profile files" }

  func load() -> CredentialAnswer {
    let profile = settings.environment["AWS_PROFILE"] ?? "default"
    let files = [
      path("AWS_SHARED_CREDENTIALS_FILE", "credentials"), path("AWS_CONFIG_FILE", "config"),
    ]
    var found: [String: String] = [:]
    var notes: [String] = []
    for (path, sectionNames) in zip(
      files,
      [[profile], profile == "default" ? ["profile default", "default"] : ["profile \(profile)"]])
    {
      switch SmallFile.read(path) {
      case .failure(let failure):
        notes.append("\(path) \(failure.text)")
        if !failure.isAbsent { return .failed(notes.joined(separator: ", ")) }
      case .success(let bytes):
        let file = ProfileFile(String(decoding: bytes, as: UTF8.self))
        if let section = sectionNames.lazy.compactMap({ file.sections[$0] }).first {
          // The credentials file comes first and is not overridden.
          found.merge(section) { first, _ in first }
        } else {
          notes.append("\(path) has no profile \(profile)")
        }
      }
    }
    return answer(found, profile: profile, notes: notes)
  }

  private func answer(
    _ found: [String: String], profile: String, notes: [String]
  ) -> CredentialAnswer {
    if let id = found["aws_access_key_id"], let secret = found["aws_secret_access_key"],
      !id.isEmpty, !secret.isEmpty
    {
      return .found(
        Credentials(
          accessKeyID: id, secretAccessKey: secret,
          sessionToken: found["aws_session_token"].flatMap { $0.isEmpty ? nil : $0 }))
    }
    if let role = found["role_arn"], let file = found["web_identity_token_file"] {
      return WebIdentityCredentials(settings: settings).assume(
        role: role, tokenFile: file, sessionName: found["role_session_name"])
    }
    let isNamed = settings.environment["AWS_PROFILE"] != nil
    if !found.isEmpty {
      let why = "profile \(profile) holds neither keys nor a role with web_identity_token_file"
      return isNamed ? .failed(why) : .absent(why)
    }
    let why = notes.joined(separator: ", ")
    return isNamed ? .failed("AWS_PROFILE is \(profile), but \(why)") : .absent(why)
  }

  private func path(_ variable: String, _ fileName: String) -> String {
    let path = settings.environment[variable] ?? "~/.aws/\(fileName)"
    guard path.hasPrefix("~/") else { return path }
    return (settings.environment["HOME"] ?? NSHomeDirectory()) + path.dropFirst()
  }
}
