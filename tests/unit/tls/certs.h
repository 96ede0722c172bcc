/* SPDX-License-Identifier: ISC */
/* certs.h - certificates made while the tests run. */
#ifndef MITMD_TESTS_TLS_CERTS_H
#define MITMD_TESTS_TLS_CERTS_H

#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>

struct issuer {
	X509 *cert;
	EVP_PKEY *key;
};

/* What differs from a good leaf for www.test; days count from now. */
struct spec {
	const char *cn;		/* NULL: www.test */
	const char *org;
	const char *san;	/* openssl.cnf syntax; NULL: DNS:www.test; "": none */
	const char *eku;	/* NULL: serverAuth; "": none */
	const char *key_usage;
	const char *tls_feature;
	int from, until;	/* both 0: -1 and 30 */
	bool in_seconds;	/* these, not days */
	bool ca;
	bool v1;		/* and no extensions */
	bool no_subject;
	bool sans;		/* a thousand names more */
	const char *serial;	/* hex, may be negative */
	/* openssl.cnf syntax; NULL: as a good one has them; "": none */
	const char *constraints, *ski, *aki;
	const char *names_allowed;	/* nameConstraints */
	const char *extra;	/* DER:..., an extension nobody knows */
	const char *again;	/* a second extendedKeyUsage */
	const EVP_MD *md;	/* NULL: SHA-256 */
	EVP_PKEY *key;		/* NULL: by key_type */
	const char *key_type;	/* see certs_key_of(); NULL: certs_key() */
	const char *digest;	/* by name, instead of md */
	const void *raw_san;	/* DER of the extension's value instead of san */
	size_t raw_san_len;
};

/* Made once per process. */
EVP_PKEY *certs_key(void);	/* P-256 */
EVP_PKEY *certs_rsa(int bits);	/* 1024, 2048 */
/* "RSA-512", "ED25519", "DSA", "explicit", a curve; " 2" behind it: another one */
EVP_PKEY *certs_key_of(const char *type);
const struct issuer *certs_root(void);	/* trusted by certs_store() */
const struct issuer *certs_stranger(void);	/* not */
X509_STORE *certs_store(void);	/* borrowed */

/* by NULL: self-signed. */
X509 *certs_make(const struct spec *, const struct issuer *by);
X509 *certs_leaf(const struct spec *);	/* by certs_root() */
void certs_spki(X509 *, uint8_t out[32]);	/* not by the code under test */
/* A chain that owns one more reference to each. */
STACK_OF(X509) *certs_chain(X509 *leaf, X509 *second);
void certs_cleanup(void);

#endif
