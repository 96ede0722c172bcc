/* SPDX-License-Identifier: ISC */
/*
 * roots.h - the trust store for origins, loaded whole before any sandbox.
 * SSL_CERT_FILE and OPENSSL_CONF of the environment are ignored.
 * Runs in: master (load), worker (use, by copy on write).
 */
#ifndef MITMD_TLS_ROOTS_H
#define MITMD_TLS_ROOTS_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/err.h"

/*
 * The system's roots (/etc/ssl/certs/ca-certificates.crt) plus extra files
 * and directories (PEM; files and hashed directories). Certificates whose
 * public key is own_spki (SHA-256 of the SubjectPublicKeyInfo) are left out
 * unless nown is 0. NULL with a reason, the path in it: what is missing, not
 * to be read, empty or broken.  Expired roots stay: OpenSSL prefers any other
 * way up, and says of what has only this one that its root has expired.
 */
X509_STORE *tls_roots_load(char *const *extra, size_t nextra, const uint8_t (*own_spki)[32],
    size_t nown, struct errmsg *) NONNULL(5);
/* Only what is in this file or directory. NULL with a reason. */
X509_STORE *tls_store_load(const char *path, struct errmsg *) NONNULL(1, 2);
/*
 * OpenSSL without a configuration file.  Must be the process's first use of
 * OpenSSL to have that effect; master calls it at start, all here do too.
 */
void tls_library_init(void);
/* SHA-256 of the DER SubjectPublicKeyInfo. */
void tls_spki_sha256(X509 *, uint8_t out[32]) NONNULL(1);
bool tls_spki_among(X509 *, const uint8_t (*keys)[32], size_t n) NONNULL(1);

#endif
