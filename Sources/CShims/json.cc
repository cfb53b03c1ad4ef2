#include "cshims_json.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include <simdjson.h>

namespace dom = simdjson::dom;

static_assert(CSHIMS_JSON_PADDING >= simdjson::SIMDJSON_PADDING, "padding too small");
static_assert(sizeof(dom::element) == sizeof(cshims_json_element), "handle too small");
static_assert(sizeof(dom::object::iterator) == sizeof(cshims_json_element), "handle too small");
static_assert(sizeof(dom::array::iterator) == sizeof(cshims_json_element), "handle too small");
static_assert(std::is_trivially_copyable<dom::element>::value, "handle is copied as bytes");

struct cshims_json_parser {
  dom::parser parser;
};

// simdjson's handles are two words; they cross the C border as those.
template <typename Handle>
static cshims_json_element pack(const Handle &handle) {
  cshims_json_element element;
  std::memcpy(static_cast<void *>(&element), static_cast<const void *>(&handle), sizeof element);
  return element;
}

template <typename Handle>
static Handle unpack(cshims_json_element element, Handle handle = Handle()) {
  std::memcpy(static_cast<void *>(&handle), static_cast<const void *>(&element), sizeof element);
  return handle;
}

static dom::element open(cshims_json_element element) { return unpack<dom::element>(element); }

extern "C" {

cshims_json_parser *cshims_json_parser_create(void) {
  return new (std::nothrow) cshims_json_parser();
}

void cshims_json_parser_destroy(cshims_json_parser *parser) { delete parser; }

const char *cshims_json_parse(cshims_json_parser *parser, const void *bytes, size_t count,
                              cshims_json_element *root) {
  dom::element element;
  auto error = parser->parser
                   .parse(static_cast<const uint8_t *>(bytes), count, /*realloc_if_needed*/ false)
                   .get(element);
  if (error) return simdjson::error_message(error);
  *root = pack(element);
  return nullptr;
}

cshims_json_kind cshims_json_kind_of(cshims_json_element element) {
  switch (open(element).type()) {
    case dom::element_type::ARRAY: return CSHIMS_JSON_ARRAY;
    case dom::element_type::OBJECT: return CSHIMS_JSON_OBJECT;
    case dom::element_type::INT64: return CSHIMS_JSON_INT64;
    case dom::element_type::UINT64: return CSHIMS_JSON_UINT64;
    case dom::element_type::DOUBLE: return CSHIMS_JSON_DOUBLE;
    case dom::element_type::STRING: return CSHIMS_JSON_STRING;
    case dom::element_type::BOOL: return CSHIMS_JSON_BOOL;
    case dom::element_type::NULL_VALUE: return CSHIMS_JSON_NULL;
  }
  return CSHIMS_JSON_NULL;
}

bool cshims_json_find(cshims_json_element object, const char *name, size_t name_count,
                      cshims_json_element *value) {
  dom::object members;
  if (open(object).get_object().get(members)) return false;
  dom::element found;
  if (members.at_key(std::string_view(name, name_count)).get(found)) return false;
  *value = pack(found);
  return true;
}

bool cshims_json_object_begin(cshims_json_element object, cshims_json_cursor *cursor) {
  dom::object members;
  if (open(object).get_object().get(members)) return false;
  cursor->next = pack(members.begin());
  cursor->end = pack(members.end());
  return true;
}

bool cshims_json_array_begin(cshims_json_element array, cshims_json_cursor *cursor) {
  dom::array elements;
  if (open(array).get_array().get(elements)) return false;
  cursor->next = pack(elements.begin());
  cursor->end = pack(elements.end());
  return true;
}

bool cshims_json_object_next(cshims_json_cursor *cursor, const char **name, size_t *name_count,
                             cshims_json_element *value) {
  if (cursor->next.offset >= cursor->end.offset) return false;
  auto place = unpack<dom::object::iterator>(cursor->next);
  std::string_view key = place.key();
  *name = key.data();
  *name_count = key.size();
  *value = pack(place.value());
  ++place;
  cursor->next = pack(place);
  return true;
}

bool cshims_json_array_next(cshims_json_cursor *cursor, cshims_json_element *value) {
  if (cursor->next.offset >= cursor->end.offset) return false;
  auto place = unpack<dom::array::iterator>(cursor->next);
  *value = pack(*place);
  ++place;
  cursor->next = pack(place);
  return true;
}

bool cshims_json_string(cshims_json_element element, const char **bytes, size_t *count) {
  std::string_view text;
  if (open(element).get_string().get(text)) return false;
  *bytes = text.data();
  *count = text.size();
  return true;
}

bool cshims_json_int64(cshims_json_element element, int64_t *value) {
  return !open(element).get_int64().get(*value);
}

bool cshims_json_uint64(cshims_json_element element, uint64_t *value) {
  return !open(element).get_uint64().get(*value);
}

bool cshims_json_double(cshims_json_element element, double *value) {
  return !open(element).get_double().get(*value);
}

bool cshims_json_bool(cshims_json_element element, bool *value) {
  return !open(element).get_bool().get(*value);
}

char *cshims_json_text(cshims_json_element element, size_t *count) {
  std::string text = simdjson::to_string(open(element));
  char *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (copy == nullptr) return nullptr;
  std::memcpy(copy, text.data(), text.size());
  *count = text.size();
  return copy;
}

}  // extern "C"
