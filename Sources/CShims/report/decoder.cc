// The C face: owns simdjson's first stage and runs the walk behind it.
#include <algorithm>
#include <new>
#include <simdjson.h>
#include <string.h>

#include "layout.h"
#include "scan.h"
#include "walk.h"

using namespace cshims_report_internal;

namespace {

// Bodies up to this size are decoded without asking for memory again.
constexpr size_t usual_body_bytes = 64 * 1024;
// What larger bodies made the decoder hold is given back beyond this.
constexpr size_t maximum_kept_bytes = 1024 * 1024;
// Bodies that are not tried by the layout after it did not fit over and over.
constexpr unsigned maximum_layout_wait = 63;

} // namespace

struct cshims_report_decoder {
  const simdjson::implementation *implementation = nullptr;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
  TextBuffer text;
  Layout layout = Layout();
  // Bodies that the walk takes at once, because the layout did not fit: `wait` of them are left, of
  // `last_wait`.
  unsigned wait = 0;
  unsigned last_wait = 0;
  bool walks_only = false;
  uint64_t layout_count = 0;

  // Whether the layout has read the body.
  bool read_by_layout(const uint8_t *body, size_t count, const cshims_report_rows &rows,
                      cshims_report_result *result) {
    if (walks_only || !layout.is_known()) return false;
    if (wait > 0) {
      wait -= 1;
      return false;
    }
    cshims_report_result read = *result;
    bool is_read = layout.read(body, count, rows, read);
    last_wait = is_read ? 0 : std::min(last_wait * 2 + 1, maximum_layout_wait);
    wait = last_wait;
    if (!is_read) return false;
    layout_count += 1;
    *result = read;
    return true;
  }

  // Makes the first stage able to take bodies of `count` bytes.
  bool reserve(size_t count) {
    if (stage1 != nullptr && count <= stage1->capacity()) return true;
    size_t capacity = usual_body_bytes;
    while (capacity < count) capacity *= 2;
    stage1.reset();
    return implementation->create_dom_parser_implementation(capacity, 1, stage1) ==
           simdjson::SUCCESS;
  }

  void release() {
    if (stage1 != nullptr && stage1->capacity() > usual_body_bytes) stage1.reset();
    text.bytes.reset();
    text.capacity = 0;
  }
};

// Bad JSON: the slow scanner says what and where. It also has the last word on a body whose root is
// no object, which may be good JSON all the same.
static cshims_report_reason refuse(
    const uint8_t *body, size_t count, cshims_report_result *result) {
  *result = cshims_report_result();
  result->pod = -1;
  result->reason = scan(body, count, &result->byte_offset);
  if (result->reason == CSHIMS_REPORT_OK) {
    result->reason = CSHIMS_REPORT_NOT_OBJECT;
    result->byte_offset = 0;
  }
  return result->reason;
}

extern "C" const char *cshims_report_implementation(size_t index) {
  // Literals, because the implementations' names are no C strings that live on.
  static const char *const names[] = {"fallback", "westmere", "haswell", "icelake"};
  for (const char *name : names) {
    const simdjson::implementation *found = simdjson::get_available_implementations()[name];
    if (found == nullptr || !found->supported_by_runtime_system()) continue;
    if (index == 0) return name;
    index -= 1;
  }
  return nullptr;
}

extern "C" cshims_report_decoder *cshims_report_decoder_create(const char *name) {
  const simdjson::implementation *found =
      name == nullptr ? simdjson::get_available_implementations().detect_best_supported()
                      : simdjson::get_available_implementations()[name];
  if (found == nullptr || !found->supported_by_runtime_system()) return nullptr;
  std::unique_ptr<cshims_report_decoder> decoder(new (std::nothrow) cshims_report_decoder);
  if (decoder == nullptr) return nullptr;
  decoder->implementation = found;
  if (!decoder->reserve(usual_body_bytes)) return nullptr;
  return decoder.release();
}

extern "C" void cshims_report_decoder_destroy(cshims_report_decoder *decoder) { delete decoder; }

extern "C" void cshims_report_decoder_release(cshims_report_decoder *decoder) {
  decoder->release();
}

extern "C" void cshims_report_decoder_walk_only(cshims_report_decoder *decoder) {
  decoder->walks_only = true;
}

extern "C" uint64_t cshims_report_decoder_layout_count(const cshims_report_decoder *decoder) {
  return decoder->layout_count;
}

extern "C" cshims_report_reason cshims_report_decode(
    cshims_report_decoder *decoder, const uint8_t *body, size_t count,
    const cshims_report_rows *rows, cshims_report_result *result) {
  *result = cshims_report_result();
  result->pod = -1;
  result->collected_micros = CSHIMS_REPORT_NO_INSTANT;
  if (count == 0) return refuse(body, count, result);
  // What an earlier large body needed is not kept for ever.
  if (count <= usual_body_bytes && (decoder->text.capacity > maximum_kept_bytes ||
                                    decoder->stage1 == nullptr ||
                                    decoder->stage1->capacity() > maximum_kept_bytes)) {
    decoder->release();
  }
  if (decoder->read_by_layout(body, count, *rows, result)) return CSHIMS_REPORT_OK;
  bool has_escapes = memchr(body, '\\', count) != nullptr;
  if (!decoder->reserve(count) || (has_escapes && !decoder->text.reserve(count))) {
    return result->reason = CSHIMS_REPORT_NO_MEMORY;
  }
  auto &stage1 = *decoder->stage1;
  simdjson::error_code error = stage1.stage1(body, count, simdjson::stage1_mode::regular);
  if (error == simdjson::MEMALLOC || error == simdjson::CAPACITY) {
    return result->reason = CSHIMS_REPORT_NO_MEMORY;
  }
  if (error != simdjson::SUCCESS) return refuse(body, count, result);
  const uint32_t *index = stage1.structural_indexes.get();
  size_t index_count = stage1.n_structural_indexes;
  // With these two the walk never has to ask whether there is another token, but after a closing
  // bracket.
  if (body[index[0]] != '{' || body[index[index_count - 1]] != '}') {
    return refuse(body, count, result);
  }
  Walk walk(body, index, index_count, has_escapes, decoder->text, *rows);
  if (!walk.document(*result)) return refuse(body, count, result);
  if (result->reason == CSHIMS_REPORT_OK && decoder->wait == 0 && !decoder->walks_only) {
    decoder->layout.learn(body, index, index_count);
  }
  return result->reason;
}

extern "C" int cshims_report_date_time(const uint8_t *text, size_t count, int64_t *micros) {
  Instant instant;
  if (!parse_date_time(text, count, &instant)) return 0;
  *micros = instant.total_micros();
  return 1;
}
