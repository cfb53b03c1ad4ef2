#ifndef CFLEET_H
#define CFLEET_H

// Swift's Glibc module leaves epoll out; whoever imports this one has it.
#include <sys/epoll.h>

/// Room that each of the three PEM texts below needs at most, in bytes, its NUL included.
#define CFLEET_PEM_CAPACITY 4096

/// Makes a certificate authority and, signed by it, a server certificate for `127.0.0.1`, `::1` and
/// `localhost`, both with P-256 keys and valid for 30 days. The texts are NUL-terminated PEM.
/// Returns 0, or -1 if OpenSSL refuses.
int cfleet_make_certificates(char *authority, char *certificate, char *private_key);

#endif
