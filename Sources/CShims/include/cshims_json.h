// JSON documents of the API server: simdjson's DOM (3.0) as handles. Parsing checks the whole
// document, UTF-8 included, and elements stay valid until the next parse with the same parser.
#ifndef CSHIMS_JSON_H
#define CSHIMS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bytes that must be readable behind a document; their values do not matter.
#define CSHIMS_JSON_PADDING 64

typedef struct cshims_json_parser cshims_json_parser;

// A value inside a parsed document. Both words are simdjson's.
typedef struct cshims_json_element {
  const void *document;
  size_t offset;
} cshims_json_element;

// A place among the members of an object or the elements of an array.
typedef struct cshims_json_cursor {
  cshims_json_element next;
  cshims_json_element end;
} cshims_json_cursor;

typedef enum cshims_json_kind {
  CSHIMS_JSON_NULL,
  CSHIMS_JSON_BOOL,
  CSHIMS_JSON_INT64,
  CSHIMS_JSON_UINT64,
  CSHIMS_JSON_DOUBLE,
  CSHIMS_JSON_STRING,
  CSHIMS_JSON_ARRAY,
  CSHIMS_JSON_OBJECT,
} cshims_json_kind;

// Null when memory is out.
cshims_json_parser *cshims_json_parser_create(void);
void cshims_json_parser_destroy(cshims_json_parser *parser);

// Parses `count` bytes, behind which CSHIMS_JSON_PADDING bytes are readable. Null and the root in
// `*root`, or a static message.
const char *cshims_json_parse(cshims_json_parser *parser, const void *bytes, size_t count,
                              cshims_json_element *root);

cshims_json_kind cshims_json_kind_of(cshims_json_element element);

// The first member of that name; false: no object, or no such member.
bool cshims_json_find(cshims_json_element object, const char *name, size_t name_count,
                      cshims_json_element *value);

// Begins with the first member or element; false: the element is of another kind.
bool cshims_json_object_begin(cshims_json_element object, cshims_json_cursor *cursor);
bool cshims_json_array_begin(cshims_json_element array, cshims_json_cursor *cursor);

// The next member or element; false: there are no more.
bool cshims_json_object_next(cshims_json_cursor *cursor, const char **name, size_t *name_count,
                             cshims_json_element *value);
bool cshims_json_array_next(cshims_json_cursor *cursor, cshims_json_element *value);

// Values; false: the element is of another kind.
bool cshims_json_string(cshims_json_element element, const char **bytes, size_t *count);
bool cshims_json_int64(cshims_json_element element, int64_t *value);
bool cshims_json_uint64(cshims_json_element element, uint64_t *value);
bool cshims_json_double(cshims_json_element element, double *value);
bool cshims_json_bool(cshims_json_element element, bool *value);

// The element as JSON text without spaces, in memory that the caller frees; null when memory is
// out.
char *cshims_json_text(cshims_json_element element, size_t *count);

#ifdef __cplusplus
}
#endif

#endif
