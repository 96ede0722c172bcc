/* SPDX-License-Identifier: ISC */
/*
 * cert_cache.h - minted leafs in shared memory.  Signers write (a robust mutex
 * per shard), workers read without a lock: a sequence count per slot, a
 * checked copy, three tries and it is a miss.
 * Runs in: master (create), signer (put), worker (find).
 */
#ifndef MITMD_SHM_CERT_CACHE_H
#define MITMD_SHM_CERT_CACHE_H

#include <stdint.h>

#include "base/str.h"
#include "shm/segment.h"

#define CERT_CACHE_SLOTS 4096
#define CERT_CACHE_DER_MAX 3968	/* larger leafs are not shared */

/* What a leaf was made for; everything that could make another one. */
struct cert_key {
	uint8_t hash[32];
};

struct cert_key cert_key_make(struct str asked_name, const uint8_t like[32], uint8_t recipe,
    const uint8_t leaf_key_id[8], const uint8_t issuer_id[32]) NONNULL(2, 4, 5);

/*
 * Who signs, and by which rules: the CA (SHA-256 of its certificate), leaf.lifetime
 * and ca.permit.  A signer with narrower ones must not be passed by with leafs that
 * one before it has left.
 */
void cert_issuer_id(const uint8_t ca_id[32], int64_t lifetime, char *const *permit,
    size_t npermit, uint8_t out[32]) NONNULL(1, 5);

/*
 * What the leaf is to be like: the origin's certificate and everything of it that
 * an ask names.  Both sides make it from the ask, so a worker that lies about an
 * origin files its leaf where no honest one looks.
 */
struct cert_like {
	const uint8_t *origin_leaf;	/* its SHA-256, 32 bytes */
	int64_t not_before, not_after;
	struct str cn, org, names, why;	/* as in an ask */
	uint32_t copy, key_usage;
	uint8_t staple;
};
void cert_like_hash(const struct cert_like *, uint8_t out[32]) NONNULL(1, 2);

struct cert_cache;	/* either side's view */

int cert_cache_create(struct segment *, unsigned slots, struct errmsg *) NONNULL(1, 3);
struct cert_cache *cert_cache_writer(struct segment *) NONNULL(1);	/* in the signer */
struct cert_cache *cert_cache_reader(int fd, struct errmsg *) NONNULL(2); /* in a worker */
void cert_cache_free(struct cert_cache **);	/* the view */

/* now: seconds since 1970. Length of the bundle copied to out, or 0: a miss. */
size_t cert_cache_find(struct cert_cache *, const struct cert_key *, int64_t now,
    uint8_t out[CERT_CACHE_DER_MAX], int64_t *out_refresh_at) NONNULL(1, 2, 4, 5);
/* refresh_at: half life; found until then. Too large: not kept. */
void cert_cache_put(struct cert_cache *, const struct cert_key *, struct str bundle,
    int64_t refresh_at) NONNULL(1, 2);

#endif
