/* SPDX-License-Identifier: ISC */
/*
 * tbs.h - a certificate before its signature, written straight as DER: that
 * costs little beside the signature.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_TBS_H
#define MITMD_SIGNER_TBS_H

#include <openssl/evp.h>

#include "signer/ask.h"
#include "signer/der.h"

#define TBS_SERIAL_BYTES 16

/* A public key, encoded once. */
struct tbs_key {
	uint8_t spki[512];
	size_t spki_len;
	uint8_t id[20];	/* RFC 5280 4.2.1.2 (1) */
	bool rsa;
};

/* 0 or ERR_SYS. */
int tbs_key_init(struct tbs_key *, EVP_PKEY *) NONNULL(1, 2) MUSTCHECK;

struct tbs {
	const struct tbs_key *key;
	struct str algorithm, issuer;	/* DER */
	struct str authority;		/* the issuer's key identifier */
	struct str org, cn;		/* empty: not in the subject */
	const struct ask_name *names;
	size_t nnames;			/* 0: no subjectAltName */
	int64_t not_before, not_after;
	const uint8_t *serial;		/* TBS_SERIAL_BYTES */
	uint32_t copy, key_usage;	/* as in an ask */
	bool is_ca;			/* never of our own CA: see mint.c */
};

void tbs_put(struct der *, const struct tbs *) NONNULL(1, 2);
/* A Name of these two. */
void tbs_put_name(struct der *, struct str org, struct str cn) NONNULL(1);
/* Positive, of fixed length and without leading zeros. 0 or ERR_SYS. */
int tbs_make_serial(uint8_t serial[TBS_SERIAL_BYTES]) NONNULL(1) MUSTCHECK;

#endif
