/* SPDX-License-Identifier: ISC */
/*
 * verdicts.h - chains that were found good: the same chain for the same name is
 * not verified again while it is valid.  That hides nothing:
 *
 *  - verification sees the certificates sent, the name and whether it is an
 *    address, strictness, the date, and roots and keys of our own CA; the first
 *    three are the key, the date is looked at against the chain that was built,
 *    the last a process keeps all its life.  Whether a bad origin is mirrored,
 *    rejected or let pass is decided later, by the facts;
 *  - bad chains are never kept, so each is judged, and told of, anew;
 *  - revocation comes by staple alone, and facts of a handshake where a staple
 *    came, may still come, or is demanded by the certificate are of that
 *    handshake and never get here (see judge() in origin.c);
 *  - warnings are part of the facts.
 *
 * Runs in: worker, tests.
 */
#ifndef MITMD_TLS_VERDICTS_H
#define MITMD_TLS_VERDICTS_H

#include <openssl/x509_vfy.h>

#include "tls/facts.h"

struct verdicts;

struct verdicts *verdicts_new(void);
void verdicts_free(struct verdicts **);
/* Of everything ctx is to verify: each certificate sent, name, strictness. */
void verdicts_key(X509_STORE_CTX *ctx, struct str name, bool name_is_ip, bool strict,
    uint8_t out[32]) NONNULL(1, 5);
/* A reference, or NULL. Such facts are shared: nobody may write to them. */
struct tls_facts *verdicts_find(struct verdicts *, const uint8_t key[32]) NONNULL(1, 2);
/* Takes a reference, if they are good and not too large. */
void verdicts_keep(struct verdicts *, const uint8_t key[32], struct tls_facts *)
    NONNULL(1, 2, 3);

#endif
