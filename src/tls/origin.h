/* SPDX-License-Identifier: ISC */
/*
 * origin.h - TLS towards origins: never more is offered than this client
 * offered, the chain is verified and every error collected (none aborts the
 * handshake), sessions to verified origins are kept and used once.
 * Runs in: worker.
 *
 * One SSL_CTX per worker; everything else is per SSL.  The caller attaches a
 * BIO and drives SSL_do_handshake() itself.
 */
#ifndef MITMD_TLS_ORIGIN_H
#define MITMD_TLS_ORIGIN_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "tls/facts.h"
#include "tls/hello.h"

struct tls_leaf;	/* tls/client.h */
struct tls_origin;	/* context and session cache of a worker */

struct tls_origin_conf {
	X509_STORE *roots;	/* borrowed by reference count */
	int min_version;	/* 0x0303 or 0x0304 */
	const uint8_t (*own_ca_spki)[32]; /* SHA-256 of keys never trusted as issuer; borrowed */
	size_t nown_ca;
};

struct tls_origin *tls_origin_new(const struct tls_origin_conf *, struct errmsg *)
    NONNULL(1, 2);
void tls_origin_free(struct tls_origin **);	/* after its SSLs */

struct tls_origin_ask {
	struct str name;	/* verified against: a host name or an address as text */
	bool name_is_ip;
	bool send_sni;		/* no SNI in, no SNI out */
	uint16_t port;
	struct str tag;		/* sessions are not shared between users */
	/* The client's offer; NULL: our own defaults, ALPN http/1.1. */
	const struct tls_hello *hello;
	bool strict;		/* findings of X509_V_FLAG_X509_STRICT are errors */
	int verify_mode;	/* enum conf_verify, part of the session key */
	bool verify_off;	/* sessions are kept without verification */
	/* Shown if the origin asks, and verified or verify_off is set; NULL: none. */
	struct tls_leaf *client_cert;
};

/*
 * An SSL in connect state with the offer set; a kept session is resumed when
 * its key (name, port, offer, verify mode, tag) is the same and its chain is
 * still good.  NULL: nothing of the offer is left that we may use (the client
 * gets alert 40).
 */
SSL *tls_origin_start(struct tls_origin *, const struct tls_origin_ask *) NONNULL(1, 2);
/*
 * After the handshake: a new reference to the facts (kept ones if it was
 * resumed). NULL: it failed before the origin's certificate.
 */
struct tls_facts *tls_origin_facts(struct tls_origin *, SSL *) NONNULL(1, 2);
/* Of the client's certificate. */
enum tls_cert_asked { TLS_CERT_NOT_ASKED, TLS_CERT_ASKED, TLS_CERT_SHOWN };
/* After the handshake: whether the origin asked for a certificate, and was shown one. */
enum tls_cert_asked tls_origin_cert_asked(SSL *) NONNULL(1);
/* Ends an SSL from tls_origin_start() without spoiling its session; no I/O. */
void tls_origin_stop(SSL **);

/* Of either leg, after its handshake. */
void tls_leg_of(SSL *, struct tls_leg *out) NONNULL(1, 2);
/* "handshake failure": also of alerts that this OpenSSL has no words for. */
const char *tls_alert_text(unsigned alert);

/*
 * Verification alone, for tests: the chain (leaf first) against roots as
 * tls_origin does it. Never NULL.
 */
struct tls_facts *tls_verify_chain(STACK_OF(X509) *chain, const struct tls_origin_conf *,
    struct str name, bool name_is_ip, bool strict) NONNULL(1, 2);

#endif
