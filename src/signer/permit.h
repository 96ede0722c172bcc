/* SPDX-License-Identifier: ISC */
/*
 * permit.h - ca.permit: the names that may be signed at all.  Java does not
 * enforce the name constraints of a root, so this refusal is the real guard.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_PERMIT_H
#define MITMD_SIGNER_PERMIT_H

#include <openssl/x509v3.h>

#include "conf/conf.h"

struct permit;

/*
 * Understood are "www.example.com", "*.example.com", ".example.com", addresses
 * and CIDR blocks: what name constraints can say.  An empty list permits all.
 */
struct permit *permit_new(const struct conf_strings *, struct errmsg *) NONNULL(1, 2);
void permit_free(struct permit **);
bool permit_any(const struct permit *) NONNULL(1);	/* nothing is restricted */
/* type: NAME_*; a wildcard is permitted if all it stands for is. */
bool permit_has(const struct permit *, uint8_t type, struct str name) NONNULL(1);
/* For the CA's certificate (RFC 5280 4.2.1.10). */
NAME_CONSTRAINTS *permit_constraints(const struct permit *) NONNULL(1);

#endif
