// The schema: which members a report and a pod have, and what is judged when they end.
#include <string.h>

#include "walk.h"

namespace cshims_report_internal {

constexpr unsigned report_depth = 1;
constexpr unsigned pods_depth = 2;
constexpr unsigned pod_depth = 3;

constexpr uint32_t required_of_pod = PodViolations::bit(CSHIMS_REPORT_MEMBER_POD_ID) |
                                     PodViolations::bit(CSHIMS_REPORT_MEMBER_NAMESPACE) |
                                     PodViolations::bit(CSHIMS_REPORT_MEMBER_NAME);
constexpr uint32_t required_of_report = ReportViolations::bit(CSHIMS_REPORT_MEMBER_TIMESTAMP) |
                                        ReportViolations::bit(CSHIMS_REPORT_MEMBER_NODE_NAME) |
                                        ReportViolations::bit(CSHIMS_REPORT_MEMBER_HOSTNAME) |
                                        ReportViolations::bit(CSHIMS_REPORT_MEMBER_PODS);

// A constant length makes the comparison a load or two.
template <size_t size>
static bool is_name(const uint8_t *name, const char (&expected)[size]) {
  return memcmp(name, expected, size - 1) == 0;
}

template <class Kind>
static void settle(Kind &violations, int member, cshims_report_reason reason, size_t offset) {
  if (reason == CSHIMS_REPORT_OK) {
    violations.good(member);
  } else {
    violations.fail(member, reason, offset);
  }
}

// What an object's end decides: the first bad member in the document, else the first missing one.
template <class Kind>
static Violation first_violation(const Kind &violations, uint32_t required, size_t closing) {
  Violation first;
  for (uint32_t rest = violations.bad; rest != 0; rest &= rest - 1) {
    int index = __builtin_ctz(rest);
    if (first.reason == CSHIMS_REPORT_OK || violations.offsets[index] < first.offset) {
      first.reason = violations.reasons[index];
      first.member = Kind::first + index;
      first.offset = violations.offsets[index];
    }
  }
  uint32_t missing = required & ~violations.seen;
  if (first.reason == CSHIMS_REPORT_OK && missing != 0) {
    first.reason = CSHIMS_REPORT_MISSING;
    first.member = Kind::first + __builtin_ctz(missing);
    first.offset = closing;
  }
  return first;
}

bool Walk::text_member(int member, const uint8_t **bytes, uint32_t *length,
                       PodViolations &violations) {
  size_t offset = *next;
  StringValue value;
  if (!string_value(false, false, pod_depth, &value)) return false;
  *bytes = value.bytes;
  *length = uint32_t(value.count);
  settle(violations, member, value.reason, offset);
  return true;
}

bool Walk::integer_member(int member, uint8_t bit, int64_t &column, Row &row,
                          PodViolations &violations) {
  size_t offset = *next;
  bool is_null;
  cshims_report_reason reason = CSHIMS_REPORT_OK;
  column = 0;
  if (!integer_value(pod_depth, &column, &is_null, &reason)) return false;
  row.presence = is_null ? row.presence & ~bit : row.presence | bit;
  settle(violations, member, reason, offset);
  return true;
}

// One member of a pod, `next` on its value. Lengths tell the names apart but for the two of 12.
bool Walk::pod_member(const uint8_t *name, size_t length, Row &row, PodViolations &violations) {
  switch (length) {
  case 4:
    if (!is_name(name, "name")) break;
    return text_member(CSHIMS_REPORT_MEMBER_NAME, &row.pod.name, &row.pod.name_count, violations);
  case 6:
    if (!is_name(name, "pod_id")) break;
    return text_member(CSHIMS_REPORT_MEMBER_POD_ID, &row.pod.pod_id, &row.pod.pod_id_count,
                       violations);
  case 9:
    if (!is_name(name, "namespace")) break;
    return text_member(CSHIMS_REPORT_MEMBER_NAMESPACE, &row.pod.pod_namespace,
                       &row.pod.namespace_count, violations);
  case 12:
    if (is_name(name, "net_tx_bytes")) {
      return integer_member(CSHIMS_REPORT_MEMBER_NETWORK_SENT, CSHIMS_REPORT_HAS_NETWORK_SENT,
                            row.network_sent, row, violations);
    }
    if (is_name(name, "net_rx_bytes")) {
      return integer_member(CSHIMS_REPORT_MEMBER_NETWORK_RECEIVED,
                            CSHIMS_REPORT_HAS_NETWORK_RECEIVED, row.network_received, row,
                            violations);
    }
    break;
  case 14: {
    if (!is_name(name, "pod_start_time")) break;
    size_t offset = *next;
    StringValue value;
    int32_t day;
    if (!instant_value(true, pod_depth, &value, &row.pod.start_micros, &day)) return false;
    settle(violations, CSHIMS_REPORT_MEMBER_POD_START_TIME, value.reason, offset);
    return true;
  }
  case 15: {
    if (!is_name(name, "cpu_usage_cores")) break;
    size_t offset = *next;
    bool is_null;
    cshims_report_reason reason = CSHIMS_REPORT_OK;
    row.cpu = 0;
    if (!cpu_value(pod_depth, &row.cpu, &is_null, &reason)) return false;
    row.presence = is_null ? row.presence & ~CSHIMS_REPORT_HAS_CPU
                           : row.presence | CSHIMS_REPORT_HAS_CPU;
    settle(violations, CSHIMS_REPORT_MEMBER_CPU, reason, offset);
    return true;
  }
  case 18:
    if (!is_name(name, "memory_usage_bytes")) break;
    return integer_member(CSHIMS_REPORT_MEMBER_MEMORY, CSHIMS_REPORT_HAS_MEMORY, row.memory, row,
                          violations);
  default:
    break;
  }
  return skip(pod_depth);
}

// A pod, `next` behind its opening brace. One function with all it calls but the general paths: a
// tenth faster.
__attribute__((flatten)) bool Walk::pod() {
  Row row;
  row.pod.start_micros = CSHIMS_REPORT_NO_INSTANT;
  PodViolations violations;
  if (peek() != '}') {
    for (;;) {
      const uint8_t *bytes;
      size_t length;
      if (!name(&bytes, &length) || !pod_member(bytes, length, row, violations)) return false;
      if (peek() == '}') break;
      if (!take(',')) return false;
    }
  }
  if (violations.bad != 0 || (required_of_pod & ~violations.seen) != 0) {
    judge_pod(violations, *next);
  } else {
    store(row);
  }
  return close();
}

void Walk::judge_pod(const PodViolations &violations, size_t closing) {
  if (pods_violation.reason != CSHIMS_REPORT_OK) return;
  pods_violation = first_violation(violations, required_of_pod, closing);
  pods_violation.pod = int64_t(pod_count);
}

void Walk::store(const Row &row) {
  if (pod_count >= rows.capacity) return;
  rows.cpu[pod_count] = row.cpu;
  rows.memory[pod_count] = row.memory;
  rows.network_sent[pod_count] = row.network_sent;
  rows.network_received[pod_count] = row.network_received;
  rows.presence[pod_count] = row.presence;
  rows.pods[pod_count] = row.pod;
}

// The member `pods`. A later one undoes an earlier one's rows and violations.
bool Walk::pods(cshims_report_reason *reason) {
  pod_count = 0;
  pods_violation = Violation();
  if (peek() != '[') {
    *reason = CSHIMS_REPORT_NOT_ARRAY;
    return skip(report_depth);
  }
  next += 1;
  if (peek() == ']') return close();
  for (;;) {
    if (peek() == '{') {
      next += 1;
      if (!pod()) return false;
    } else {
      if (pods_violation.reason == CSHIMS_REPORT_OK) {
        pods_violation.reason = CSHIMS_REPORT_NOT_OBJECT;
        pods_violation.pod = int64_t(pod_count);
        pods_violation.offset = *next;
      }
      if (!skip(pods_depth)) return false;
    }
    pod_count += 1;
    if (peek() == ']') return close();
    if (!take(',')) return false;
  }
}

// One member of the report, `next` on its value.
bool Walk::report_member(const uint8_t *name, size_t length, cshims_report_result &result,
                         ReportViolations &violations) {
  size_t offset = *next;
  StringValue value;
  switch (length) {
  case 4: {
    if (!is_name(name, "pods")) break;
    cshims_report_reason reason = CSHIMS_REPORT_OK;
    if (!pods(&reason)) return false;
    settle(violations, CSHIMS_REPORT_MEMBER_PODS, reason, offset);
    return true;
  }
  case 8:
    if (!is_name(name, "hostname")) break;
    if (!string_value(false, false, report_depth, &value)) return false;
    settle(violations, CSHIMS_REPORT_MEMBER_HOSTNAME, value.reason, offset);
    return true;
  case 9:
    if (is_name(name, "timestamp")) {
      if (!instant_value(false, report_depth, &value, &result.collected_micros, &result.day)) {
        return false;
      }
      result.timestamp = {value.bytes, value.count};
      settle(violations, CSHIMS_REPORT_MEMBER_TIMESTAMP, value.reason, offset);
      return true;
    }
    if (is_name(name, "node_name")) {
      if (!string_value(false, false, report_depth, &value)) return false;
      result.node_name = {value.bytes, value.count};
      settle(violations, CSHIMS_REPORT_MEMBER_NODE_NAME, value.reason, offset);
      return true;
    }
    break;
  case 15:
    if (!is_name(name, "ec2_instance_id")) break;
    if (!string_value(true, true, report_depth, &value)) return false;
    result.instance_id = {value.bytes, value.count};
    settle(violations, CSHIMS_REPORT_MEMBER_INSTANCE_ID, value.reason, offset);
    return true;
  default:
    break;
  }
  return skip(report_depth);
}

bool Walk::document(cshims_report_result &result) {
  ReportViolations violations;
  next += 1;
  if (peek() != '}') {
    for (;;) {
      const uint8_t *bytes;
      size_t length;
      if (!name(&bytes, &length)) return false;
      if (!report_member(bytes, length, result, violations)) return false;
      if (peek() == '}') break;
      if (!take(',')) return false;
    }
  }
  judge_report(violations, *next, result);
  next += 1;
  return next == end;
}

void Walk::judge_report(const ReportViolations &violations, size_t closing,
                        cshims_report_result &result) {
  result.pod_count = pod_count;
  Violation first = first_violation(violations, required_of_report, closing);
  if (pods_violation.reason != CSHIMS_REPORT_OK &&
      (first.reason == CSHIMS_REPORT_OK || pods_violation.offset < first.offset)) {
    first = pods_violation;
  }
  result.reason = first.reason;
  result.member = cshims_report_member(first.member);
  result.pod = first.pod;
  result.byte_offset = first.offset;
}

} // namespace cshims_report_internal
