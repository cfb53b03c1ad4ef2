import Testing

@testable import Service

/// Protects the exposition format, which Prometheus parses strictly.
@Suite struct MetricsTextTests {
  @Test func format() {
    var text = MetricsText()
    text.add("aggregator_a_total", .counter, "What \\ it\nmeans", 3)
    text.add(
      "aggregator_b", .gauge, "B",
      [([("kind", "a\"\\\n")], 0.5), ([("kind", "c"), ("verb", "d")], .infinity)])
    #expect(
      String(decoding: text.bytes, as: UTF8.self) == """
        # HELP aggregator_a_total What \\\\ it\\nmeans
        # TYPE aggregator_a_total counter
        aggregator_a_total 3
        # HELP aggregator_b B
        # TYPE aggregator_b gauge
        aggregator_b{kind="a\\"\\\\\\n"} 0.5
        aggregator_b{kind="c",verb="d"} +Inf

        """)
  }

  @Test("Buckets are cumulative and end with +Inf")
  func histogram() {
    let histogram = Histogram(bounds: [0.5, 1])
    for nanoseconds in [100_000_000, 500_000_000, 700_000_000, 3_000_000_000] as [UInt64] {
      histogram.observe(nanoseconds: nanoseconds)
    }
    var text = MetricsText()
    text.add("h_seconds", "H", histogram)
    #expect(
      String(decoding: text.bytes, as: UTF8.self) == """
        # HELP h_seconds H
        # TYPE h_seconds histogram
        h_seconds_bucket{le="0.5"} 2
        h_seconds_bucket{le="1"} 3
        h_seconds_bucket{le="+Inf"} 4
        h_seconds_sum 4.3
        h_seconds_count 4

        """)
  }
}
