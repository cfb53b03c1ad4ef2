import Synchronization

/// Asks the places for credentials in their order, keeps what the first one gave, and renews it
/// before it expires.
final class CredentialChain: Sendable {
  /// Why there are none; for people, without a secret.
  struct Failure: Error {
    var message: String
    /// A place is set up but does not answer: trying again soon may help.
    var isPassing: Bool
  }

  private struct State {
    var credentials: Credentials?
    /// Ordinal of the place that gave them.
    var provider: Int?
    /// After a renewal in advance has failed: not before this wall time again.
    var nextRenewal = -Double.infinity
  }

  private let providers: [any CredentialProvider]
  private let clock: any StoreClock
  private let events: StoreEventSink
  // Held while a place is asked, so that all threads wait for one answer instead of asking each.
  private let state = Mutex(State())
  // Apart from `state`, so that reading the name never waits for the network.
  private let sourceName = Mutex<String?>(nil)

  init(
    providers: [any CredentialProvider], clock: any StoreClock, events: @escaping StoreEventSink
  ) {
    self.providers = providers
    self.clock = clock
    self.events = events
  }

  /// Name of the place that the credentials in use come from.
  var source: String? { sourceName.withLock { $0 } }

  /// Credentials that are good for a while. May ask the network.
  func credentials() throws(Failure) -> Credentials {
    let result = state.withLock { state -> Result<Credentials, Failure> in
      let now = clock.wallSeconds
      guard let known = state.credentials else { return load(&state, now) }
      guard let expiration = known.expiration else { return .success(known) }
      let left = expiration - now
      if left > ServiceLimits.credentialRenewalSeconds { return .success(known) }
      let mustRenew = left <= ServiceLimits.credentialMarginSeconds
      if !mustRenew, now < state.nextRenewal { return .success(known) }
      let renewed = load(&state, now)
      if case .failure(let failure) = renewed, !mustRenew {
        events(.credentialsFailed(reason: "renewal in advance: \(failure.message)"))
        state.nextRenewal = now + ServiceLimits.credentialRetrySeconds
        state.credentials = known
        return .success(known)
      }
      return renewed
    }
    return try result.get()
  }

  /// The store refused `used`: the next call asks again, unless that has happened meanwhile. False
  /// when asking again cannot give anything else (environment variables).
  func invalidate(_ used: Credentials) -> Bool {
    state.withLock { state in
      if let ordinal = state.provider, providers[ordinal] is EnvironmentCredentials { return false }
      if state.credentials == used { state.credentials = nil }
      return true
    }
  }

  private func load(_ state: inout State, _ now: Double) -> Result<Credentials, Failure> {
    var notes: [String] = []
    // Once a place has given some, only it is asked: another may stand for someone else.
    let places = state.provider.map { $0..<$0 + 1 } ?? 0..<providers.count
    for ordinal in places {
      let provider = providers[ordinal]
      switch provider.load() {
      case .found(let credentials):
        var credentials = credentials
        if let expiration = credentials.expiration, expiration <= now {
          // Just given and over already: more likely this machine's clock is wrong, or the place
          // cannot renew them at the moment. The store decides.
          events(
            .credentialsLoaded(source: provider.name, expiresInSeconds: expiration - now))
          credentials.expiration = now + ServiceLimits.credentialGraceSeconds
        }
        state.credentials = credentials
        state.provider = ordinal
        sourceName.withLock { $0 = provider.name }
        events(
          .credentialsLoaded(
            source: provider.name, expiresInSeconds: credentials.expiration.map { $0 - now }))
        return .success(credentials)
      case .absent(let why):
        notes.append("\(provider.name): \(why)")
      case .failed(let why):
        notes.append("\(provider.name): \(why)")
        state.credentials = nil
        return .failure(Self.failure(notes, isPassing: true))
      }
    }
    state.credentials = nil
    return .failure(Self.failure(notes, isPassing: false))
  }

  private static func failure(_ notes: [String], isPassing: Bool) -> Failure {
    Failure(message: "no credentials; \(notes.joined(separator: "; "))", isPassing: isPassing)
  }
}
