// Reading a report by its layout.
//
// At most 64 bytes behind the body are looked at: a piece is compared only when it begins inside
// the body, it has at most 32 bytes, and of the value behind it at most 18 are read before anything
// is asked about where it lies.
#include <string.h>

#include "block.h"
#include "layout.h"
#include "walk.h"

// One function reads a pod: a call would take as long as what it does, and even a rare one, given
// the address of the place in the body, keeps that out of a register.
#define ALWAYS_INLINE __attribute__((always_inline)) inline

namespace cshims_report_internal {
namespace {

static_assert(Piece::capacity == 2 * block_size, "a piece is two blocks");
static_assert(Piece::capacity + 2 + block_size <= CSHIMS_REPORT_PADDING, "the padding suffices");

ALWAYS_INLINE bool take(const Piece &piece, const uint8_t **text, const uint8_t *end) {
  const uint8_t *at = *text;
  if (at >= end) return false;
  uint32_t equal = equal_bytes(at, piece.bytes) |
                   equal_bytes(at + block_size, piece.bytes + block_size) << block_size;
  *text = at + piece.count;
  return (~equal & piece.mask) == 0;
}

ALWAYS_INLINE bool take_null(const uint8_t **text) {
  if (memcmp(*text, "null", 4) != 0) return false;
  *text += 4;
  return true;
}

// A string of plain ASCII.
ALWAYS_INLINE bool take_text(const uint8_t **text, const uint8_t *end, cshims_report_text *value) {
  const uint8_t *start = *text + 1, *at = start;
  if (**text != '"') return false;
  uint32_t ends;
  while ((ends = ends_of_plain_text(at)) == 0) {
    at += block_size;
    if (at >= end) return false;
  }
  at += __builtin_ctz(ends);
  *value = {start, size_t(at - start)};
  *text = at + 1;
  return *at == '"';
}

// A string that must not be empty.
ALWAYS_INLINE bool take_name(const uint8_t **text, const uint8_t *end, const uint8_t **bytes,
                             uint32_t *count) {
  cshims_report_text value;
  if (!take_text(text, end, &value)) return false;
  *bytes = value.bytes;
  *count = uint32_t(value.count);
  return value.count > 0;
}

ALWAYS_INLINE bool take_instant(const uint8_t **text, const uint8_t *end,
                                cshims_report_text *spelling, int64_t *micros, int32_t *day) {
  Instant instant;
  if (!take_text(text, end, spelling) ||
      !read_date_time(spelling->bytes, spelling->count, &instant)) {
    return false;
  }
  *micros = instant.seconds >= first_kept_second ? instant.total_micros()
                                                 : CSHIMS_REPORT_NO_INSTANT;
  *day = instant.day();
  return true;
}

// An integer of up to 15 digits; null leaves `value` alone.
ALWAYS_INLINE bool take_integer(const uint8_t **text, int64_t *value, uint8_t bit,
                                uint8_t *presence) {
  const uint8_t *start = *text;
  uint32_t ends = ends_of_digits(start);
  if ((ends & 1) != 0) return take_null(text);
  if (ends == 0) return false;
  size_t count = size_t(__builtin_ctz(ends));
  if (*start == '0' && count > 1) return false;
  *value = int64_t(digits_before(start + count, count));
  *presence |= bit;
  *text = start + count;
  return true;
}

constexpr uint64_t powers[block_size] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000};

// The usual fraction: one digit, a point, and up to 15 digits. False says nothing but that it is
// another value.
ALWAYS_INLINE bool take_usual_fraction(const uint8_t **text, double *value) {
  const uint8_t *start = *text, *fraction = start + 2;
  uint32_t ends = ends_of_digits(fraction);
  if (start[1] != '.' || !is_digit(*start) || (ends & 1) != 0 || ends == 0) return false;
  size_t places = size_t(__builtin_ctz(ends));
  uint64_t significand = (*start - uint64_t('0')) * powers[places] +
                         digits_before(fraction + places, places);
  // So much is exact, but an exponent changes it.
  if (significand > maximum_exact_integer || (fraction[places] | 0x20) == 'e') return false;
  *value = double(significand) / powers_of_ten[places];
  *text = fraction + places;
  return true;
}

// Any number that is not negative. The body's last byte belongs to no number.
ALWAYS_INLINE bool take_number(const uint8_t **text, const uint8_t *end, double *value) {
  Number number;
  if (*text >= end || !read_number(*text, &number) || number.negative) return false;
  *value = to_double(number);
  *text = number.end;
  return !isinf(*value);
}

// As `take_number`; null leaves `value` alone.
ALWAYS_INLINE bool take_cpu(const uint8_t **text, const uint8_t *end, double *value,
                            uint8_t *presence) {
  if (!take_usual_fraction(text, value)) {
    if (take_null(text)) return true;
    if (!take_number(text, end, value)) return false;
  }
  *presence |= CSHIMS_REPORT_HAS_CPU;
  return true;
}

} // namespace

