/// The words that names and metadata are made of, and the sizes that things come in.
enum Catalog {
  static let teams = [
    "payments", "checkout", "search", "catalog", "identity", "ml-platform", "data-platform",
    "notifications", "web", "mobile-api", "pricing", "fulfilment", "fraud", "growth",
  ]
  static let environments = ["", "-staging", "-canary"]
  /// Namespaces that every cluster has; the first holds what runs on each node.
  static let systemNamespaces = ["kube-system", "monitoring", "ingress-nginx", "default"]

  static let components = [
    "api", "worker", "frontend", "gateway", "indexer", "scheduler", "cache", "consumer", "sync",
    "webhook", "router", "exporter", "billing", "ledger", "profile", "session", "resizer", "mailer",
  ]
  static let stores = ["postgres", "kafka", "redis", "elasticsearch", "mongodb", "clickhouse"]
  static let periodicTasks = [
    "nightly-etl", "report", "cleanup", "backup", "reindex", "invoice-run",
  ]
  static let jobs = ["train-resnet", "migrate", "backfill", "load-test"]
  static let daemons = ["aws-node", "kube-proxy", "ebs-csi-node", "node-exporter"]
  static let staticPods = ["kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager"]
  static let staticPodsText: [StaticString] = [
    "kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager",
  ]

  static let zones: [StaticString] = ["us-east-1a", "us-east-1b", "us-east-1c"]

  struct InstanceType {
    var name: StaticString
    var cores: StaticString
    var allocatable: StaticString
    var memory: StaticString
    var gpus: StaticString?
  }

  static let instanceTypes = [
    InstanceType(name: "m5.xlarge", cores: "4", allocatable: "3920m", memory: "16106944Ki"),
    InstanceType(name: "m6i.2xlarge", cores: "8", allocatable: "7910m", memory: "32523540Ki"),
    InstanceType(name: "c6i.4xlarge", cores: "16", allocatable: "15890m", memory: "32408596Ki"),
    InstanceType(name: "r6g.2xlarge", cores: "8", allocatable: "7910m", memory: "65031396Ki"),
    InstanceType(name: "c7g.8xlarge", cores: "32", allocatable: "31850m", memory: "64881788Ki"),
  ]
  static let gpuInstanceType = InstanceType(
    name: "g5.2xlarge", cores: "8", allocatable: "7910m", memory: "32408424Ki", gpus: "1")

  /// What a container asks for and may use; nil: not set.
  struct Resources {
    var requestedCPU: StaticString?
    var requestedMemory: StaticString?
    var limitedCPU: StaticString?
    var limitedMemory: StaticString?
    var requestedStorage: StaticString?
    var limitedStorage: StaticString?
    var gpus: StaticString?

    /// Kubernetes' rule: both limits set and the requests equal to them.
    var isGuaranteed: Bool {
      guard let limitedCPU, let limitedMemory, let requestedCPU, let requestedMemory else {
        return false
      }
      return limitedCPU.description == requestedCPU.description
        && limitedMemory.description == requestedMemory.description
    }

    /// Whether CPU or memory is asked for or limited.
    var isSet: Bool {
      requestedCPU != nil || requestedMemory != nil || limitedCPU != nil || limitedMemory != nil
    }
  }

  static let resources = [
    Resources(requestedCPU: "100m", requestedMemory: "128Mi", limitedMemory: "256Mi"),
    Resources(
      requestedCPU: "250m", requestedMemory: "512Mi", limitedCPU: "500m", limitedMemory: "1Gi"),
    Resources(requestedCPU: "500m", requestedMemory: "1Gi", limitedCPU: "1", limitedMemory: "1Gi"),
    Resources(requestedCPU: "1", requestedMemory: "2Gi", limitedCPU: "2", limitedMemory: "4Gi"),
    Resources(
      requestedCPU: "2", requestedMemory: "8Gi", limitedCPU: "2", limitedMemory: "8Gi",
      requestedStorage: "10Gi", limitedStorage: "20Gi"),
    Resources(requestedCPU: "10m", requestedMemory: "64M"),
    Resources(requestedCPU: "1500m", requestedMemory: "1536Mi", limitedMemory: "3Gi"),
    Resources(requestedMemory: "200Mi", limitedMemory: "200Mi", requestedStorage: "512Mi"),
    Resources(requestedCPU: "4", requestedMemory: "16G", limitedCPU: "8", limitedMemory: "24G"),
    Resources(),
  ]
  static let sidecarResources = Resources(
    requestedCPU: "50m", requestedMemory: "64Mi", limitedCPU: "100m", limitedMemory: "128Mi")
  static let initResources = Resources(requestedCPU: "200m", requestedMemory: "256Mi")
  static let gpuResources = Resources(
    requestedCPU: "3", requestedMemory: "24Gi", limitedCPU: "3", limitedMemory: "24Gi", gpus: "1")

  static let claimSizes: [StaticString] = ["10Gi", "20Gi", "50Gi", "100Gi", "500G"]
  static let claimNames: [StaticString] = ["data", "wal"]
}
