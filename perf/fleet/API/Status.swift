/// The answers of an API server that are not objects: `metav1.Status`, in the server's own words.
enum Status {
  static let unauthorized = failure("Unauthorized", reason: "Unauthorized", code: 401)
  static let notFound =
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server "#
    + #"could not find the requested resource","reason":"NotFound","details":{},"code":404}"#
  static let methodNotAllowed =
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server "#
    + #"does not allow this method on the requested resource","reason":"MethodNotAllowed","#
    + #""details":{},"code":405}"#
  static let badContinue = failure(
    "invalid continue token: continue key is not valid", reason: "BadRequest", code: 400)
  static let listExpired = failure(
    "The resourceVersion for the provided list is too old.", reason: "Expired", code: 410)
  static let initialEventsInvalid = failure(
    "ListOptions.meta.k8s.io \\\"\\\" is invalid: resourceVersionMatch: Forbidden: "
      + "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    reason: "Invalid", code: 422)

  static func watchExpired(version: Int, oldest: Int) -> String {
    failure("too old resource version: \(version) (\(oldest))", reason: "Expired", code: 410)
  }

  static func badVersion(_ text: String) -> String {
    let shown = text.filter { $0.isLetter || $0.isNumber }
    return #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"#
      + #""resourceVersion: Invalid value: \"\#(shown)\": strconv.ParseUint: parsing "#
      + #"\"\#(shown)\": invalid syntax","code":500}"#
  }

  static func tooLarge(version: Int, current: Int) -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Timeout: Too "#
      + #"large resource version: \#(version), current: \#(current)","reason":"Timeout","details":"#
      + #"{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}],"#
      + #""retryAfterSeconds":1},"code":504}"#
  }

  /// The answer to an expired continue token, with a token to go on without consistency.
  static func continueExpired(token: String) -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{"continue":"\#(token)"},"status":"Failure","#
      + #""message":"The provided continue parameter is too old to display a consistent list "#
      + #"result. You can start a new list without the continue parameter, or use the continue "#
      + #"token in this response to retrieve the remainder of the results. Continuing with the "#
      + #"provided token results in an inconsistent list - objects that were created, modified, "#
      + #"or deleted between the time the first chunk was returned and now may show up in the "#
      + #"list.","#
      + #""reason":"Expired","code":410}"#
  }

  private static func failure(_ message: String, reason: String, code: Int) -> String {
    #"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"\#(message)","#
      + #""reason":"\#(reason)","code":\#(code)}"#
  }
}
