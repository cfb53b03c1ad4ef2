// A throw-away certificate authority: nothing of it outlives the simulated cluster, so its private
// key is never written down.
#include "cfleet.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <string.h>

enum { VALID_SECONDS = 30 * 24 * 3600, BACKDATED_SECONDS = 3600 };

static int add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (extension == NULL) return 0;
  int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added;
}

static int set_random_serial(X509 *certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return 0;
  bytes[0] &= 0x7f;
  BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
  if (number == NULL) return 0;
  ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return serial != NULL;
}

/// A certificate with everything but its extensions and signature; NULL if OpenSSL refuses.
static X509 *new_certificate(EVP_PKEY *key, const char *common_name, X509_NAME *issuer) {
  X509 *certificate = X509_new();
  if (certificate == NULL) return NULL;
  X509_NAME *subject = X509_get_subject_name(certificate);
  const unsigned char *name = (const unsigned char *)common_name;
  int good = X509_set_version(certificate, X509_VERSION_3) && set_random_serial(certificate) &&
             X509_gmtime_adj(X509_getm_notBefore(certificate), -BACKDATED_SECONDS) != NULL &&
             X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL &&
             X509_set_pubkey(certificate, key) &&
             X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0) &&
             X509_set_issuer_name(certificate, issuer != NULL ? issuer : subject);
  if (good) return certificate;
  X509_free(certificate);
  return NULL;
}

/// Moves what `bio` holds into `text`, with a NUL behind it.
static int take_text(BIO *bio, char *text) {
  int count = BIO_read(bio, text, CFLEET_PEM_CAPACITY - 1);
  if (count <= 0 || count == CFLEET_PEM_CAPACITY - 1) return 0;
  text[count] = 0;
  return 1;
}

static int write_certificate(X509 *certificate, char *text) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return 0;
  int good = PEM_write_bio_X509(bio, certificate) && take_text(bio, text);
  BIO_free(bio);
  return good;
}

static int write_key(EVP_PKEY *key, char *text) {
  BIO *bio = BIO_new(BIO_s_mem());
  if (bio == NULL) return 0;
  int good = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) &&
             take_text(bio, text);
  BIO_free(bio);
  return good;
}

int cfleet_make_certificates(char *authority, char *certificate, char *private_key) {
  int good = 0;
  X509 *root = NULL;
  X509 *leaf = NULL;
  EVP_PKEY *root_key = EVP_EC_gen("P-256");
  EVP_PKEY *leaf_key = EVP_EC_gen("P-256");
  if (root_key == NULL || leaf_key == NULL) goto done;

  root = new_certificate(root_key, "fleet-ca", NULL);
  if (root == NULL) goto done;
  if (!add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE") ||
      !add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(root, root, NID_subject_key_identifier, "hash") ||
      !X509_sign(root, root_key, EVP_sha256()))
    goto done;

  leaf = new_certificate(leaf_key, "fleet-apiserver", X509_get_subject_name(root));
  if (leaf == NULL) goto done;
  if (!add_extension(leaf, root, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf, root, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf, root, NID_ext_key_usage, "serverAuth") ||
      !add_extension(leaf, root, NID_authority_key_identifier, "keyid") ||
      !add_extension(leaf, root, NID_subject_alt_name,
                     "DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:::1") ||
      !X509_sign(leaf, root_key, EVP_sha256()))
    goto done;

  good = write_certificate(root, authority) && write_certificate(leaf, certificate) &&
         write_key(leaf_key, private_key);

done:
  X509_free(leaf);
  X509_free(root);
  EVP_PKEY_free(leaf_key);
  EVP_PKEY_free(root_key);
  return good ? 0 : -1;
}
