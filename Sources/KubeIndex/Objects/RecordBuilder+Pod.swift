extension RecordBuilder {
  /// The record of a pod.
  func pod(_ object: JSONValue) throws(Fault) -> PodRecord {
    let identity = try identity(object)
    let metadata = identity.metadata
    let namespace = try namespace(metadata)
    let spec = object["spec"]
    let owner = PodOwner(metadata["ownerReferences"])
    let workload = owner.map { $0.workload(labels: metadata["labels"]) }
    let template = PodTemplate(
      namespace: namespace,
      owner: text(owner?.name),
      ownerKind: text(owner?.kind),
      workload: text(workload?.name) ?? pool.text(identity.name),
      workloadKind: text(workload?.kind) ?? pool.text("Pod"),
      labels: pairs(metadata["labels"], field: "labels"),
      qosClass: text(object["status"]?["qosClass"]?.filledString),
      priorityClass: text(spec?["priorityClassName"]?.filledString),
      resources: PodResources(spec: spec, fault: onFault))
    return PodRecord(
      uid: PodUID(identity.uid), template: pool.intern(template),
      annotations: pairs(metadata["annotations"], field: "annotations"),
      claims: claimNames(spec?["volumes"], podName: identity.name))
  }

  /// Claims that the volumes name, in their order, each once.
  private func claimNames(_ volumes: JSONValue?, podName: UnsafeRawBufferPointer) -> TextList {
    var names: [Text] = []
    // One by one while they are few, as nearly always.
    var known: Set<ObjectIdentifier> = []
    volumes?.forEachElement { volume in
      let name: Text
      if let claim = volume["persistentVolumeClaim"]?["claimName"]?.filledString {
        name = pool.text(claim)
      } else if volume["ephemeral"]?.isObject == true, let volumeName = volume["name"]?.filledString
      {
        // https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/: pod name, hyphen, volume.
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: podName)
        scratch.append(UInt8(ascii: "-"))
        scratch.append(contentsOf: volumeName)
        name = scratch.withUnsafeBytes { pool.text($0) }
      } else {
        return
      }
      if names.count < KubeIndexLimits.linearSearchCount {
        if !names.contains(where: { $0 === name }) { names.append(name) }
        return
      }
      if known.isEmpty { known = Set(names.map(ObjectIdentifier.init)) }
      if known.insert(ObjectIdentifier(name)).inserted { names.append(name) }
    }
    return pool.list(names)
  }
}

/// The owner reference that counts: the controller, else the first.
private struct PodOwner {
  var name: UnsafeRawBufferPointer
  var kind: UnsafeRawBufferPointer?

  init?(_ references: JSONValue?) {
    var first: JSONValue?
    var controller: JSONValue?
    references?.forEachElement { reference in
      if first == nil { first = reference }
      if controller == nil, reference["controller"]?.isTrue == true { controller = reference }
    }
    guard let owner = controller ?? first, let name = owner["name"]?.filledString else {
      return nil
    }
    self.name = name
    kind = owner["kind"]?.filledString
  }

  /// The owner's owner, where its name can be told from the owner's: a Deployment names its
  /// ReplicaSets `<name>-<pod-template-hash>`, a CronJob its Jobs `<name>-<minutes since 1970>`.
  func workload(labels: JSONValue?) -> (name: UnsafeRawBufferPointer, kind: UnsafeRawBufferPointer?)
  {
    guard let kind else { return (name, nil) }
    if kind.equals("ReplicaSet"), let hash = labels?["pod-template-hash"]?.filledString,
      let deployment = name.without(suffix: hash)
    {
      return (deployment, PodOwner.bytes("Deployment"))
    }
    if kind.equals("Job"), let cronJob = name.withoutDigits(atLeast: 8) {
      return (cronJob, PodOwner.bytes("CronJob"))
    }
    return (name, kind)
  }

  private static func bytes(_ text: StaticString) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }
}

extension UnsafeRawBufferPointer {
  /// `d` of `d-<suffix>`; nil: the text has another form, or `d` is empty.
  fileprivate func without(suffix: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let length = count - suffix.count - 1
    guard length > 0, self[length] == UInt8(ascii: "-"),
      self[(length + 1)...].elementsEqual(suffix)
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: self[..<length])
  }

  /// `c` of `c-<digits>`; nil: the text has another form, or `c` is empty.
  fileprivate func withoutDigits(atLeast minimum: Int) -> UnsafeRawBufferPointer? {
    var start = count
    while start > 0, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self[start - 1]) {
      start -= 1
    }
    guard count - start >= minimum, start > 1, self[start - 1] == UInt8(ascii: "-") else {
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: self[..<(start - 1)])
  }
}
