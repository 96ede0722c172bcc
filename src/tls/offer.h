/* SPDX-License-Identifier: ISC */
/*
 * offer.h - what an origin is offered: what the client offered, less what
 * nobody should use.  In OpenSSL's words, ready to be set on an SSL.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_OFFER_H
#define MITMD_TLS_OFFER_H

#include <openssl/ssl.h>

#include "tls/hello.h"

/* TLS 1.2 suites that may be offered: OpenSSL's default at level 2, no DHE. */
struct offer_suites {
	struct {
		uint16_t id;
		const char *name;	/* OpenSSL's, static */
	} v[96];
	size_t n;
};

struct offer {
	int min_version, max_version;
	char ciphers[TLS_HELLO_LIST_MAX * 33];	/* TLS 1.2, "A:B" */
	bool known_ciphers;	/* ... all that offer_suites_init() found, in that order */
	char suites[96];	/* TLS 1.3 */
	char sigalgs[512];
	const uint8_t *alpn;	/* wire format, borrowed */
	size_t alpn_len;
	bool status_request;
	bool fallback_scsv;
};

void offer_suites_init(struct offer_suites *, SSL_CTX *) NONNULL(1, 2);
/*
 * False: nothing of the hello may be offered.  Without a hello: our own
 * choice, ALPN http/1.1.
 */
bool offer_make(struct offer *, const struct tls_hello *, const struct offer_suites *,
    int min_version) NONNULL(1, 3) MUSTCHECK;
/* False: OpenSSL was built without something of it. */
bool offer_set(const struct offer *, SSL *) NONNULL(1, 2) MUSTCHECK;
/* Everything that decides what a session may be resumed for. */
void offer_hash(const struct offer *, EVP_MD_CTX *) NONNULL(1, 2);

#endif
