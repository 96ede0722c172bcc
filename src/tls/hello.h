/* SPDX-License-Identifier: ISC */
/*
 * hello.h - a ClientHello read from our own buffer (RFC 8446 4.1.2, RFC 5246),
 * before any OpenSSL object exists for the client.  Consumes nothing.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_TLS_HELLO_H
#define MITMD_TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TLS_HELLO_MAX 65536	/* bytes of records until the message is complete */
#define TLS_HELLO_LIST_MAX 192	/* more entries of one list than this are not looked at */

struct tls_hello {
	/* Host name of server_name as sent, lower case; n == 0: none, or none that
	 * may be one (IP literal, NUL, bad labels, over 253 bytes): as absent. */
	char sni[256];
	size_t sni_len;
	bool has_alpn;
	uint8_t alpn[256];	/* wire format: length-prefixed names (longer lists are cut) */
	size_t alpn_len;
	uint16_t versions[16];	/* supported_versions, else derived; GREASE left out */
	size_t nversions;
	uint16_t ciphers[TLS_HELLO_LIST_MAX];	/* GREASE and signalling values left out */
	size_t nciphers;
	uint16_t sigalgs[TLS_HELLO_LIST_MAX];
	size_t nsigalgs;
	uint16_t groups[TLS_HELLO_LIST_MAX];
	size_t ngroups;
	bool status_request;
	bool fallback_scsv;
	bool has_session;	/* a ticket or a pre_shared_key is offered */
	bool early_data;
	/* SHA-256 over version, ciphers, sorted extensions, groups, sigalgs, without
	 * GREASE: the same client program gives the same value for every host. */
	uint8_t fingerprint[32];
};

/*
 * 0: a whole ClientHello lies in the first bytes (*out filled).
 * ERR_AGAIN: so far it may become one.  ERR_SYNTAX: TLS-like bytes that are no
 * ClientHello, or not TLS.  ERR_LIMIT: longer than TLS_HELLO_MAX.
 */
int tls_hello_parse(const uint8_t *p, size_t n, struct tls_hello *out) NONNULL(3) MUSTCHECK;
bool tls_hello_offers_version(const struct tls_hello *, uint16_t version) NONNULL(1);
/* The client can do ECDHE with an ECDSA P-256 certificate in some offered version. */
bool tls_hello_takes_ecdsa(const struct tls_hello *) NONNULL(1);
/* ALPN was offered and none of h2, http/1.1, http/1.0 is in it. */
bool tls_hello_no_http(const struct tls_hello *) NONNULL(1);

/* A fatal alert in a record of its own, as any TLS version reads it before keys. */
#define TLS_ALERT_SIZE 7
void tls_alert(uint8_t description, uint8_t out[TLS_ALERT_SIZE]);

#endif
