import Glibc

/// What the system says about this process.
struct ProcessFigures {
  var cpuSeconds = 0.0
  var residentByteCount = 0
  var maximumDescriptorCount = 0

  static func read() -> ProcessFigures {
    var figures = ProcessFigures()
    var usage = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      figures.cpuSeconds =
        Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
    if let text = ConfigurationFile.read("/proc/self/statm")?.text {
      let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      let pageByteCount = max(1, sysconf(Int32(_SC_PAGESIZE)))
      figures.residentByteCount =
        pages.multipliedReportingOverflow(by: pageByteCount).partialValue
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      figures.maximumDescriptorCount = Int(clamping: limit.rlim_cur)
    }
    return figures
  }

  func render(_ text: inout MetricsText) {
    text.add(
      "aggregator_process_cpu_seconds_total", .counter,
      "User and system CPU time of the process.", cpuSeconds)
    text.add(
      "aggregator_process_resident_memory_bytes", .gauge, "Resident memory of the process.",
      residentByteCount)
    text.add(
      "aggregator_process_maximum_descriptors", .gauge, "Largest number of open files.",
      maximumDescriptorCount)
  }
}
