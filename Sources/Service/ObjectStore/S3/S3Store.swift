import KubeIndex

/// The bucket, through the S3 API.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
final class S3Store: ObjectStore {
  private let bucket: String
  private let prefix: String
  private let exchange: S3Exchange
  private let connection: any StoreTransport
  private let clock: any StoreClock

  /// `prefix`: the fixed beginning of all keys, for the check.
  init(
    bucket: String, prefix: String, exchange: S3Exchange, connection: any StoreTransport,
    clock: any StoreClock
  ) {
    self.bucket = bucket
    self.prefix = prefix
    self.exchange = exchange
    self.connection = connection
    self.clock = clock
  }

  var description: String { "S3" }
  var credentialSource: String? { exchange.credentials.source }
  var takesParts: Bool { true }

  /// Bucket, region and endpoint, for the line about the check.
  var address: S3Address { exchange.address }

  func cancel() {
    connection.cancel()
    clock.interrupt()
  }

  func check() throws(StoreFailure) {
    let response = try exchange.perform(
      S3Request(query: [("list-type", "2"), ("max-keys", "1"), ("prefix", prefix)]))
    guard XMLElement.parse(response.body)?.name == "ListBucketResult" else {
      throw Self.senseless("GET ?list-type", response)
    }
  }

  func head(_ key: String) throws(StoreFailure) -> ObjectFacts? {
    let response: HTTPResponse
    do {
      response = try exchange.perform(S3Request(method: "HEAD", key: key))
    } catch {
      if error.kind == .noSuchKey { return nil }
      if error.kind == .accessDenied {
        throw StoreFailure(
          .accessDenied, error.message + " (a missing key is 404 only with s3:ListBucket)")
      }
      throw error
    }
    guard let eTag = response.head["ETag"], !eTag.isEmpty,
      let byteCount = response.head["Content-Length"].flatMap({ Int($0) }), byteCount >= 0
    else { throw Self.senseless("HEAD", response) }
    return ObjectFacts(byteCount: byteCount, eTag: eTag)
  }

  func read(
    _ key: String, facts: ObjectFacts, offset: Int, byteCount: Int
  ) throws(StoreFailure) -> [UInt8] {
    guard byteCount > 0 else { return [] }
    var request = S3Request(key: key)
    request.headers = [
      ("Range", "bytes=\(offset)-\(offset + byteCount - 1)"), ("If-Match", facts.eTag),
    ]
    request.maximumAnswerByteCount = max(byteCount, ServiceLimits.maximumErrorBodyByteCount)
    let response = try exchange.perform(request)
    // The status is left open: some servers answer 200 to a range. A whole object would be longer.
    guard response.body.count == byteCount else {
      throw Self.senseless("GET of a range", response)
    }
    return response.body
  }

  func put(_ key: String, _ source: PartSource) throws(StoreFailure) {
    let response = try exchange.perform(
      S3Request(
        method: "PUT", key: key, headers: [("Content-Type", Self.contentType)],
        body: .source(source), createsOnce: true, isIdempotent: false))
    guard Self.eTag(response) != nil else { throw Self.senseless("PUT", response) }
  }

  func createMultipart(_ key: String) throws(StoreFailure) -> String {
    let response = try exchange.perform(
      S3Request(
        method: "POST", key: key, query: [("uploads", "")],
        headers: [("Content-Type", Self.contentType)], isIdempotent: false))
    // The root's name is left open: some servers shorten it.
    guard let root = XMLElement.parse(response.body), let id = root["UploadId"]?.text,
      Self.isUploadID(id)
    else { throw Self.senseless("POST ?uploads", response) }
    return id
  }

  func uploadPart(
    _ key: String, uploadID: String, number: Int, _ source: PartSource
  ) throws(StoreFailure) -> CompletedPart {
    let response = try exchange.perform(
      S3Request(
        method: "PUT", key: key,
        query: [("partNumber", String(number)), ("uploadId", uploadID)], body: .source(source)))
    guard let eTag = Self.eTag(response) else { throw Self.senseless("PUT ?partNumber", response) }
    return CompletedPart(number: number, eTag: eTag)
  }

  func complete(
    _ key: String, uploadID: String, parts: [CompletedPart]
  ) throws(StoreFailure) {
    var body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    for part in parts {
      body +=
        "<Part><PartNumber>\(part.number)</PartNumber>"
        + "<ETag>\(Self.escaped(part.eTag))</ETag></Part>"
    }
    body += "</CompleteMultipartUpload>"
    // S3 may take minutes to put the parts together, sending white space meanwhile.
    let response = try exchange.perform(
      S3Request(
        method: "POST", key: key, query: [("uploadId", uploadID)],
        headers: [("Content-Type", "application/xml")], body: .bytes(Array(body.utf8)),
        createsOnce: true, isIdempotent: false, totalTimeout: ServiceLimits.completeTimeout))
    guard let root = XMLElement.parse(response.body),
      root.name == "CompleteMultipartUploadResult", root["ETag"]?.text.isEmpty == false
    else { throw Self.senseless("POST ?uploadId", response) }
  }

  func abort(_ key: String, uploadID: String) throws(StoreFailure) {
    do {
      _ = try exchange.perform(
        S3Request(method: "DELETE", key: key, query: [("uploadId", uploadID)]))
    } catch {
      guard error.kind == .noSuchUpload || error.kind == .noSuchKey else { throw error }
    }
  }

  func uploadIDs(ofKey key: String) throws(StoreFailure) -> [String] {
    var ids: [String] = []
    var markers: [(name: String, value: String)] = []
    for _ in 0..<ServiceLimits.maximumListPages {
      let response: HTTPResponse
      do {
        response = try exchange.perform(
          S3Request(query: [("uploads", ""), ("prefix", key)] + markers))
      } catch {
        // How rclone says that the bucket has no unfinished upload.
        guard error.kind == .noSuchUpload else { throw error }
        return ids
      }
      guard let root = XMLElement.parse(response.body), root.name == "ListMultipartUploadsResult"
      else { throw Self.senseless("GET ?uploads", response) }
      // The prefix matches longer keys too.
      for upload in root.children where upload.name == "Upload" && upload["Key"]?.text == key {
        if let id = upload["UploadId"]?.text, Self.isUploadID(id) { ids.append(id) }
      }
      guard root["IsTruncated"]?.text == "true", let next = root["NextKeyMarker"]?.text,
        !next.isEmpty
      else { return ids }
      markers = [("key-marker", next)]
      if let id = root["NextUploadIdMarker"]?.text, !id.isEmpty {
        markers.append(("upload-id-marker", id))
      }
    }
    return ids
  }

  private static let contentType = "application/vnd.apache.parquet"

  private static func eTag(_ response: HTTPResponse) -> String? {
    response.head["ETag"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// It is kept as one word of a line in DATA_DIR.
  private static func isUploadID(_ id: String) -> Bool {
    (1...ServiceLimits.maximumUploadIDByteCount).contains(id.utf8.count)
      && id.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }

  /// A success that is none: from something in between, or cut short. It may have been done.
  private static func senseless(_ step: String, _ response: HTTPResponse) -> StoreFailure {
    StoreFailure(.unknown, "\(step): \(response.status), but the answer is not what S3 sends")
  }
}
