/// PersistentVolumeClaims and the PersistentVolumes bound to them.
extension Cluster {
  private func size(of claim: Claim) -> StaticString {
    Catalog.claimSizes[Int(claim.uid.low % UInt64(Catalog.claimSizes.count))]
  }

  /// `data-postgres-0`, or of a generic ephemeral volume `<pod>-<volume>`.
  func appendClaimName(_ claim: Claim, to writer: inout ByteWriter) {
    let workload = workloads[Int(claim.workload)]
    let identity = PodIdentity(
      uid: claim.uid, workload: claim.workload, revision: claim.revision, suffix: claim.suffix,
      node: claim.node)
    if workload.kind == .statefulSet {
      writer.append(Catalog.claimNames[Int(claim.index)])
      writer.append("-")
      appendName(identity, to: &writer)
    } else {
      appendName(identity, to: &writer)
      writer.append("-scratch")
    }
  }

  private func appendManagedFields(_ claim: Claim, to writer: inout ByteWriter) {
    writer.append(
      """
      "managedFields":[{"manager":"kube-controller-manager","operation":"Update",\
      "apiVersion":"v1","time":"
      """)
    writer.append(rfc3339Seconds: claim.createdSeconds)
    writer.append(
      """
      ","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{}}},\
      "f:spec":{"f:accessModes":{},"f:storageClassName":{},"f:volumeMode":{}},\
      "f:status":{"f:phase":{}}},"subresource":"status"}]
      """)
  }

  private func appendVolumeName(_ claim: Claim, to writer: inout ByteWriter) {
    writer.append("pvc-")
    writer.append(uid: claim.uid)
  }

  func appendClaim(_ slot: UInt32, at version: Int, withType: Bool, to writer: inout ByteWriter) {
    let claim = claims[slot]
    let workload = workloads[Int(claim.workload)]
    let isBound = version >= claim.createdVersion + 2
    let isDeleted = claim.deletedVersion != 0 && version >= claim.deletedVersion
    writer.append(
      withType ? "{\"kind\":\"PersistentVolumeClaim\",\"apiVersion\":\"v1\"," : "{")
    writer.append("\"metadata\":{\"name\":\"")
    appendClaimName(claim, to: &writer)
    writer.append("\",\"namespace\":\"")
    writer.append(namespaces[Int(workload.namespace)])
    writer.append("\",\"uid\":\"")
    writer.append(uid: claim.uid)
    writer.append("\",\"resourceVersion\":\"")
    writer.append(
      decimal: isDeleted
        ? claim.deletedVersion : isBound ? claim.createdVersion + 2 : claim.createdVersion)
    writer.append("\",\"creationTimestamp\":\"")
    writer.append(rfc3339Seconds: claim.createdSeconds)
    writer.append("\",\"labels\":{\"app.kubernetes.io/name\":\"")
    append(workload.name, to: &writer)
    writer.append("\"},\"annotations\":{")
    if isBound {
      writer.append(
        """
        "pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes",
        """)
    }
    writer.append("\"volume.kubernetes.io/selected-node\":\"")
    append(nodes[Int(claim.node)].name, to: &writer)
    writer.append(
      """
      ","volume.kubernetes.io/storage-provisioner":"ebs.csi.aws.com"},\
      "finalizers":["kubernetes.io/pvc-protection"],
      """)
    appendManagedFields(claim, to: &writer)
    writer.append(
      """
      },"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"
      """)
    writer.append(size(of: claim))
    writer.append("\"}},")
    if isBound {
      writer.append("\"volumeName\":\"")
      appendVolumeName(claim, to: &writer)
      writer.append("\",")
    }
    writer.append("\"storageClassName\":\"gp3\",\"volumeMode\":\"Filesystem\"},\"status\":{")
    if isBound {
      writer.append(
        "\"phase\":\"Bound\",\"accessModes\":[\"ReadWriteOnce\"],\"capacity\":{\"storage\":\"")
      writer.append(size(of: claim))
      writer.append("\"}}}")
    } else {
      writer.append("\"phase\":\"Pending\"}}")
    }
  }

  func appendVolume(_ slot: UInt32, at version: Int, withType: Bool, to writer: inout ByteWriter) {
    let claim = claims[slot]
    let workload = workloads[Int(claim.workload)]
    let zone = NodeShape(of: nodes[Int(claim.node)]).zone
    let deleted = claim.deletedVersion == 0 ? 0 : claim.deletedVersion + 1
    writer.append(withType ? "{\"kind\":\"PersistentVolume\",\"apiVersion\":\"v1\"," : "{")
    writer.append("\"metadata\":{\"name\":\"")
    appendVolumeName(claim, to: &writer)
    writer.append("\",\"uid\":\"")
    writer.append(uid: UID(of: claim.uid.high, label: 8))
    writer.append("\",\"resourceVersion\":\"")
    writer.append(decimal: deleted != 0 && version >= deleted ? deleted : claim.createdVersion + 1)
    writer.append("\",\"creationTimestamp\":\"")
    writer.append(rfc3339Seconds: claim.createdSeconds)
    writer.append(
      """
      ","annotations":{"pv.kubernetes.io/provisioned-by":"ebs.csi.aws.com"},\
      "finalizers":["kubernetes.io/pv-protection"],
      """)
    appendManagedFields(claim, to: &writer)
    writer.append("},\"spec\":{\"capacity\":{\"storage\":\"")
    writer.append(size(of: claim))
    // One volume in eight was made before the CSI driver came.
    if claim.uid.low >> 20 & 7 == 0 {
      writer.append("\"},\"awsElasticBlockStore\":{\"volumeID\":\"aws://")
      writer.append(zone)
      writer.append("/vol-0")
      writer.append(hex: claim.uid.high, digits: 16)
      writer.append("\",\"fsType\":\"ext4\"}")
    } else {
      writer.append("\"},\"csi\":{\"driver\":\"ebs.csi.aws.com\",\"volumeHandle\":\"vol-0")
      writer.append(hex: claim.uid.high, digits: 16)
      writer.append(
        """
        ","fsType":"ext4","volumeAttributes":{"storage.kubernetes.io/csiProvisionerIdentity":\
        "1700000000000-8081-ebs.csi.aws.com"}}
        """)
    }
    writer.append(
      """
      ,"accessModes":["ReadWriteOnce"],"claimRef":{"kind":"PersistentVolumeClaim","namespace":"
      """)
    writer.append(namespaces[Int(workload.namespace)])
    writer.append("\",\"name\":\"")
    appendClaimName(claim, to: &writer)
    writer.append("\",\"uid\":\"")
    writer.append(uid: claim.uid)
    writer.append("\",\"apiVersion\":\"v1\",\"resourceVersion\":\"")
    writer.append(decimal: claim.createdVersion)
    writer.append(
      """
      "},"persistentVolumeReclaimPolicy":"Delete","storageClassName":"gp3",\
      "volumeMode":"Filesystem","nodeAffinity":{"required":{"nodeSelectorTerms":[\
      {"matchExpressions":[{"key":"topology.kubernetes.io/zone","operator":"In","values":["
      """)
    writer.append(zone)
    writer.append("\"]}]}]}}},\"status\":{\"phase\":\"Bound\",\"lastPhaseTransitionTime\":\"")
    writer.append(rfc3339Seconds: claim.createdSeconds)
    writer.append("\"}}")
  }
}
