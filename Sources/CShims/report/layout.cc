// Learning a layout from the structural index of a good report.
#include "layout.h"

#include <string.h>

#include "tokens.h"

namespace cshims_report_internal {
namespace {

struct MemberName {
  const char *name;
  cshims_report_member member;
};

constexpr MemberName report_names[] = {
    {"timestamp", CSHIMS_REPORT_MEMBER_TIMESTAMP},
    {"node_name", CSHIMS_REPORT_MEMBER_NODE_NAME},
    {"hostname", CSHIMS_REPORT_MEMBER_HOSTNAME},
    {"pods", CSHIMS_REPORT_MEMBER_PODS},
    {"ec2_instance_id", CSHIMS_REPORT_MEMBER_INSTANCE_ID},
};

constexpr MemberName pod_names[] = {
    {"pod_id", CSHIMS_REPORT_MEMBER_POD_ID},
    {"namespace", CSHIMS_REPORT_MEMBER_NAMESPACE},
    {"name", CSHIMS_REPORT_MEMBER_NAME},
    {"pod_start_time", CSHIMS_REPORT_MEMBER_POD_START_TIME},
    {"cpu_usage_cores", CSHIMS_REPORT_MEMBER_CPU},
    {"memory_usage_bytes", CSHIMS_REPORT_MEMBER_MEMORY},
    {"net_tx_bytes", CSHIMS_REPORT_MEMBER_NETWORK_SENT},
    {"net_rx_bytes", CSHIMS_REPORT_MEMBER_NETWORK_RECEIVED},
};

// Behind the value of one token: the next token, or the space before it.
const uint8_t *value_end(const uint8_t *body, const uint32_t *token) {
  const uint8_t *end = body + token[1];
  while (is_whitespace(end[-1])) end -= 1;
  return end;
}

// The member whose name is the string at a token, with no escape in it; `NONE` if it is none.
template <size_t count>
cshims_report_member member_named(const uint8_t *body, const uint32_t *token,
                                  const MemberName (&names)[count]) {
  const uint8_t *start = body + token[0] + 1;
  size_t length = size_t(value_end(body, token) - start);
  for (const MemberName &known : names) {
    size_t known_length = strlen(known.name);
    if (length == known_length + 1 && memcmp(start, known.name, known_length) == 0) {
      return known.member;
    }
  }
  return CSHIMS_REPORT_MEMBER_NONE;
}

} // namespace

bool Piece::assign(const uint8_t *text, size_t length) {
  if (length > capacity) return false;
  memset(bytes, 0, capacity);
  memcpy(bytes, text, length);
  count = uint32_t(length);
  mask = uint32_t((uint64_t(1) << length) - 1);
  return true;
}

void Layout::learn(const uint8_t *body, const uint32_t *index, size_t index_count) {
  Layout learnt = Layout();
  learnt.known = learnt.learn_report(body, index, index_count);
  if (learnt.known) *this = learnt;
}

bool Layout::learn_report(const uint8_t *body, const uint32_t *index, size_t index_count) {
  const uint8_t *previous = body;
  const uint32_t *token = index + 1;
  uint32_t seen = 0;
  report.count = 0;
  while (body[*token] == '"') {
    cshims_report_member member = member_named(body, token, report_names);
    if (member == CSHIMS_REPORT_MEMBER_NONE || (seen >> member & 1) != 0) return false;
    seen |= uint32_t(1) << member;
    token += 2;
    if (!report.before[report.count].assign(previous, size_t(body + *token - previous))) {
      return false;
    }
    report.member[report.count] = member;
    report.count += 1;
    if (member == CSHIMS_REPORT_MEMBER_PODS && !learn_pods(body, &token)) return false;
    previous = value_end(body, token);
    token += 1;
    if (body[*token] != ',') break;
    token += 1;
  }
  // The root's end, and the space behind it; the index has the body's length behind the last token.
  return token + 1 == index + index_count &&
         end_of_report.assign(previous, size_t(body + index[index_count] - previous));
}

// All pods have the members of the first one in its order, with the same text between values, or
// the report has no layout. A pod's first piece reaches from the value before it, so it holds what
// stands between pods: the array's bracket for the first, brace, comma and brace for the others.
// Leaves `token` on the bracket that closes the array.
bool Layout::learn_pods(const uint8_t *body, const uint32_t **token) {
  const uint32_t *next = *token;
  const uint8_t *previous = body + *next;
  size_t pod_count = 0;
  next += 1;
  for (;; pod_count += 1, next += 1) {
    if (body[*next] != '{') return false;
    next += 1;
    int position = 0;
    uint32_t seen = 0;
    for (;; position += 1, next += 1) {
      cshims_report_member member = CSHIMS_REPORT_MEMBER_NONE;
      if (body[*next] == '"') member = member_named(body, next, pod_names);
      if (member == CSHIMS_REPORT_MEMBER_NONE || (seen >> member & 1) != 0) return false;
      seen |= uint32_t(1) << member;
      if (pod_count == 0) {
        pod.member[position] = member;
        pod.count = position + 1;
      } else if (position >= pod.count || pod.member[position] != member) {
        return false;
      }
      next += 2;
      Piece &piece = position > 0      ? pod.before[position]
                     : pod_count == 0 ? first_pod
                                      : next_pod;
      if (!piece.assign(previous, size_t(body + *next - previous))) return false;
      previous = value_end(body, next);
      next += 1;
      if (body[*next] == '}') break;
    }
    if (position + 1 != pod.count) return false;
    next += 1;
    if (body[*next] == ']') break;
  }
  *token = next;
  return pod_count > 0 && end_of_pods.assign(previous, size_t(body + *next + 1 - previous));
}

} // namespace cshims_report_internal
