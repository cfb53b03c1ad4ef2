// How a collector lays out its reports: the text between the values.
//
// A program writes each report with the same names in the same order and the same white space. The
// layout learns that text from a report that the walk has found good, and then reads reports
// that have the same text around other values, without a structural index: what lies between
// values is compared, sixteen bytes at once, and each value is checked as it is read. It takes
// values of plain ASCII, numbers and null only. So whatever it takes has the tokens of the good
// report but for other values of the same members, and the walk would take it, with the same rows.
// Of anything else it says nothing: that is the walk's.
#ifndef CSHIMS_REPORT_LAYOUT_H
#define CSHIMS_REPORT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "../include/cshims_report.h"

namespace cshims_report_internal {

// Text before a value or behind the last.
struct Piece {
  static constexpr size_t capacity = 32;
  uint8_t bytes[capacity];
  // Bit i is set when byte i counts.
  uint32_t mask;
  uint32_t count;

  // False when `text` is too long.
  bool assign(const uint8_t *text, size_t length);
};

// The members of one object, in order.
template <int capacity>
struct Members {
  int count = 0;
  cshims_report_member member[capacity];
  // What lies before each.
  Piece before[capacity];
};

class Layout {
public:
  // Learns from a good body's structural index. Stays as it is when an object has a member twice or
  // one that the schema does not name, when pods differ in their members, when there are fewer than
  // two, or when there is much space.
  void learn(const uint8_t *body, const uint32_t *index, size_t index_count);

  // Decodes a body; false when it is laid out in another way, or has a value that is not plain.
  // Rows and result are rubbish then.
  bool read(const uint8_t *body, size_t count, const cshims_report_rows &rows,
            cshims_report_result &result) const;

  bool is_known() const { return known; }

private:
  bool known = false;
  Members<5> report;
  // `before[0]` is not used.
  Members<8> pod;
  // From the bracket that opens the array to the first value; from a pod's last value to the next
  // pod's first; from the last value to the closing bracket.
  Piece first_pod, next_pod, end_of_pods;
  Piece end_of_report;

  bool learn_report(const uint8_t *body, const uint32_t *index, size_t index_count);
  bool learn_pods(const uint8_t *body, const uint32_t **token);
  bool read_pods(const uint8_t **text, const uint8_t *end, const cshims_report_rows &rows,
                 size_t *pod_count) const;
};

} // namespace cshims_report_internal

#endif
