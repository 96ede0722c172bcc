/* SPDX-License-Identifier: ISC */
/*
 * export.h - the CA's certificate in the forms that trust stores take.  All of
 * it is public; the same certificate always gives the same bytes, so that a
 * file is only rewritten when something has changed.
 * Runs in: signer.
 */
#ifndef MITMD_SIGNER_EXPORT_H
#define MITMD_SIGNER_EXPORT_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "signer/files.h"

#define EXPORT_PASSWORD "changeit"	/* what Java's own stores have */

void export_pem(X509 *, struct buf *out) NONNULL(1, 2);
void export_der(X509 *, struct buf *out) NONNULL(1, 2);
void export_p12(X509 *, struct buf *out) NONNULL(1, 2);
void export_jks(X509 *, struct buf *out) NONNULL(1, 2);

/*
 * All public files, the bundle with the roots of that file in front. -1 with
 * the first reason when some could not be written.
 */
int export_files(X509 *, struct files *, const char *system_roots, struct errmsg *)
    NONNULL(1, 2, 3, 4) MUSTCHECK;

#endif
