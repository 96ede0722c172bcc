/* SPDX-License-Identifier: ISC */
/*
 * mint.h - the leaf profile: what does not change from one certificate to the
 * next is encoded once, so that minting costs little more than its signature.
 * Nothing a caller can say makes a CA, another usage than serverAuth, or a
 * longer life.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_MINT_H
#define MITMD_SIGNER_MINT_H

#include <openssl/x509.h>

#include "shm/keyring.h"
#include "signer/ask.h"

#define MINT_DER_MAX 16384
#define MINT_SERIAL_BYTES 16

struct minter;

/* Borrows the CA. not_after: the earliest end in the CA's chain. */
struct minter *minter_new(X509 *ca, EVP_PKEY *ca_key, int64_t not_after, int64_t lifetime)
    NONNULL(1, 2);
void minter_free(struct minter **);
/* The keys that leafs are for from now on; -1 when one cannot be read. */
int minter_take_keys(struct minter *, const struct keyring *) NONNULL(1, 2) MUSTCHECK;

struct minted {
	int64_t refresh_at;	/* half life */
	uint8_t serial[MINT_SERIAL_BYTES];
	size_t n;
	uint8_t der[MINT_DER_MAX];
};

/* 0; ERR_DENIED: the CA's own time is over; ERR_SYS: OpenSSL failed. */
int mint_leaf(struct minter *, const struct ask *, int64_t now, struct minted *out)
    NONNULL(1, 2, 4) MUSTCHECK;

#endif
