/* SPDX-License-Identifier: ISC */
/*
 * facts.h - what is known of an origin's certificate chain and of one TLS leg:
 * plain data, for verdicts, leafs, recordings and logs.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_FACTS_H
#define MITMD_TLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* GeneralName tags */
enum { TLS_NAME_EMAIL = 1, TLS_NAME_DNS = 2, TLS_NAME_URI = 6, TLS_NAME_IP = 7 };

struct tls_name {
	uint8_t type;
	struct str value;	/* text, or 4/16 address bytes */
};

struct tls_cert {
	struct str der;
	uint8_t sha256[32];
	/* RFC 2253 order is not wanted: "CN = x, O = y", escaped UTF-8 */
	char *subject, *issuer;
	char *subject_cn, *issuer_cn;	/* "" when there is none */
	int64_t not_before, not_after;	/* seconds since 1970 */
	char serial[64];	/* hex, may be cut */
};

struct tls_verdict {
	int code;		/* X509_V_ERR_* */
	int depth;
};

/* What the origin stapled (RFC 6066 8), told only where the client had asked. */
enum tls_staple { TLS_STAPLE_NONE, TLS_STAPLE_GOOD, TLS_STAPLE_REVOKED, TLS_STAPLE_INVALID,
	TLS_STAPLE_UNKNOWN };	/* ... of a certificate that the responder does not know */

/* The chain an origin sent and what verification said of it. Immutable, counted. */
struct tls_facts {
	unsigned refs;
	struct tls_cert *chain;	/* as sent, leaf first */
	size_t nchain;
	struct tls_name *names;	/* subjectAltName of the leaf, order kept */
	size_t nnames;
	char *names_text;	/* what their values point into */
	bool has_aki, must_staple;	/* of the leaf: AKI there; TLS feature (RFC 7633) */
	bool key_is_rsa;
	int key_bits;		/* of the leaf; 0: a key that cannot be read */
	bool is_ca;		/* the leaf's basicConstraints say so */
	bool serves;		/* its extended key usage, if any, includes a server's */
	/* Strict verifiers (X509_V_FLAG_X509_STRICT) refuse what no other field tells. */
	bool strict_minds;
	bool broken_ca_key;	/* an issuer's is RSA below 1024 bits, or of an odd kind */
	bool has_key_usage;
	uint32_t key_usage;	/* of the leaf: KU_* of x509v3.h */
	bool has_names;		/* a subjectAltName is there, whatever is in it */
	bool odd_names;		/* ... and it breaks RFC 5280 4.2.1.6 */
	bool last_is_self_signed;	/* subject = issuer: a root was sent */
	enum tls_staple staple;
	struct str cn, org;	/* of the leaf's subject */
	struct tls_verdict verdicts[32];
	size_t nverdicts;	/* every error found, none hidden by another */
	/*
	 * What some clients refuse and others do not, one sentence each: never a
	 * reason to fail by itself, unless `strict` makes it a verdict.
	 */
	char *warnings[16];
	size_t nwarnings;
	bool verified;		/* no verdict, and the name matches */
	char *reason;		/* one line for people; "" when verified */
	/* Over the chain that was built, as far as it goes. */
	int64_t earliest_not_after, latest_not_before;
};

struct tls_facts *tls_facts_ref(struct tls_facts *);
void tls_facts_unref(struct tls_facts **);	/* NULL and *NULL are fine */
/*
 * The chain is of a size that no real one has: not worth remembering, or an origin
 * with a good certificate and a hundred others fills the memory by a megabyte for
 * each name it has.
 */
bool tls_facts_is_large(const struct tls_facts *);

/* One connection's parameters. */
struct tls_leg {
	char protocol[16];	/* "TLS 1.3", as browsers' devtools write it */
	char cipher[64];	/* OpenSSL's standard (IANA) name */
	char group[32];
	char sigalg[32];
	char alpn[32];		/* "" when none was negotiated */
	char sni[256];
	bool resumed;
};

/* A client certificate, on whichever leg. */
struct tls_peer {
	bool has_cert;
	bool verified;		/* by client_ca */
	char sha256[65];	/* hex */
	char subject[512];	/* "CN = x, O = y", escaped and cut */
};

#endif
