import NIOCore

/// One final answer before it is put into bytes.
struct HTTPAnswer {
  enum ContentType: String {
    case json = "application/json"
    case schema = "application/schema+json"
    case prometheus = "text/plain; version=0.0.4"
  }

  var status: Int
  var contentType = ContentType.json
  var body: [UInt8]
  /// Further header fields, each with its CR LF.
  var fields = ""

  init(status: Int, contentType: ContentType = .json, body: [UInt8], fields: String = "") {
    self.status = status
    self.contentType = contentType
    self.body = body
    self.fields = fields
  }

  /// `{"status":"error","error":…}`, with the path of a refused report's member.
  init(error message: String, status: Int, path: String? = nil, fields: String = "") {
    var text = JSONText()
    text.append(raw: #"{"status":"error","error":"#)
    text.append(message)
    if let path {
      text.append(raw: #","path":"#)
      text.append(path)
    }
    text.append(raw: "}\n")
    self.init(status: status, body: text.bytes, fields: fields)
  }

  /// 503: when to come again is spread, so that a cluster's collectors do not come all at once.
  init(unavailable message: String) {
    self.init(
      error: message, status: 503, fields: "Retry-After: \(Int.random(in: 1...5))\r\n")
  }

  /// Appends the answer to `buffer`. A HEAD request gets everything but the body.
  func write(to buffer: inout ByteBuffer, date: String, closes: Bool, isHead: Bool) {
    buffer.writeString("HTTP/1.1 \(status) \(Self.reason(status))\r\n")
    buffer.writeString("Date: \(date)\r\nContent-Type: \(contentType.rawValue)\r\n")
    buffer.writeString("Content-Length: \(body.count)\r\n\(fields)")
    buffer.writeString(closes ? "Connection: close\r\n\r\n" : "\r\n")
    if !isHead { buffer.writeBytes(body) }
  }

  static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 431: "Request Header Fields Too Large"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: "Error"
    }
  }
}
