#include <limits.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cshims_crypto.h"

// EVP_MD_CTX under another name, so that OpenSSL's headers stay out of ours.
static EVP_MD_CTX *context_of(cshims_sha256 *hash) { return (EVP_MD_CTX *)hash; }

cshims_sha256 *cshims_sha256_create(void) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context == NULL) return NULL;
  if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
    EVP_MD_CTX_free(context);
    return NULL;
  }
  return (cshims_sha256 *)context;
}

void cshims_sha256_destroy(cshims_sha256 *hash) { EVP_MD_CTX_free(context_of(hash)); }

bool cshims_sha256_update(cshims_sha256 *hash, const void *bytes, size_t count) {
  if (count == 0) return true;
  return EVP_DigestUpdate(context_of(hash), bytes, count) == 1;
}

bool cshims_sha256_finish(cshims_sha256 *hash, uint8_t *digest) {
  EVP_MD_CTX *context = context_of(hash);
  unsigned int count = 0;
  if (EVP_DigestFinal_ex(context, digest, &count) != 1) return false;
  return EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 && count == CSHIMS_SHA256_BYTE_COUNT;
}

bool cshims_sha256_digest(const void *bytes, size_t count, uint8_t *digest) {
  static const uint8_t nothing = 0;
  return EVP_Digest(count == 0 ? &nothing : bytes, count, digest, NULL, EVP_sha256(), NULL) == 1;
}

bool cshims_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                        uint8_t *digest) {
  // HMAC takes a null key for "the key of the last call", so nothing must not be null.
  static const uint8_t nothing = 0;
  if (key_count > INT_MAX) return false;
  unsigned int length = 0;
  return HMAC(EVP_sha256(), key_count == 0 ? &nothing : key, (int)key_count,
              count == 0 ? &nothing : bytes, count, digest, &length) != NULL;
}
