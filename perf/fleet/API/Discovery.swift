/// What clients such as kubectl ask for before they list.
enum Discovery {
  static func answer(to target: String) -> String? {
    switch target.prefix(while: { $0 != "?" }) {
    case "/version": version
    case "/api": versions
    case "/api/v1": resources
    case "/apis": #"{"kind":"APIGroupList","apiVersion":"v1","groups":[]}"#
    case "/readyz", "/livez", "/healthz": "ok"
    default: nil
    }
  }

  private static let version =
    #"{"major":"1","minor":"36","gitVersion":"v1.36.2","gitCommit":"fleet","gitTreeState":"clean","#
    + #""buildDate":"2026-11-23T00:00:00Z","goVersion":"none","compiler":"swiftc","#
    + #""platform":"linux/amd64"}"#
  private static let versions =
    #"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[]}"#
  private static let resources =
    #"{"kind":"APIResourceList","groupVersion":"v1","resources":["#
    + ObjectKind.allCases.map(resource).joined(separator: ",") + "]}"

  private static func resource(_ kind: ObjectKind) -> String {
    let plural = kind.kindName.lowercased() + "s"
    return #"{"name":"\#(plural)","singularName":"\#(kind.kindName.lowercased())","#
      + #""namespaced":\#(kind.isNamespaced),"kind":"\#(kind.kindName)","#
      + #""verbs":["get","list","watch"]}"#
  }
}