__attribute__((flatten)) bool Layout::read_pods(const uint8_t **text, const uint8_t *end,
                                                const cshims_report_rows &rows,
                                                size_t *pod_count) const {
  const uint8_t *at = *text;
  size_t taken = 0;
  // Rows beyond the capacity are checked only.
  Row beyond;
  if (at[0] == '[' && at[1] == ']') {
    *text = at + 2;
    *pod_count = 0;
    return true;
  }
  if (!take(first_pod, &at, end)) return false;
  for (;;) {
    bool fits = taken < rows.capacity;
    double *cpu = fits ? rows.cpu + taken : &beyond.cpu;
    int64_t *memory = fits ? rows.memory + taken : &beyond.memory;
    int64_t *sent = fits ? rows.network_sent + taken : &beyond.network_sent;
    int64_t *received = fits ? rows.network_received + taken : &beyond.network_received;
    uint8_t *presence = fits ? rows.presence + taken : &beyond.presence;
    cshims_report_pod *identity = fits ? rows.pods + taken : &beyond.pod;
    // What is absent or null.
    *cpu = 0;
    *memory = *sent = *received = 0;
    *presence = 0;
    identity->start_micros = CSHIMS_REPORT_NO_INSTANT;
    for (int i = 0; i < pod.count; i += 1) {
      if (i > 0 && !take(pod.before[i], &at, end)) return false;
      bool is_good = false;
      switch (pod.member[i]) {
      case CSHIMS_REPORT_MEMBER_POD_ID:
        is_good = take_name(&at, end, &identity->pod_id, &identity->pod_id_count);
        break;
      case CSHIMS_REPORT_MEMBER_NAMESPACE:
        is_good = take_name(&at, end, &identity->pod_namespace, &identity->namespace_count);
        break;
      case CSHIMS_REPORT_MEMBER_NAME:
        is_good = take_name(&at, end, &identity->name, &identity->name_count);
        break;
      case CSHIMS_REPORT_MEMBER_POD_START_TIME: {
        cshims_report_text spelling;
        int32_t day;
        is_good = take_null(&at) ||
                  take_instant(&at, end, &spelling, &identity->start_micros, &day);
        break;
      }
      case CSHIMS_REPORT_MEMBER_CPU:
        is_good = take_cpu(&at, end, cpu, presence);
        break;
      case CSHIMS_REPORT_MEMBER_MEMORY:
        is_good = take_integer(&at, memory, CSHIMS_REPORT_HAS_MEMORY, presence);
        break;
      case CSHIMS_REPORT_MEMBER_NETWORK_SENT:
        is_good = take_integer(&at, sent, CSHIMS_REPORT_HAS_NETWORK_SENT, presence);
        break;
      case CSHIMS_REPORT_MEMBER_NETWORK_RECEIVED:
        is_good = take_integer(&at, received, CSHIMS_REPORT_HAS_NETWORK_RECEIVED, presence);
        break;
      default:
        break;
      }
      if (!is_good) return false;
    }
    taken += 1;
    const uint8_t *behind = at;
    if (take(next_pod, &at, end)) continue;
    at = behind;
    if (!take(end_of_pods, &at, end)) return false;
    *text = at;
    *pod_count = taken;
    return true;
  }
}

bool Layout::read(const uint8_t *body, size_t count, const cshims_report_rows &rows,
                  cshims_report_result &result) const {
  const uint8_t *text = body, *end = body + count;
  // A bracket or space, so that no number runs on behind the body.
  if (count == 0 || end[-1] != end_of_report.bytes[end_of_report.count - 1]) return false;
  for (int i = 0; i < report.count; i += 1) {
    if (!take(report.before[i], &text, end)) return false;
    bool is_good = false;
    cshims_report_text hostname;
    switch (report.member[i]) {
    case CSHIMS_REPORT_MEMBER_TIMESTAMP:
      is_good = take_instant(&text, end, &result.timestamp, &result.collected_micros, &result.day);
      break;
    case CSHIMS_REPORT_MEMBER_NODE_NAME:
      is_good = take_text(&text, end, &result.node_name) && result.node_name.count > 0;
      break;
    case CSHIMS_REPORT_MEMBER_HOSTNAME:
      is_good = take_text(&text, end, &hostname) && hostname.count > 0;
      break;
    case CSHIMS_REPORT_MEMBER_INSTANCE_ID:
      is_good = take_null(&text) || take_text(&text, end, &result.instance_id);
      break;
    case CSHIMS_REPORT_MEMBER_PODS:
      is_good = read_pods(&text, end, rows, &result.pod_count);
      break;
    default:
      break;
    }
    if (!is_good) return false;
  }
  return take(end_of_report, &text, end) && text == end;
}

} // namespace cshims_report_internal
