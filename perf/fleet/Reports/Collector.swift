/// Writes reports as the stock collector does: `json.dumps` with its spaces, members in its order,
/// `datetime.isoformat()` times, `nanocores / 1e9`.
///
/// A report carries state forward: memory walks by up to 64 pages, network counters grow by up to
/// 4 MiB and begin at 0 with a new pod.
struct Collector {
  private let cluster: Cluster
  private var random: Random

  init(cluster: Cluster, seed: UInt64) {
    self.cluster = cluster
    random = Random(seed: seed, label: 10)
  }

  /// Appends the report of one node and returns how many pods it names.
  mutating func appendReport(
    node: Int, timestampMicros: Int64, to writer: inout ByteWriter
  ) -> Int {
    let name = cluster.nodes[node].name
    writer.append("{\"timestamp\": \"")
    writer.append(isoFormatMicros: timestampMicros)
    writer.append("\", \"node_name\": \"")
    cluster.append(name, to: &writer)
    writer.append("\", \"hostname\": \"")
    cluster.append(name, to: &writer)
    writer.append("\", \"pods\": [")
    let positions = cluster.nodeStarts[node]..<cluster.nodeStarts[node + 1]
    for position in positions {
      appendPod(position, isFirst: position == positions.lowerBound, to: &writer)
    }
    writer.append("]")
    let shape = NodeShape(of: cluster.nodes[node])
    if shape.reportsInstanceID {
      if random.oneIn(256) {
        writer.append(", \"ec2_instance_id\": null")
      } else {
        writer.append(", \"ec2_instance_id\": \"")
        writer.append(instanceID: shape.instanceID)
        writer.append("\"")
      }
    }
    writer.append("}")
    return positions.count
  }

  private mutating func appendPod(
    _ position: Int, isFirst: Bool, to writer: inout ByteWriter
  ) {
    let dice = random.next()
    let sample = advance(position, dice)
    let workload = cluster.workloads[Int(sample.identity.workload)]
    // One value in a few hundred is not there.
    let nulls = dice >> 56 == 0 ? random.below(16) : 0

    writer.append(isFirst ? "{\"pod_id\": \"" : ", {\"pod_id\": \"")
    if workload.kind == .mirror {
      writer.append(plainHex: sample.identity.uid.ofStaticPod)
    } else {
      writer.append(uid: sample.identity.uid)
    }
    cluster.append(workload.reportMiddle, to: &writer)
    cluster.appendNameTail(sample.identity, of: workload, to: &writer)
    writer.append("\", \"cpu_usage_cores\": ")
    if nulls & 1 != 0 {
      writer.append("null")
    } else {
      writer.append(coresFromNano: nanocores(sample))
    }
    writer.append(", \"memory_usage_bytes\": ")
    if nulls & 2 != 0 {
      writer.append("null")
    } else {
      writer.append(decimal: UInt64(sample.memoryPages) * 4096)
    }
    writer.append(", \"net_tx_bytes\": ")
    if nulls & 4 != 0 {
      writer.append("null")
    } else {
      writer.append(decimal: sample.transmittedBytes)
    }
    writer.append(", \"net_rx_bytes\": ")
    if nulls & 8 != 0 {
      writer.append("null")
    } else {
      writer.append(decimal: sample.receivedBytes)
    }
    if let start = sample.startMicros {
      writer.append(", \"pod_start_time\": \"")
      writer.append(isoFormatMicros: start)
      writer.append("\"}")
    } else {
      writer.append(", \"pod_start_time\": null}")
    }
  }

  /// Moves a pod's counters on by one interval and returns them.
  private func advance(_ position: Int, _ dice: UInt64) -> PodSample {
    cluster.samples.withUnsafeMutableBufferPointer { samples in
      let pages = Int(samples[position].memoryPages) + Int(dice & 127) - 64
      samples[position].memoryPages = UInt32(clamping: max(pages, 256))
      let current = samples[position]
      samples[position].transmittedBytes &+= dice >> 7 & 0x3F_FFFF
      samples[position].receivedBytes &+= dice >> 29 & 0x3F_FFFF
      return current
    }
  }

  /// Use between a half and one and a half of the usual; now and then nothing at all, or as good
  /// as.
  private mutating func nanocores(_ sample: PodSample) -> UInt64 {
    let dice = random.next()
    if dice >> 55 == 0 { return dice & 1 == 0 ? 0 : dice >> 8 & 0xFFFF }
    let usual = UInt64(sample.usualNanocores)
    return usual / 2 + ((dice & 0xFFFF_FFFF) * usual) >> 32
  }
}
