/* SPDX-License-Identifier: ISC */
/*
 * cert.h - a parsed certificate turned into plain data.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_CERT_H
#define MITMD_TLS_CERT_H

#include <openssl/x509.h>

#include "tls/facts.h"

void cert_read(X509 *, struct tls_cert *out) NONNULL(1, 2);
void cert_dates(X509 *, struct tls_cert *out) NONNULL(1, 2);	/* these two fields alone */
char *cert_subject(X509 *) NONNULL(1);	/* as cert_read() has it; caller frees */
void cert_peer(X509 *, struct tls_peer *out) NONNULL(1, 2);	/* as one that was shown */
/*
 * Names, subject and key of the leaf.  False: its subjectAltName breaks
 * RFC 5280 4.2.1.6 in a way no leaf of ours could repeat.
 */
bool cert_read_leaf(X509 *, struct tls_facts *out) NONNULL(1, 2) MUSTCHECK;

#endif
