/* SPDX-License-Identifier: ISC */
/*
 * staple.h - what an origin's stapled OCSP response says of its leaf
 * (RFC 6960, RFC 6066 8).  Nothing is ever fetched.
 * Runs in: worker.
 */
#ifndef MITMD_TLS_STAPLE_H
#define MITMD_TLS_STAPLE_H

#include <openssl/ssl.h>

#include "tls/facts.h"

enum tls_staple staple_read(SSL *, X509_STORE *roots) NONNULL(1, 2);

#endif
