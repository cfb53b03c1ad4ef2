import KubeIndex

/// Where a bucket is reached, and in which style its keys appear in URLs.
///
/// Path style (`https://host/bucket/key`) at an endpoint of one's own, and for a bucket name with dots,
/// which no wildcard certificate covers; else virtual-host style (`https://bucket.host/key`).
struct S3Address: Sendable, Equatable {
  private(set) var bucket: String
  private(set) var region: String
  /// "http" or "https".
  private(set) var scheme: String
  /// Host and port, as the Host field has it.
  private(set) var host: String
  /// Path of the endpoint in front of the bucket, without a slash at its end.
  private(set) var basePath: String
  private(set) var usesPathStyle: Bool
  /// Given by AWS_ENDPOINT_URL.
  let isCustom: Bool

  /// nil: `endpoint` is no http or https URL, or has a query.
  init?(bucket: String, region: String, endpoint: String?) {
    self.bucket = bucket
    self.region = region
    guard let endpoint else {
      isCustom = false
      scheme = "https"
      basePath = ""
      usesPathStyle = bucket.contains(".")
      host = ""
      host = Self.awsHost(bucket, region, usesPathStyle)
      return
    }
    guard let authority = URLAuthority(of: endpoint), !endpoint.contains("?"),
      !endpoint.contains("#"), let schemeEnd = endpoint.firstIndex(of: ":")
    else { return nil }
    isCustom = true
    scheme = authority.isSecure ? "https" : "http"
    // The default port is not part of a Host field.
    host =
      authority.port == (authority.isSecure ? 443 : 80) ? authority.host : authority.hostAndPort
    let rest = endpoint[schemeEnd...].dropFirst(3)
    let path = rest.firstIndex(of: "/").map { rest[$0...] } ?? ""
    basePath = String(path.reversed().drop { $0 == "/" }.reversed())
    usesPathStyle = true
  }

  var url: String { "\(scheme)://\(host)" }

  /// For people: the endpoint, without the bucket.
  var endpointText: String {
    isCustom ? url + basePath : "https://s3.\(region).\(Self.domain(ofRegion: region))"
  }

  /// The encoded path of a key, or of the bucket itself for nil.
  func path(_ key: String?) -> String {
    let bucketPart = usesPathStyle ? "/" + URIEncoding.path(bucket) : ""
    guard let key else { return basePath + (bucketPart.isEmpty ? "/" : bucketPart) }
    return basePath + bucketPart + "/" + URIEncoding.path(key)
  }

  /// The address in another region. A custom endpoint stays where it is; only the signature
  /// changes.
  func inRegion(_ region: String) -> S3Address {
    var other = self
    other.region = region
    if !isCustom { other.host = Self.awsHost(bucket, region, usesPathStyle) }
    return other
  }

  /// The address that a redirect names, when credentials may go there: the same host or one whose
  /// name ends with it (for AWS: with its domain), and not from https to http.
  func redirected(to location: String) -> S3Address? {
    guard let authority = URLAuthority(of: location) else { return nil }
    guard authority.isSecure || scheme == "http" else { return nil }
    let suffix = isCustom ? hostName : Self.domain(ofRegion: region)
    let name = authority.host.lowercased()
    guard name == suffix || name.hasSuffix("." + suffix) else { return nil }
    var other = self
    other.scheme = authority.isSecure ? "https" : "http"
    other.host = authority.hostAndPort
    // The location of a virtual-host bucket has the bucket in its host.
    other.usesPathStyle = !name.hasPrefix(bucket.lowercased() + ".")
    return other == self ? nil : other
  }

  private var hostName: String {
    (URLAuthority(of: url)?.host ?? host).lowercased()
  }

  static func domain(ofRegion region: String) -> String {
    region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
  }

  private static func awsHost(_ bucket: String, _ region: String, _ usesPathStyle: Bool) -> String {
    let service = "s3.\(region).\(domain(ofRegion: region))"
    return usesPathStyle ? service : "\(bucket).\(service)"
  }
}
