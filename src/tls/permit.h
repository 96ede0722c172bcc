/* SPDX-License-Identifier: ISC */
/*
 * permit.h - the names that may be signed at all: ca.permit, and what the CA's
 * own certificate says (RFC 5280 4.2.1.10).  Java enforces neither for a root, so
 * the refusal by the signer is the real guard; a worker that asks here first
 * passes such a host on untouched.
 * Runs in: signer, worker, mitmctl.
 */
#ifndef MITMD_TLS_PERMIT_H
#define MITMD_TLS_PERMIT_H

#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/str.h"

struct permit;

/*
 * Understood are "www.example.com", "*.example.com", ".example.com", addresses
 * and CIDR blocks: what name constraints can say.  An empty list permits all.
 */
struct permit *permit_new(char *const *names, size_t n, struct errmsg *) NONNULL(3);
void permit_free(struct permit **);
/*
 * Permit only what the name constraints of this certificate permit as well; one
 * call for the CA and one for each certificate above it. -1: nothing can be said
 * about what it permits, and what it signs may be good for nothing.
 */
int permit_narrow(struct permit *, X509 *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
bool permit_any(const struct permit *) NONNULL(1);	/* nothing is restricted */
/* type: NAME_*; a wildcard is permitted if all it stands for is. */
bool permit_has(const struct permit *, uint8_t type, struct str name) NONNULL(1);
/* A host as people write it: a name or an address, in brackets or not. */
bool permit_has_host(const struct permit *, struct str host) NONNULL(1);
/* A certificate above forbids what subjects say: leafs must have none. */
bool permit_no_subject(const struct permit *) NONNULL(1);
/* The list as it was given, for the certificate of a new CA. */
NAME_CONSTRAINTS *permit_constraints(const struct permit *) NONNULL(1);
/* Does the certificate say that very list? */
bool permit_is_that_of(const struct permit *, X509 *) NONNULL(1, 2);

#endif
