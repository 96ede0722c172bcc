/* SPDX-License-Identifier: ISC */
/*
 * seal.h - an issuer's key at work: SHA-256 signatures and nothing else.  And a
 * forger, who has no key.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_SEAL_H
#define MITMD_SIGNER_SEAL_H

#include <openssl/evp.h>

#include "base/err.h"
#include "signer/der.h"

struct seal {
	EVP_PKEY_CTX *sign;
	struct str algorithm;	/* AlgorithmIdentifier */
	size_t modulus;		/* RSA: bytes of a signature; EC: 0 */
};

/* EC or RSA, at most RSA-8192; takes a reference of its own. */
void seal_init(struct seal *, EVP_PKEY *) NONNULL(1, 2);
void seal_free(struct seal *) NONNULL(1);	/* zeroed is fine */
/* Appends signatureAlgorithm and signature. 0 or ERR_SYS. */
int seal_put(const struct seal *, struct der *, struct str tbs) NONNULL(1, 2) MUSTCHECK;

/*
 * What a forger of that seal's signatures writes: random bytes of the right
 * form.  No key is used, so that SHA-1 in the algorithm is only a word.
 */
struct str seal_forged_algorithm(const struct seal *, bool sha1) NONNULL(1);
int seal_forge(const struct seal *, bool sha1, struct der *) NONNULL(1, 3) MUSTCHECK;

#endif
