#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cshims_curl.h"

// libcurl keeps pointers to the callbacks, the header list and the message buffer.
struct cshims_curl_easy {
  CURL *handle;
  cshims_curl_callbacks callbacks;
  struct curl_slist *headers;
  struct curl_slist *connect_to;
  char message[CURL_ERROR_SIZE];
};

// CURLM under another name, so that libcurl's headers stay out of ours.
static CURLM *handle_of(cshims_curl_multi *multi) { return (CURLM *)multi; }

bool cshims_curl_initialize(void) { return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }

const char *cshims_curl_system_roots_path(void) {
  // Owned by libcurl, compiled in: it outlives the handle that is asked.
  char *path = NULL;
  CURL *handle = curl_easy_init();
  if (handle == NULL) return NULL;
  if (curl_easy_getinfo(handle, CURLINFO_CAINFO, &path) != CURLE_OK) path = NULL;
  curl_easy_cleanup(handle);
  return path;
}

cshims_curl_multi *cshims_curl_multi_create(void) {
  return (cshims_curl_multi *)curl_multi_init();
}

void cshims_curl_multi_destroy(cshims_curl_multi *multi) { curl_multi_cleanup(handle_of(multi)); }

bool cshims_curl_multi_add(cshims_curl_multi *multi, cshims_curl_easy *easy) {
  return curl_multi_add_handle(handle_of(multi), easy->handle) == CURLM_OK;
}

void cshims_curl_multi_remove(cshims_curl_multi *multi, cshims_curl_easy *easy) {
  curl_multi_remove_handle(handle_of(multi), easy->handle);
}

bool cshims_curl_multi_perform(cshims_curl_multi *multi) {
  int running = 0;
  return curl_multi_perform(handle_of(multi), &running) == CURLM_OK;
}

bool cshims_curl_multi_poll(cshims_curl_multi *multi, int timeout_milliseconds) {
  return curl_multi_poll(handle_of(multi), NULL, 0, timeout_milliseconds, NULL) == CURLM_OK;
}

void cshims_curl_multi_wakeup(cshims_curl_multi *multi) { curl_multi_wakeup(handle_of(multi)); }

static cshims_curl_result result_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return CSHIMS_CURL_OK;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return CSHIMS_CURL_RESOLVE;
    case CURLE_COULDNT_CONNECT:
    case CURLE_INTERFACE_FAILED:
    case CURLE_PROXY:
      return CSHIMS_CURL_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
      return CSHIMS_CURL_TLS;
    case CURLE_OPERATION_TIMEDOUT:
      return CSHIMS_CURL_TIMED_OUT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_UPLOAD_FAILED:
      return CSHIMS_CURL_RESET;
    case CURLE_WRITE_ERROR:
    case CURLE_READ_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
      return CSHIMS_CURL_CALLBACK;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return CSHIMS_CURL_BAD_REQUEST;
    default:
      return CSHIMS_CURL_PROTOCOL;
  }
}

void *cshims_curl_multi_next_ended(cshims_curl_multi *multi, cshims_curl_result *result) {
  for (;;) {
    int left = 0;
    CURLMsg *message = curl_multi_info_read(handle_of(multi), &left);
    if (message == NULL) return NULL;
    if (message->msg != CURLMSG_DONE) continue;
    cshims_curl_easy *easy = NULL;
    if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &easy) != CURLE_OK) continue;
    *result = result_of(message->data.result);
    if (easy->message[0] == '\0' && message->data.result != CURLE_OK) {
      strncpy(easy->message, curl_easy_strerror(message->data.result), CURL_ERROR_SIZE - 1);
    }
    return easy->callbacks.context;
  }
}

static size_t on_head_line(char *line, size_t size, size_t count, void *context) {
  cshims_curl_easy *easy = context;
  return easy->callbacks.head_line(line, size * count, easy->callbacks.context) ? size * count : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  cshims_curl_easy *easy = context;
  // libcurl takes any number but the given one for an error; 0 is the given one for an empty call.
  size_t wanted = size * count;
  if (easy->callbacks.body(bytes, wanted, easy->callbacks.context)) return wanted;
  return wanted == 0 ? 1 : 0;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *context) {
  cshims_curl_easy *easy = context;
  int64_t filled = easy->callbacks.read(buffer, size * count, easy->callbacks.context);
  return filled < 0 ? CURL_READFUNC_ABORT : (size_t)filled;
}

static int on_seek(void *context, curl_off_t offset, int origin) {
  cshims_curl_easy *easy = context;
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  return easy->callbacks.rewind(offset, easy->callbacks.context) ? CURL_SEEKFUNC_OK
                                                                 : CURL_SEEKFUNC_FAIL;
}

static bool set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value) == CURLE_OK;
}

