/* SPDX-License-Identifier: ISC */
/*
 * leaf_table.h - leafs as parsed certificates, and names that the signer refused
 * lately: parsing one costs more than minting one.  Bounded; who was not asked
 * for the longest goes first.
 * Runs in: worker, tests.
 */
#ifndef MITMD_WORKER_LEAF_TABLE_H
#define MITMD_WORKER_LEAF_TABLE_H

#include "shm/cert_cache.h"
#include "tls/client.h"

struct leaf_table;

struct leaf_table *leaf_table_new(size_t max);
void leaf_table_free(struct leaf_table **);
/*
 * False: nothing that is still good at `now` (seconds since 1970).  Else *out_leaf
 * is a new reference, or NULL and *out_refusal says why (until the next call).
 */
bool leaf_table_find(struct leaf_table *, const struct cert_key *, int64_t now,
    struct tls_leaf **out_leaf, const char **out_refusal) NONNULL(1, 2, 4, 5);
/* Good until then; leaf is referenced, refusal copied, one of them is NULL. */
void leaf_table_add(struct leaf_table *, const struct cert_key *, struct tls_leaf *leaf,
    const char *refusal, int64_t until) NONNULL(1, 2);

#endif
