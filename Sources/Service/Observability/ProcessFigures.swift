import Glibc

/// What the system says about this process, under the names that Prometheus clients share.
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
      figures.residentByteCount = pages.multipliedReportingOverflow(by: 4096).partialValue
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
      figures.maximumDescriptorCount = Int(clamping: limit.rlim_cur)
    }
    return figures
  }

  func render(_ text: inout MetricsText) {
    text.add(
      "process_cpu_seconds_total", .counter, "User and system CPU time of the process.", cpuSeconds)
    text.add(
      "process_resident_memory_bytes", .gauge, "Resident memory of the process.",
      residentByteCount)
    text.add(
      "process_max_fds", .gauge, "Largest number of open files.", maximumDescriptorCount)
  }
}
