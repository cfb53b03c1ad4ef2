// libcurl's multi interface without its variadic calls: https://curl.se/libcurl/c/libcurl-multi.html
//
// One thread owns a multi handle and its transfers; only cshims_curl_multi_wakeup may be called
// from others. Certificates are always verified, redirects never followed, only http and https
// spoken.
#ifndef CSHIMS_CURL_H
#define CSHIMS_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cshims_curl_multi cshims_curl_multi;
typedef struct cshims_curl_easy cshims_curl_easy;

// How a transfer ended; libcurl's some hundred codes in the groups that callers tell apart.
typedef enum cshims_curl_result {
  CSHIMS_CURL_OK = 0,
  CSHIMS_CURL_RESOLVE,
  CSHIMS_CURL_CONNECT,
  CSHIMS_CURL_TLS,
  CSHIMS_CURL_TIMED_OUT,
  CSHIMS_CURL_RESET,
  CSHIMS_CURL_PROTOCOL,
  // A callback ended the transfer.
  CSHIMS_CURL_CALLBACK,
  CSHIMS_CURL_BAD_REQUEST,
} cshims_curl_result;

// What a transfer calls, always on the thread that drives the multi handle. A return value other
// than the one named ends the transfer with CSHIMS_CURL_CALLBACK.
typedef struct cshims_curl_callbacks {
  void *context;
  // One line of a head (status line, field or the empty line), line end included. Returns true.
  bool (*head_line)(const char *line, size_t count, void *context);
  // Bytes of the body, decoded. Returns true.
  bool (*body)(const char *bytes, size_t count, void *context);
  // Fills at most `capacity` bytes of the upload; returns their number, 0 at the end, -1 to end it.
  int64_t (*read)(char *buffer, size_t capacity, void *context);
  // The next read is from `offset` of the upload: it is sent again. Returns true.
  bool (*rewind)(int64_t offset, void *context);
} cshims_curl_callbacks;

// Once per process, before anything else; safe to repeat.
bool cshims_curl_initialize(void);
// File of the system's root certificates as libcurl was built to find it; may be null.
const char *cshims_curl_system_roots_path(void);

cshims_curl_multi *cshims_curl_multi_create(void);
// All transfers must have been removed.
void cshims_curl_multi_destroy(cshims_curl_multi *multi);
bool cshims_curl_multi_add(cshims_curl_multi *multi, cshims_curl_easy *easy);
void cshims_curl_multi_remove(cshims_curl_multi *multi, cshims_curl_easy *easy);
// Does what can be done without waiting.
bool cshims_curl_multi_perform(cshims_curl_multi *multi);
// Waits until a transfer can go on, a wake-up, or the time is over.
bool cshims_curl_multi_poll(cshims_curl_multi *multi, int timeout_milliseconds);
void cshims_curl_multi_wakeup(cshims_curl_multi *multi);
// The `context` of a transfer that has ended, and how; null when there is none (any more).
void *cshims_curl_multi_next_ended(cshims_curl_multi *multi, cshims_curl_result *result);

// A transfer with the fixed options set; null when memory is exhausted.
cshims_curl_easy *cshims_curl_easy_create(const cshims_curl_callbacks *callbacks);
// The transfer must have been removed from its multi handle.
void cshims_curl_easy_destroy(cshims_curl_easy *easy);
// The reason for the end in libcurl's words; empty when it gave none. Valid while the transfer
// lives.
const char *cshims_curl_easy_message(cshims_curl_easy *easy);

bool cshims_curl_easy_set_url(cshims_curl_easy *easy, const char *url);
// GET and HEAD as such; any other method literally.
bool cshims_curl_easy_set_method(cshims_curl_easy *easy, const char *method);
// "host:port:address:port": connects to the latter where the URL names the former.
bool cshims_curl_easy_set_connect_to(cshims_curl_easy *easy, const char *entry);
// A whole line "Name: value" ("Name:" removes a field that libcurl would send by itself).
bool cshims_curl_easy_add_header(cshims_curl_easy *easy, const char *line);
// The read callback supplies exactly `byte_count` bytes.
bool cshims_curl_easy_set_upload(cshims_curl_easy *easy, int64_t byte_count);
bool cshims_curl_easy_set_gzip(cshims_curl_easy *easy);
// No proxy, whatever the environment says.
bool cshims_curl_easy_set_direct(cshims_curl_easy *easy);
// A connection of its own at first: libcurl sends a request again by itself when a kept connection
// breaks before the answer, whatever the server has done by then.
bool cshims_curl_easy_set_fresh(cshims_curl_easy *easy);
// Milliseconds; a total of 0 has no limit.
bool cshims_curl_easy_set_timeouts(cshims_curl_easy *easy, int64_t connect, int64_t total);
bool cshims_curl_easy_set_minimum_speed(cshims_curl_easy *easy, int64_t bytes_per_second,
                                        int64_t seconds);
// PEM text of the trusted roots. `only`: the system's directory of roots is not consulted either.
bool cshims_curl_easy_set_roots(cshims_curl_easy *easy, const void *pem, size_t count, bool only);
bool cshims_curl_easy_set_client_certificate(cshims_curl_easy *easy, const void *pem, size_t count);
bool cshims_curl_easy_set_client_key(cshims_curl_easy *easy, const void *pem, size_t count);

#endif
