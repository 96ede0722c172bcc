/* SPDX-License-Identifier: ISC */
/*
 * mint.h - the recipes: a checked request becomes a leaf, what goes with it, and
 * a date to make it anew.  Nothing a caller can say makes the CA's key sign
 * another CA, another public usage than serverAuth, SHA-1, or a longer life.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_MINT_H
#define MITMD_SIGNER_MINT_H

#include <openssl/x509.h>

#include "ipc/bundle.h"
#include "shm/keyring.h"
#include "signer/ask.h"
#include "signer/tbs.h"

/* Room for an RSA-8192 signature and the CA's name (CA_NAME_MAX) beside the rest. */
#define MINT_DER_MAX 16384
#define MINT_ISSUER_MAX 6144
#define MINT_STAPLE_MAX 6144

/* What an issuer of ours that none shall trust is called. */
#define MINT_NOT_TRUSTED "mitmd - NOT TRUSTED"
/* Leafs that are not our CA's: a browser's exception should last. */
#define MINT_STRANGER_SECONDS (7 * 86400)
/* Whoever breaks RSA-1024 shall be late. */
#define MINT_WEAK_SECONDS 86400

struct minter;

/* not_after: the earliest end in the CA's chain. lifetime: of leafs, in seconds. */
struct minter *minter_new(X509 *ca, EVP_PKEY *ca_key, int64_t not_after, int64_t lifetime)
    NONNULL(1, 2);
void minter_free(struct minter **);
/* The keys that leafs are for from now on; -1 when one cannot be read. */
int minter_take_keys(struct minter *, const struct keyring *) NONNULL(1, 2) MUSTCHECK;

struct minted {
	struct bundle bundle;	/* views into what follows */
	int64_t refresh_at;
	uint8_t serial[TBS_SERIAL_BYTES];
	size_t n;
	uint8_t der[MINT_DER_MAX];
	uint8_t issuer[MINT_ISSUER_MAX], staple[MINT_STAPLE_MAX];
};

/*
 * 0; ERR_DENIED: the CA's own time is over; ERR_NOTFOUND: the key ring has no
 * such key yet; ERR_SYS: OpenSSL failed.
 */
int mint_leaf(struct minter *, const struct ask *, int64_t now, struct minted *out)
    NONNULL(1, 2, 4) MUSTCHECK;

#endif
