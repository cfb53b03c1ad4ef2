import Ingest
import Testing

@testable import Service

/// Few open files allowed: everything gets some of them.
@Suite struct DescriptorSharesTests {
  @Test(arguments: [64, 256, 1_024, 4_096, 65_536, 1_048_576])
  func everyLimitLeavesRoom(limit: Int) {
    let shares = DescriptorShares(limit: limit)
    #expect(shares.connections >= limit / 2 || shares.connections > 100_000)
    #expect(shares.openObjects >= 1 && shares.openObjects <= IngestLimits.maximumOpenObjects)
    #expect(shares.connections + shares.openObjects < limit)
  }

  @Test func aUsualLimitGivesTheBounds() {
    let shares = DescriptorShares(limit: 1_048_576)
    #expect(shares.openObjects == IngestLimits.maximumOpenObjects)
    #expect(shares.connections == ServiceLimits.maximumConnectionCount)
  }
}
