/* SPDX-License-Identifier: ISC */
/*
 * ocsp.h - what an origin stapled to its certificate, said by our CA of our
 * leaf (RFC 6960).
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_OCSP_H
#define MITMD_SIGNER_OCSP_H

#include <openssl/x509.h>

#include "signer/seal.h"
#include "signer/tbs.h"

/* The CA, as responses name it. */
struct ocsp_issuer {
	struct str name;	/* DER */
	uint8_t name_hash[20], key_hash[20];
};

/* Borrows the name. */
void ocsp_issuer_init(struct ocsp_issuer *, X509 *ca, struct str name) NONNULL(1, 2);

/* Appends an OCSPResponse; `seal` is the CA's. 0 or ERR_SYS. */
int ocsp_put(struct der *, const struct ocsp_issuer *, const struct seal *seal,
    const uint8_t serial[TBS_SERIAL_BYTES], bool revoked, int64_t this_update,
    int64_t next_update) NONNULL(1, 2, 3, 4) MUSTCHECK;

#endif
