/* SPDX-License-Identifier: ISC */
/*
 * retired.h - the CAs that were: clients may still trust them, and their keys
 * may be anywhere, so that an origin with a certificate of one is never taken
 * for good.
 * Runs in: signer (read), mitmctl (add).
 */
#ifndef MITMD_SIGNER_RETIRED_H
#define MITMD_SIGNER_RETIRED_H

#include <openssl/x509.h>

#include "signer/files.h"

#define RETIRED_FILE "mitmd-ca-retired.pem"
#define RETIRED_MAX 64

struct retired {
	X509 *v[RETIRED_MAX];
	size_t n;
};

/* No file is an empty list; one that is not understood is refused. */
int retired_load(struct retired *, struct files *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
void retired_free(struct retired *) NONNULL(1);
bool retired_has(const struct retired *, X509 *) NONNULL(1, 2);	/* its key is on the list */
/* On disk when this returns 0; one that is there already is not added again. */
int retired_add(struct retired *, struct files *, X509 *, struct errmsg *)
    NONNULL(1, 2, 3, 4) MUSTCHECK;

#endif
