/* SPDX-License-Identifier: ISC */
/* ca_make.h - a new CA of our own.  Runs in: signer. */
#ifndef MITMD_SIGNER_CA_MAKE_H
#define MITMD_SIGNER_CA_MAKE_H

#include "signer/ca.h"

#define CA_LIFETIME_SECONDS (3 * 365 * 86400)

/* A private key; NULL when OpenSSL fails. */
EVP_PKEY *ca_make_key(bool rsa);
/* Its certificate, self-signed. */
X509 *ca_make_cert(EVP_PKEY *, const struct ca_new *, int64_t now) NONNULL(1, 2);

#endif
