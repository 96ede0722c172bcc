/* SPDX-License-Identifier: ISC */
/*
 * sessions.h - sessions with origins, and what was known of their chains:
 * OpenSSL verifies nothing when it resumes.
 * Runs in: worker.
 */
#ifndef MITMD_TLS_SESSIONS_H
#define MITMD_TLS_SESSIONS_H

#include <openssl/ssl.h>

#include "tls/facts.h"

struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions **);
/*
 * Takes over the session; the facts are referenced.  It is given out until
 * then (monotonic): where it came of a resumption, the time that was left to
 * the resumed one, or a chain would be believed for as long as it is used.
 */
void sessions_put(struct sessions *, const uint8_t key[32], SSL_SESSION *,
    struct tls_facts *, uint64_t until_us) NONNULL(1, 2, 3, 4);
/*
 * A session that is still good, both owned by the caller; NULL: none.  One of
 * TLS 1.3 is given out once (RFC 8446 C.4).
 */
SSL_SESSION *sessions_take(struct sessions *, const uint8_t key[32],
    struct tls_facts **out_facts, uint64_t *out_until_us) NONNULL(1, 2, 3, 4);

#endif
