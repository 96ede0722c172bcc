/* SPDX-License-Identifier: ISC */
/*
 * warn.h - what clients disagree on in an origin's certificates: sentences for
 * people, beside the verdicts.  Nothing in them was chosen by a stranger.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_WARN_H
#define MITMD_TLS_WARN_H

#include <openssl/x509_vfy.h>

#include "tls/facts.h"

/* In a verify callback: without X509_V_FLAG_X509_STRICT it would not have been called. */
bool warn_is_strict(X509_STORE_CTX *) NONNULL(1);
/* Such a finding. */
void warn_strict(struct tls_facts *, int code, int depth) NONNULL(1);
/* What no client can take for a name stands among the names. */
void warn_odd_names(struct tls_facts *) NONNULL(1);
/* Everything else about the leaf. */
void warn_leaf(struct tls_facts *, X509 *leaf) NONNULL(1, 2);
/* After the handshake that asked for a staple; before anybody else has a reference. */
void warn_staple(struct tls_facts *) NONNULL(1);

#endif
