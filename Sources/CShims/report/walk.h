// One walk over the structural index of simdjson's first stage.
//
// The first stage (chosen for the processor at run time) finds the start of every token and checks
// UTF-8, control characters in strings and that strings end. The walk checks everything else as it
// passes: grammar, nesting, escapes, numbers, and the schema. What a later member of the same name
// would undo is judged when its object ends.
#ifndef CSHIMS_REPORT_WALK_H
#define CSHIMS_REPORT_WALK_H

#include "tokens.h"

namespace cshims_report_internal {

// What is wrong with the values of one object so far: at most one thing a member, and the last
// member of a name decides.
template <int first_member, int member_count>
struct Violations {
  static constexpr int first = first_member;
  uint32_t seen = 0;
  uint32_t bad = 0;
  cshims_report_reason reasons[member_count];
  size_t offsets[member_count];

  static constexpr uint32_t bit(int member) { return uint32_t(1) << (member - first_member); }

  // A member was met and its value is good.
  void good(int member) {
    seen |= bit(member);
    bad &= ~bit(member);
  }
  void fail(int member, cshims_report_reason reason, size_t offset) {
    seen |= bit(member);
    bad |= bit(member);
    reasons[member - first_member] = reason;
    offsets[member - first_member] = offset;
  }
};

using PodViolations = Violations<CSHIMS_REPORT_MEMBER_POD_ID, 8>;
using ReportViolations = Violations<CSHIMS_REPORT_MEMBER_TIMESTAMP, 5>;

struct Violation {
  cshims_report_reason reason = CSHIMS_REPORT_OK;
  int member = CSHIMS_REPORT_MEMBER_NONE;
  int64_t pod = -1;
  size_t offset = 0;
};

// A row before it is known whether it fits.
struct Row {
  double cpu = 0;
  int64_t memory = 0;
  int64_t network_sent = 0;
  int64_t network_received = 0;
  uint8_t presence = 0;
  cshims_report_pod pod{};
};

// Walks a document, whose first token is `{` and whose last is `}`.
class Walk : Tokens {
public:
  Walk(const uint8_t *body, const uint32_t *index, size_t index_count, bool has_escapes,
       TextBuffer &text, const cshims_report_rows &rows)
      : Tokens(body, index, index_count, has_escapes, text), rows(rows) {}

  // False when it met bad JSON; else `result` has the verdict of the schema.
  bool document(cshims_report_result &result);

private:
  const cshims_report_rows &rows;
  size_t pod_count = 0;
  Violation pods_violation;

  bool pods(cshims_report_reason *reason);
  bool pod();
  bool pod_member(const uint8_t *name, size_t length, Row &row, PodViolations &violations);
  bool integer_member(int member, uint8_t bit, int64_t &column, Row &row,
                      PodViolations &violations);
  bool text_member(int member, const uint8_t **bytes, uint32_t *length,
                   PodViolations &violations);
  void judge_pod(const PodViolations &violations, size_t closing);
  void store(const Row &row);

  bool report_member(const uint8_t *name, size_t length, cshims_report_result &result,
                     ReportViolations &violations);
  void judge_report(const ReportViolations &violations, size_t closing,
                    cshims_report_result &result);
};

} // namespace cshims_report_internal

#endif
