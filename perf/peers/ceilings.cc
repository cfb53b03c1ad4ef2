// What the parts of the work cost at least, on one thread: simdjson alone, Snappy alone, memcpy.
//
//     ceilings BODIES PAGES ROWS RUNS
//
// BODIES has one report a line. PAGES has the pages of a Parquet file before compression, each
// behind its length (32 bits, little endian). Prints JSON: the median CPU seconds of RUNS runs, for
// ROWS rows.
#include <simdjson.h>
#include <snappy-c.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace {

double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double median(int runs, const std::function<void()> &work) {
  work();  // Touches the memory.
  std::vector<double> seconds;
  for (int run = 0; run < runs; run++) {
    const double before = cpu_seconds();
    work();
    seconds.push_back(cpu_seconds() - before);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

std::string read_file(const char *path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s cannot be read\n", path);
    std::exit(1);
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void check(simdjson::error_code error) {
  if (error == simdjson::SUCCESS) return;
  std::fprintf(stderr, "simdjson: %s\n", simdjson::error_message(error));
  std::exit(1);
}

// What one thread reads out of the reports: the same members that the service reads.
struct Columns {
  std::vector<std::string_view> timestamp, node, host, instance, pod_id, pod_namespace, name, start;
  std::vector<double> cpu;
  std::vector<int64_t> memory, sent, received;

  void clear() {
    for (auto *texts : {&timestamp, &node, &host, &instance, &pod_id, &pod_namespace, &name,
                        &start}) {
      texts->clear();
    }
    cpu.clear();
    memory.clear();
    sent.clear();
    received.clear();
  }
};

// Of one report. Members are asked for in the order of the collector's text, On-Demand's best case.
simdjson::error_code read_report(
    simdjson::ondemand::parser &parser, simdjson::padded_string_view body, Columns &columns) {
  simdjson::ondemand::document document;
  SIMDJSON_TRY(parser.iterate(body).get(document));
  simdjson::ondemand::object report;
  SIMDJSON_TRY(document.get_object().get(report));
  std::string_view text;
  SIMDJSON_TRY(report["timestamp"].get_string().get(text));
  columns.timestamp.push_back(text);
  SIMDJSON_TRY(report["node_name"].get_string().get(text));
  columns.node.push_back(text);
  SIMDJSON_TRY(report["hostname"].get_string().get(text));
  columns.host.push_back(text);
  SIMDJSON_TRY(report["ec2_instance_id"].get_string().get(text));
  columns.instance.push_back(text);
  simdjson::ondemand::array pods;
  SIMDJSON_TRY(report["pods"].get_array().get(pods));
  for (auto element : pods) {
    simdjson::ondemand::object pod;
    double real;
    int64_t whole;
    SIMDJSON_TRY(element.get_object().get(pod));
    SIMDJSON_TRY(pod["pod_id"].get_string().get(text));
    columns.pod_id.push_back(text);
    SIMDJSON_TRY(pod["namespace"].get_string().get(text));
    columns.pod_namespace.push_back(text);
    SIMDJSON_TRY(pod["name"].get_string().get(text));
    columns.name.push_back(text);
    SIMDJSON_TRY(pod["cpu_usage_cores"].get_double().get(real));
    columns.cpu.push_back(real);
    SIMDJSON_TRY(pod["memory_usage_bytes"].get_int64().get(whole));
    columns.memory.push_back(whole);
    SIMDJSON_TRY(pod["net_tx_bytes"].get_int64().get(whole));
    columns.sent.push_back(whole);
    SIMDJSON_TRY(pod["net_rx_bytes"].get_int64().get(whole));
    columns.received.push_back(whole);
    SIMDJSON_TRY(pod["pod_start_time"].get_string().get(text));
    columns.start.push_back(text);
  }
  return simdjson::SUCCESS;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  const std::string text = read_file(argv[1]);
  const std::string pages = read_file(argv[2]);
  const double rows = std::atof(argv[3]);
  const int runs = std::atoi(argv[4]);

  // Each body with the padding that simdjson reads behind it, as the service's buffers have it.
  simdjson::padded_string padded(text);
  std::vector<simdjson::padded_string_view> bodies;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    bodies.emplace_back(padded.data() + start, end - start, padded.size() + 64 - start);
    start = end + 1;
  }
  size_t found = 0;
  simdjson::dom::parser dom;
  const double tape = median(runs, [&] {
    found = 0;
    for (const auto &body : bodies) {
      simdjson::dom::element root;
      check(dom.parse(body.data(), body.size(), false).get(root));
      found += root.is_object();
    }
  });
  if (found != bodies.size()) return 1;

  Columns columns;
  simdjson::ondemand::parser on_demand;
  const double fields = median(runs, [&] {
    columns.clear();
    for (const auto &body : bodies) check(read_report(on_demand, body, columns));
  });
  if (static_cast<double>(columns.cpu.size()) != rows) return 1;

  std::vector<char> compressed;
  size_t page_bytes = 0, compressed_bytes = 0;
  const double snappy = median(runs, [&] {
    page_bytes = compressed_bytes = 0;
    for (size_t offset = 0; offset + 4 <= pages.size();) {
      uint32_t count;
      std::memcpy(&count, pages.data() + offset, 4);
      offset += 4;
      size_t limit = snappy_max_compressed_length(count);
      if (compressed.size() < limit) compressed.resize(limit);
      if (snappy_compress(pages.data() + offset, count, compressed.data(), &limit) != SNAPPY_OK) {
        std::exit(1);
      }
      page_bytes += count;
      compressed_bytes += limit;
      offset += count;
    }
  });

  std::vector<char> source(size_t{256} << 20, 1), target(source.size());
  const double copy = median(runs, [&] {
    std::memcpy(target.data(), source.data(), source.size());
    asm volatile("" : : "r"(target.data()) : "memory");
  });

  std::printf(
      "{\"dispatch\": \"%s\", \"compiled\": \"%s\", \"tape\": %.6f, \"on_demand\": %.6f, "
      "\"snappy\": %.6f, \"json_bytes\": %zu, \"page_bytes\": %zu, \"compressed_bytes\": %zu, "
      "\"memcpy_gb_s\": %.2f}\n",
      std::string(simdjson::get_active_implementation()->name()).c_str(),
      SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION), tape, fields, snappy,
      text.size(), page_bytes, compressed_bytes, static_cast<double>(source.size()) / copy / 1e9);
  return 0;
}
