/* SPDX-License-Identifier: ISC */
/*
 * ca_public.h - what everybody may know of the CA in a directory: for commands
 * that show it, and for those that do away with one that can no longer be used.
 * Runs in: mitmctl.
 */
#ifndef MITMD_SIGNER_CA_PUBLIC_H
#define MITMD_SIGNER_CA_PUBLIC_H

#include <openssl/x509.h>

#include "signer/ca_file.h"
#include "signer/retired.h"

struct ca_public {
	X509 *cert;
	STACK_OF(X509) *above;		/* empty when only CA_CERT_FILE could be read */
	X509 *published;		/* another one in CA_CERT_FILE; NULL: the same, or none */
	bool from_key_file;		/* else from CA_CERT_FILE: the other one cannot be read */
	struct retired retired;
};

/* 1, 0: there is no CA, only what was retired; -1. */
int ca_public_load(struct ca_public *, struct files *, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;
void ca_public_free(struct ca_public *) NONNULL(1);
/*
 * It is a retired one when this returns 0: first its certificate is safe on the
 * list, then the key goes, so that no moment has neither.
 */
int ca_public_retire(struct ca_public *, struct files *, struct errmsg *)
    NONNULL(1, 2, 3) MUSTCHECK;

#endif
