import Foundation
import Ingest
import Synchronization
import Testing

@testable import Service

/// One delivery as the integration tests order it: STORE_FLOW names a JSON file that says which
/// files to make and how, the environment has the settings, and the result goes to a file beside
/// it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["STORE_FLOW"] != nil))
struct StoreFlowTests {
  struct Order: Decodable {
    struct Object: Decodable {
      var segment: UInt64
      var partition: UInt32
      var key: String
      var byteCount: Int
      /// The file is there from an earlier flow.
      var isThere: Bool?
    }

    var dataDirectory: String
    var objects: [Object]
    /// Seals as found at a start, instead of after growing.
    var recovered: Bool
    /// Leaves the files unsealed: a process that ends before the commit.
    var unsealed: Bool
    var timeoutSeconds: Double
    var result: String
  }

  private struct Result: Encodable {
    var delivered: [UInt64]
    var isDrained: Bool
    var lines: [String]
    var files: [String]
  }

  private final class Observer: DeliveryObserver {
    let segments = Mutex<[UInt64]>([])
    func segmentDelivered(_ segment: UInt64) { segments.withLock { $0.append(segment) } }
  }

  private final class Lines: Sendable {
    let lines = Mutex<[String]>([])
    func append(_ event: StoreEvent) {
      lines.withLock { $0.append("\(event.level) \(event.message)") }
    }
  }

  @Test func deliversAsOrdered() throws {
    let environment = ProcessInfo.processInfo.environment
    let path = try #require(environment["STORE_FLOW"])
    let order = try JSONDecoder().decode(
      Order.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let disk = try RealDisk(path: order.dataDirectory)
    let lines = Lines()
    let observer = Observer()
    let delivery = try Delivery.make(
      Self.settings(environment), disk: disk, dataDirectory: order.dataDirectory,
      events: { lines.append($0) })
    delivery.start(observer: observer)
    try run(order, disk, delivery)
    let isDrained = delivery.drain(within: .seconds(order.timeoutSeconds))
    // The check of the store is no part of the drain.
    for _ in 0..<100 where !lines.lines.withLock({ $0.contains { $0.contains("check") } }) {
      Thread.sleep(forTimeInterval: 0.02)
    }
    // The unsealed parts get time to arrive.
    if order.unsealed { Thread.sleep(forTimeInterval: order.timeoutSeconds) }
    delivery.stop()
    let result = Result(
      delivered: observer.segments.withLock { $0 }.sorted(), isDrained: isDrained,
      lines: lines.lines.withLock { $0 }, files: try disk.list().sorted())
    try JSONEncoder().encode(result).write(to: URL(fileURLWithPath: order.result))
  }

  private static func settings(_ environment: [String: String]) -> StoreSettings {
    let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    return StoreSettings(
      place: value("STORAGE_URL").map { .directory(String($0.dropFirst(7))) }
        ?? .s3(
          bucket: value("S3_BUCKET") ?? "k8s-usage-data",
          region: value("AWS_REGION") ?? "us-east-1",
          endpoint: value("AWS_ENDPOINT_URL")),
      prefix: environment["S3_PREFIX"] ?? "k8s-metrics/", caBundlePath: value("AWS_CA_BUNDLE"),
      environment: environment, flushMaximumByteCount: 134_217_728)
  }

  private func run(_ order: Order, _ disk: RealDisk, _ delivery: Delivery) throws {
    for (segment, objects) in Dictionary(grouping: order.objects, by: \.segment) {
      var sealed: [SealedObject] = []
      for object in objects {
        let id = ObjectID(segment: object.segment, partition: object.partition)
        if object.isThere != true {
          try write(object, id, disk, order.recovered ? nil : delivery)
          if !order.unsealed {
            try disk.rename(
              FileName.objectTemporary(id).text, to: FileName.object(id).text)
            if !order.recovered {
              delivery.objectOpened(id, key: object.key, fileName: FileName.object(id).text)
            }
          }
        }
        sealed.append(
          SealedObject(
            id: id, key: object.key, fileName: FileName.object(id).text,
            byteCount: object.byteCount, rowCount: 7, sha256: "", attempt: "", oldestRowSeconds: 1))
      }
      if !order.unsealed {
        delivery.segmentSealed(segment, objects: sealed, recovered: order.recovered)
      }
    }
  }

  /// Bytes that the Python side makes likewise: of each 8-byte word, its number times an odd
  /// constant plus the segment.
  private func write(
    _ object: Order.Object, _ id: ObjectID, _ disk: RealDisk, _ delivery: Delivery?
  ) throws {
    let name = FileName.objectTemporary(id).text
    let file = try disk.create(name)
    delivery?.objectOpened(id, key: object.key, fileName: name)
    let pieceWords = 131_072
    var offset = 0
    while offset < object.byteCount {
      let words = (0..<pieceWords).map {
        (UInt64(offset / 8 + $0) &* 0x9E37_79B9_7F4A_7C15 &+ object.segment).littleEndian
      }
      let count = min(pieceWords * 8, object.byteCount - offset)
      try words.withUnsafeBytes { try file.write(.init(rebasing: $0[..<count]), at: offset) }
      offset += count
      delivery?.objectGrew(id, byteCount: offset)
    }
    try file.sync()
  }
}
