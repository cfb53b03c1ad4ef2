/// The effective resources of a pod, as `PodRequests` and `PodLimits` of
/// https://pkg.go.dev/k8s.io/component-helpers/resource compute them from the spec:
///
/// - containers and restartable init containers (sidecars) are added;
/// - an init container runs beside the sidecars declared before it, and the largest such sum counts
///   when it is above the first;
/// - `spec.resources` replaces the result for cpu and memory where it names them;
/// - `spec.overhead` comes on top, of limits only where there is one.
extension PodResources {
  /// Reads a pod's `spec`.
  init(spec: JSONValue?, fault: (String) -> Void) {
    var overhead: ResourceAmounts?
    if let object = spec?["overhead"] { overhead = ResourceAmounts(object, fault: fault) }

    var requests = PodResources.containers(of: spec, "requests", fault: fault)
    PodResources.override(&requests, by: spec?["resources"]?["requests"], fault: fault)
    if let overhead { requests.add(overhead) }

    var limits = PodResources.containers(of: spec, "limits", fault: fault)
    PodResources.override(&limits, by: spec?["resources"]?["limits"], fault: fault)
    if let overhead { limits.addToNonZero(overhead) }

    self.init()
    requestsCPUMillicores = requests.cpu.milliValue
    requestsMemoryBytes = requests.memory.value
    requestsStorageBytes = requests.ephemeralStorage.value
    limitsCPUMillicores = limits.cpu.milliValue
    limitsMemoryBytes = limits.memory.value
    limitsStorageBytes = limits.ephemeralStorage.value
    gpuRequests = requests.acceleratorCount
  }

  private static func containers(
    of spec: JSONValue?, _ side: StaticString, fault: (String) -> Void
  ) -> ResourceAmounts {
    var sum = ResourceAmounts()
    spec?["containers"]?.forEachElement { container in
      sum.add(ResourceAmounts(container["resources"]?[side], fault: fault))
    }
    var sidecars = ResourceAmounts()
    var highest = ResourceAmounts()
    spec?["initContainers"]?.forEachElement { container in
      let amounts = ResourceAmounts(container["resources"]?[side], fault: fault)
      if container["restartPolicy"]?.string?.equals("Always") == true {
        sum.add(amounts)
        sidecars.add(amounts)
        highest.formMaximum(amounts.replaced(by: sidecars))
      } else {
        // What only the sidecars have counted when the last of them that has it came.
        highest.formMaximum(amounts.adding(sidecars))
      }
    }
    sum.formMaximum(highest)
    return sum
  }

  /// Pod-level resources know cpu, memory and huge pages; of those the first two have columns.
  private static func override(
    _ amounts: inout ResourceAmounts, by object: JSONValue?, fault: (String) -> Void
  ) {
    if let cpu = object?["cpu"] {
      if let amount = Quantity(json: cpu) {
        amounts.cpu = amount
      } else {
        fault("cpu: not a quantity")
      }
    }
    if let memory = object?["memory"] {
      if let amount = Quantity(json: memory) {
        amounts.memory = amount
      } else {
        fault("memory: not a quantity")
      }
    }
  }
}
