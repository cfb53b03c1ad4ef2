// The report decoder: one collector's JSON report to row columns, with every byte and schema rule
// checked in one walk over simdjson's structural index, or by comparison with a report that the
// walk has taken.
#ifndef CSHIMS_REPORT_H
#define CSHIMS_REPORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes behind a body that must be readable; their content does not matter.
#define CSHIMS_REPORT_PADDING 64
// Deepest nesting accepted, the root counted as 1.
#define CSHIMS_REPORT_MAXIMUM_DEPTH 32
// `cshims_report_pod.start_micros` and `cshims_report_result.collected_micros`: no instant.
#define CSHIMS_REPORT_NO_INSTANT INT64_MIN

// Bits of a row's presence byte: the report gave a value that is not null.
#define CSHIMS_REPORT_HAS_CPU 1
#define CSHIMS_REPORT_HAS_MEMORY 2
#define CSHIMS_REPORT_HAS_NETWORK_SENT 4
#define CSHIMS_REPORT_HAS_NETWORK_RECEIVED 8

// Why a body was refused. Up to `TRAILING` it is not good JSON; behind it, not a report.
typedef enum cshims_report_reason {
  CSHIMS_REPORT_OK = 0,
  CSHIMS_REPORT_EMPTY,
  CSHIMS_REPORT_BOM,
  CSHIMS_REPORT_UTF8,
  CSHIMS_REPORT_CONTROL_CHARACTER,
  CSHIMS_REPORT_ESCAPE,
  CSHIMS_REPORT_SURROGATE,
  CSHIMS_REPORT_NUMBER,
  CSHIMS_REPORT_LITERAL,
  CSHIMS_REPORT_UNEXPECTED,
  CSHIMS_REPORT_END,
  CSHIMS_REPORT_DEPTH,
  CSHIMS_REPORT_TRAILING,
  CSHIMS_REPORT_MISSING,
  CSHIMS_REPORT_NOT_OBJECT,
  CSHIMS_REPORT_NOT_ARRAY,
  CSHIMS_REPORT_NOT_STRING,
  CSHIMS_REPORT_NOT_STRING_OR_NULL,
  CSHIMS_REPORT_NOT_NUMBER_OR_NULL,
  CSHIMS_REPORT_NOT_INTEGER_OR_NULL,
  CSHIMS_REPORT_EMPTY_STRING,
  CSHIMS_REPORT_NUL,
  CSHIMS_REPORT_NOT_DATE_TIME,
  CSHIMS_REPORT_NEGATIVE,
  CSHIMS_REPORT_TOO_LARGE,
  // Not the body's fault: memory was refused.
  CSHIMS_REPORT_NO_MEMORY,
} cshims_report_reason;

// A member of the schema; `NONE` is the report itself, or a pod itself.
typedef enum cshims_report_member {
  CSHIMS_REPORT_MEMBER_NONE = 0,
  CSHIMS_REPORT_MEMBER_TIMESTAMP,
  CSHIMS_REPORT_MEMBER_NODE_NAME,
  CSHIMS_REPORT_MEMBER_HOSTNAME,
  CSHIMS_REPORT_MEMBER_PODS,
  CSHIMS_REPORT_MEMBER_INSTANCE_ID,
  CSHIMS_REPORT_MEMBER_POD_ID,
  CSHIMS_REPORT_MEMBER_NAMESPACE,
  CSHIMS_REPORT_MEMBER_NAME,
  CSHIMS_REPORT_MEMBER_POD_START_TIME,
  CSHIMS_REPORT_MEMBER_CPU,
  CSHIMS_REPORT_MEMBER_MEMORY,
  CSHIMS_REPORT_MEMBER_NETWORK_SENT,
  CSHIMS_REPORT_MEMBER_NETWORK_RECEIVED,
} cshims_report_member;

// Unescaped UTF-8, in the body or in the decoder's own buffer: valid until the next decode.
typedef struct cshims_report_text {
  const uint8_t *bytes;
  size_t count;
} cshims_report_text;

// Who a row belongs to.
typedef struct cshims_report_pod {
  const uint8_t *pod_id;
  const uint8_t *pod_namespace;
  const uint8_t *name;
  uint32_t pod_id_count;
  uint32_t namespace_count;
  uint32_t name_count;
  // Microseconds since 1970, cut; `CSHIMS_REPORT_NO_INSTANT` when null or before 1900.
  int64_t start_micros;
} cshims_report_pod;

// Where rows go: columns at the row cursor, and the pods, each with room for `capacity`.
typedef struct cshims_report_rows {
  double *cpu;
  int64_t *memory;
  int64_t *network_sent;
  int64_t *network_received;
  uint8_t *presence;
  cshims_report_pod *pods;
  size_t capacity;
} cshims_report_rows;

typedef struct cshims_report_result {
  cshims_report_reason reason;
  cshims_report_member member;
  // The pod that `member` belongs to; -1 for a member of the report.
  int64_t pod;
  // Where in the body `reason` was seen.
  size_t byte_offset;
  // Pods of the report, also those beyond the rows' capacity, which were checked only.
  size_t pod_count;
  cshims_report_text timestamp;
  cshims_report_text node_name;
  // `bytes` is null when the report has none, or null.
  cshims_report_text instance_id;
  // As `start_micros` of a pod.
  int64_t collected_micros;
  // Days since 1970-01-01 of the timestamp in UTC.
  int32_t day;
} cshims_report_result;

typedef struct cshims_report_decoder cshims_report_decoder;

// Name of the `index`th instruction set that this processor supports, best last; null behind them.
const char *cshims_report_implementation(size_t index);

// A decoder that uses the named implementation, or the best when `implementation` is null; null
// when there is no such implementation or no memory.
cshims_report_decoder *cshims_report_decoder_create(const char *implementation);
void cshims_report_decoder_destroy(cshims_report_decoder *decoder);

// Makes the decoder take every body by the walk, and none by the layout of one before.
void cshims_report_decoder_walk_only(cshims_report_decoder *decoder);

// Bodies that the decoder has read by the layout of one before.
uint64_t cshims_report_decoder_layout_count(const cshims_report_decoder *decoder);

// Decodes one body and returns `result->reason`. When it is not `CSHIMS_REPORT_OK` the rows hold
// rubbish. `rows` may have capacity 0: the body is then only checked.
cshims_report_reason cshims_report_decode(
    cshims_report_decoder *decoder, const uint8_t *body, size_t count,
    const cshims_report_rows *rows, cshims_report_result *result);

// Gives back what large bodies made the decoder hold.
void cshims_report_decoder_release(cshims_report_decoder *decoder);

// Walks the bytes one by one and finds the first that breaks RFC 8259, UTF-8 or the depth limit:
// the slow and independent half that gives errors their offset. `CSHIMS_REPORT_OK` if none does.
cshims_report_reason cshims_report_scan(const uint8_t *body, size_t count, size_t *byte_offset);

// Microseconds since 1970 of an RFC 3339 date-time, cut; 0 when it is not one. The range is the
// years 0001 to 9999 in UTC.
int cshims_report_date_time(const uint8_t *text, size_t count, int64_t *micros);

#ifdef __cplusplus
}
#endif

#endif
