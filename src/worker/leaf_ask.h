/* SPDX-License-Identifier: ISC */
/*
 * leaf_ask.h - questions to the signer, and everybody who waits for an answer:
 * equal ones are one.  A question outlives a signer that dies.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_LEAF_ASK_H
#define MITMD_WORKER_LEAF_ASK_H

#include "ipc/msg.h"
#include "shm/cert_cache.h"
#include "tls/client.h"
#include "worker/leaf_keys.h"

struct leaf_ask;	/* one who waits */
struct leaf_asks;
struct worker;

/* leaf: a new reference, the callee's; NULL: reason says why (valid during the call). */
typedef void leaf_done_fn(void *arg, struct tls_leaf *leaf, const char *reason);

struct leaf_asks_ops {
	/* A new reference to what was minted; NULL: it is not for a key of ours. */
	struct tls_leaf *(*minted)(void *arg, const struct cert_key *, unsigned sign_key,
	    struct str bundle, int64_t refresh_at);
	/* Not to be asked again soon. */
	void (*refused)(void *arg, const struct cert_key *, const char *reason);
};

struct leaf_asks *leaf_asks_new(struct worker *, struct leaf_keys *,
    const struct leaf_asks_ops *, void *arg);
void leaf_asks_free(struct leaf_asks **);
/* The channel to a new signer (fd is taken). */
void leaf_asks_signer(struct leaf_asks *, int fd) NONNULL(1);

/* done follows exactly once, from the loop, unless leaf_cancel() comes first. */
struct leaf_ask *leaf_ask(struct leaf_asks *, const struct cert_key *, struct msg_sign_ask *,
    leaf_done_fn *, void *arg) NONNULL(1, 2, 3, 4);
/* The same for a refusal that is known already. */
struct leaf_ask *leaf_ask_refused(struct leaf_asks *, const char *reason, leaf_done_fn *,
    void *arg) NONNULL(1, 2, 3);
void leaf_cancel(struct leaf_ask **);	/* NULL and *NULL are fine */

#endif
