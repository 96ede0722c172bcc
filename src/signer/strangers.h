/* SPDX-License-Identifier: ISC */
/*
 * strangers.h - issuers that no client trusts, with keys that live as long as
 * this signer and never leave it.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_STRANGERS_H
#define MITMD_SIGNER_STRANGERS_H

#include "signer/seal.h"
#include "signer/tbs.h"

struct stranger {
	struct tbs_key key;
	struct seal seal;
};

struct strangers {
	struct stranger root;		/* issues, or ... */
	struct stranger sub;		/* ... issues for it */
	struct stranger go_between;	/* has a leaf of our CA: is no issuer */
};

void strangers_init(struct strangers *) NONNULL(1);
void strangers_free(struct strangers *) NONNULL(1);	/* zeroed is fine */

#endif
