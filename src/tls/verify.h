/* SPDX-License-Identifier: ISC */
/*
 * verify.h - judges an origin's chain and goes on: every defect becomes a
 * verdict, none ends the handshake.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_VERIFY_H
#define MITMD_TLS_VERIFY_H

#include <openssl/x509_vfy.h>

#include "tls/origin.h"

/* What is asked of the chain: purpose, level, and the name it must be for. */
void verify_param(X509_VERIFY_PARAM *, struct str name, bool name_is_ip) NONNULL(1);
/*
 * Verifies what ctx was set up with. One reference for the caller.  What only
 * X509_V_FLAG_X509_STRICT finds is a warning, with `strict` a verdict.
 */
struct tls_facts *verify_run(X509_STORE_CTX *ctx, const struct tls_origin_conf *,
    struct str name, bool strict) NONNULL(1, 2);
/* What only a staple tells; before anybody else has a reference. */
void verify_revoked(struct tls_facts *) NONNULL(1);

#endif
