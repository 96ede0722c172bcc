/* SPDX-License-Identifier: ISC */
/*
 * export.h - the CA's certificate in the forms that trust stores take.  All of
 * it is public; the same certificate always gives the same bytes, so that a
 * file is only rewritten when something has changed.
 * Runs in: signer, mitmctl.
 */
#ifndef MITMD_SIGNER_EXPORT_H
#define MITMD_SIGNER_EXPORT_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "signer/files.h"

#define EXPORT_PASSWORD "changeit"	/* what Java's own stores have */
#define EXPORT_SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

void export_pem(X509 *, struct buf *out) NONNULL(1, 2);
void export_der(X509 *, struct buf *out) NONNULL(1, 2);
void export_p12(X509 *, struct buf *out) NONNULL(1, 2);
void export_jks(X509 *, struct buf *out) NONNULL(1, 2);

/*
 * The roots of that file, our certificate, and those above it: for clients whose
 * setting replaces their trust store. above may be NULL.
 */
void export_bundle(X509 *, STACK_OF(X509) *above, const char *system_roots, struct buf *out)
    NONNULL(1, 3, 4);

/* All public files. -1 with the first reason when some could not be written. */
int export_files(X509 *, STACK_OF(X509) *above, struct files *, const char *system_roots,
    struct errmsg *) NONNULL(1, 3, 4, 5) MUSTCHECK;

#endif
