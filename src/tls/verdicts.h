/* SPDX-License-Identifier: ISC */
/*
 * verdicts.h - chains that were found good lately: the same chain for the same
 * name is not verified again for some minutes.  A verdict depends on nothing
 * else but the date, which is looked at, and on what a process keeps all its
 * life.
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_VERDICTS_H
#define MITMD_TLS_VERDICTS_H

#include <openssl/x509_vfy.h>

#include "tls/facts.h"

struct verdicts;

struct verdicts *verdicts_new(void);
void verdicts_free(struct verdicts **);
/* Of everything ctx is to verify: each certificate sent, and the name. */
void verdicts_key(X509_STORE_CTX *ctx, struct str name, bool name_is_ip, uint8_t out[32])
    NONNULL(1, 4);
/* A reference, or NULL. Such facts are shared: nobody may write to them. */
struct tls_facts *verdicts_find(struct verdicts *, const uint8_t key[32]) NONNULL(1, 2);
/* Takes a reference, if they are good. */
void verdicts_keep(struct verdicts *, const uint8_t key[32], struct tls_facts *)
    NONNULL(1, 2, 3);

#endif