// What every transfer has in common. QUICK_EXIT: a transfer that is called off does not wait for
// the thread that looks up its host, which takes as long as DNS servers that do not answer.
static bool set_fixed_options(cshims_curl_easy *easy) {
  CURL *handle = easy->handle;
  return curl_easy_setopt(handle, CURLOPT_PRIVATE, easy) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, easy->message) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_head_line) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_HEADERDATA, easy) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_WRITEDATA, easy) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_READDATA, easy) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
         curl_easy_setopt(handle, CURLOPT_SEEKDATA, easy) == CURLE_OK &&
         set_long(handle, CURLOPT_NOSIGNAL, 1) && set_long(handle, CURLOPT_QUICK_EXIT, 1) &&
         set_long(handle, CURLOPT_FOLLOWLOCATION, 0) &&
         set_long(handle, CURLOPT_SSL_VERIFYPEER, 1) &&
         set_long(handle, CURLOPT_SSL_VERIFYHOST, 2) &&
         set_long(handle, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
         set_long(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) &&
         set_long(handle, CURLOPT_PIPEWAIT, 1) && set_long(handle, CURLOPT_PATH_AS_IS, 1) &&
         set_long(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1) &&
         set_long(handle, CURLOPT_TCP_KEEPALIVE, 1) && set_long(handle, CURLOPT_TCP_KEEPIDLE, 30) &&
         set_long(handle, CURLOPT_TCP_KEEPINTVL, 10) &&
         set_long(handle, CURLOPT_UPLOAD_BUFFERSIZE, 262144) &&
         set_long(handle, CURLOPT_BUFFERSIZE, 131072);
}

cshims_curl_easy *cshims_curl_easy_create(const cshims_curl_callbacks *callbacks) {
  cshims_curl_easy *easy = calloc(1, sizeof(cshims_curl_easy));
  if (easy == NULL) return NULL;
  easy->callbacks = *callbacks;
  easy->handle = curl_easy_init();
  if (easy->handle == NULL || !set_fixed_options(easy)) {
    cshims_curl_easy_destroy(easy);
    return NULL;
  }
  return easy;
}

void cshims_curl_easy_destroy(cshims_curl_easy *easy) {
  if (easy->handle != NULL) curl_easy_cleanup(easy->handle);
  curl_slist_free_all(easy->headers);
  curl_slist_free_all(easy->connect_to);
  free(easy);
}

const char *cshims_curl_easy_message(cshims_curl_easy *easy) { return easy->message; }

bool cshims_curl_easy_set_url(cshims_curl_easy *easy, const char *url) {
  return curl_easy_setopt(easy->handle, CURLOPT_URL, url) == CURLE_OK;
}

bool cshims_curl_easy_set_method(cshims_curl_easy *easy, const char *method) {
  if (strcmp(method, "GET") == 0) return set_long(easy->handle, CURLOPT_HTTPGET, 1);
  if (strcmp(method, "HEAD") == 0) return set_long(easy->handle, CURLOPT_NOBODY, 1);
  return curl_easy_setopt(easy->handle, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool append(struct curl_slist **list, const char *line) {
  struct curl_slist *longer = curl_slist_append(*list, line);
  if (longer == NULL) return false;
  *list = longer;
  return true;
}

bool cshims_curl_easy_set_connect_to(cshims_curl_easy *easy, const char *entry) {
  return append(&easy->connect_to, entry) &&
         curl_easy_setopt(easy->handle, CURLOPT_CONNECT_TO, easy->connect_to) == CURLE_OK;
}

bool cshims_curl_easy_add_header(cshims_curl_easy *easy, const char *line) {
  return append(&easy->headers, line) &&
         curl_easy_setopt(easy->handle, CURLOPT_HTTPHEADER, easy->headers) == CURLE_OK;
}

bool cshims_curl_easy_set_upload(cshims_curl_easy *easy, int64_t byte_count) {
  return set_long(easy->handle, CURLOPT_UPLOAD, 1) &&
         curl_easy_setopt(easy->handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)byte_count) ==
             CURLE_OK;
}

bool cshims_curl_easy_set_gzip(cshims_curl_easy *easy) {
  return curl_easy_setopt(easy->handle, CURLOPT_ACCEPT_ENCODING, "gzip") == CURLE_OK;
}

bool cshims_curl_easy_set_direct(cshims_curl_easy *easy) {
  return curl_easy_setopt(easy->handle, CURLOPT_PROXY, "") == CURLE_OK;
}

bool cshims_curl_easy_set_fresh(cshims_curl_easy *easy) {
  return set_long(easy->handle, CURLOPT_FRESH_CONNECT, 1);
}

bool cshims_curl_easy_set_timeouts(cshims_curl_easy *easy, int64_t connect, int64_t total) {
  return set_long(easy->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)connect) &&
         set_long(easy->handle, CURLOPT_TIMEOUT_MS, (long)total);
}

bool cshims_curl_easy_set_minimum_speed(cshims_curl_easy *easy, int64_t bytes_per_second,
                                        int64_t seconds) {
  return set_long(easy->handle, CURLOPT_LOW_SPEED_LIMIT, (long)bytes_per_second) &&
         set_long(easy->handle, CURLOPT_LOW_SPEED_TIME, (long)seconds);
}

static bool set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
  struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
  return curl_easy_setopt(handle, option, &blob) == CURLE_OK;
}

bool cshims_curl_easy_set_roots(cshims_curl_easy *easy, const void *pem, size_t count, bool only) {
  if (only && curl_easy_setopt(easy->handle, CURLOPT_CAPATH, NULL) != CURLE_OK) return false;
  return set_blob(easy->handle, CURLOPT_CAINFO_BLOB, pem, count);
}

bool cshims_curl_easy_set_client_certificate(cshims_curl_easy *easy, const void *pem,
                                             size_t count) {
  return set_blob(easy->handle, CURLOPT_SSLCERT_BLOB, pem, count);
}

bool cshims_curl_easy_set_client_key(cshims_curl_easy *easy, const void *pem, size_t count) {
  return set_blob(easy->handle, CURLOPT_SSLKEY_BLOB, pem, count);
}
