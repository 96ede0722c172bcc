/* SPDX-License-Identifier: ISC */
/* peer.h - an origin in memory, and tls_origin_start() talking to it. */
#ifndef MITMD_TESTS_TLS_PEER_H
#define MITMD_TESTS_TLS_PEER_H

#include <openssl/ssl.h>

#include <stdbool.h>

#include "tls/origin.h"

/* A stranger's server; frees the leaf. */
SSL_CTX *peer_serve(X509 *leaf, EVP_PKEY *key, int version);
/* For port 443 and ben's tag. */
struct tls_origin_ask peer_ask(const char *name);

struct outcome {
	bool shaken, resumed;
	struct tls_facts *facts;
	struct tls_leg leg;
	enum tls_cert_asked asked;
};

/* Both handshakes, and one byte each way. */
struct outcome peer_talk(struct tls_origin *, SSL_CTX *, const struct tls_origin_ask *);

#endif
