// SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104) of OpenSSL's libcrypto.
#ifndef CSHIMS_CRYPTO_H
#define CSHIMS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSHIMS_SHA256_BYTE_COUNT 32

// A SHA-256 in the making. Owned by the caller, one thread at a time.
typedef struct cshims_sha256 cshims_sha256;

// A fresh hash; null when memory is exhausted or the library offers no SHA-256.
cshims_sha256 *cshims_sha256_create(void);
void cshims_sha256_destroy(cshims_sha256 *hash);
// Appends `count` bytes. `bytes` may be null when `count` is 0. False: the library failed.
bool cshims_sha256_update(cshims_sha256 *hash, const void *bytes, size_t count);
// Writes the 32 bytes of the digest and begins anew.
bool cshims_sha256_finish(cshims_sha256 *hash, uint8_t *digest);

// Digest of `count` bytes, at once.
bool cshims_sha256_digest(const void *bytes, size_t count, uint8_t *digest);

// HMAC-SHA256 of `count` bytes at `bytes` under the key. Null pointers are allowed with a count of
// 0.
bool cshims_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                        uint8_t *digest);

#endif
