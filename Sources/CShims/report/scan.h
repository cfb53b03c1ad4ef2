#ifndef CSHIMS_REPORT_SCAN_H
#define CSHIMS_REPORT_SCAN_H

#include "../include/cshims_report.h"

namespace cshims_report_internal {

// The first byte that breaks RFC 8259, UTF-8 or the depth limit.
cshims_report_reason scan(const uint8_t *body, size_t count, size_t *byte_offset);

} // namespace cshims_report_internal

#endif
