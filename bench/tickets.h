/* SPDX-License-Identifier: ISC */
/*
 * tickets.h - TLS sessions that wait to be resumed, by number of the host.
 * Each is used once (RFC 8446 appendix C.4).
 */
#ifndef MITMD_BENCH_TICKETS_H
#define MITMD_BENCH_TICKETS_H

#include <openssl/ssl.h>

#include "base/attr.h"

struct tickets;

struct tickets *tickets_new(unsigned hosts);
void tickets_free(struct tickets **) NONNULL(1);
/* Takes the session over in any case. */
void tickets_put(struct tickets *, unsigned host, SSL_SESSION *) NONNULL(1, 3);
/* The newest, now the caller's; NULL: none. */
SSL_SESSION *tickets_take(struct tickets *, unsigned host) NONNULL(1) MUSTCHECK;

#endif
