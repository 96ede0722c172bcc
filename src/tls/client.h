/* SPDX-License-Identifier: ISC */
/*
 * client.h - TLS towards clients.  Created only when verdict and leaf are
 * known, so nothing inside OpenSSL is ever suspended: certificate, ALPN and
 * session binding are constants by then.
 * Runs in: worker.
 */
#ifndef MITMD_TLS_CLIENT_H
#define MITMD_TLS_CLIENT_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "tls/facts.h"
#include "tls/hello.h"

/* A certificate ready to be shown. Counted; the worker's table and SSLs share it. */
struct tls_leaf {
	unsigned refs;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) *chain;	/* the issuers sent with it, ours included; shared */
	int64_t refresh_at;	/* seconds since 1970: mint anew from then on */
	uint8_t *ocsp;		/* DER of a response to staple (malloc); NULL: none */
	size_t ocsp_len;
};

/* Takes over the references; chain and its certificates get one more. refs is 1. */
struct tls_leaf *tls_leaf_new(X509 *cert, EVP_PKEY *key, STACK_OF(X509) *chain) NONNULL(1, 2);
struct tls_leaf *tls_leaf_ref(struct tls_leaf *);
void tls_leaf_unref(struct tls_leaf **);

/* Secrets of session tickets; name tells which one sealed a ticket (RFC 5077 4). */
struct tls_ticket_key {
	uint8_t name[16];
	uint8_t aes[32];
	uint8_t hmac[32];
};
struct tls_ticket_keys {
	struct tls_ticket_key current, previous;
	bool has_previous;
};
/* Called for every ticket sealed or opened; must be cheap. */
typedef void tls_ticket_keys_fn(void *arg, struct tls_ticket_keys *out);

struct tls_client;

struct tls_client_conf {
	int min_version;	/* 0x0303 or 0x0304 */
	tls_ticket_keys_fn *ticket_keys;
	void *ticket_arg;
	bool ask_cert;		/* clients are asked for a certificate; none is fine */
	X509_STORE *client_ca;	/* who must have signed it; NULL: anybody; borrowed */
};

struct tls_client *tls_client_new(const struct tls_client_conf *, struct errmsg *)
    NONNULL(1, 2);
void tls_client_free(struct tls_client **);

/*
 * An SSL in accept state. alpn: what the origin chose (empty: answer none).
 * sid_context binds tickets: with another one they become full handshakes.
 * NULL: OpenSSL refuses the leaf (a key that is not its own, no key it knows).
 */
SSL *tls_client_start(struct tls_client *, struct tls_leaf *, struct str alpn,
    const uint8_t sid_context[32]) NONNULL(1, 2, 4);
void tls_client_stop(SSL **);

/* The certificate the client showed; after the handshake, of a resumed session as well. */
void tls_client_peer(SSL *, struct tls_peer *out) NONNULL(1, 2);

#endif
