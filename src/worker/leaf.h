/* SPDX-License-Identifier: ISC */
/*
 * leaf.h - the certificate a client is shown.  Parsed leafs are kept in a table
 * (leaf_table.h); then comes the shared cache; a miss asks the signer
 * (leaf_ask.h).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_LEAF_H
#define MITMD_WORKER_LEAF_H

#include "worker/leaf_ask.h"
#include "worker/mirror.h"

struct leafs;

struct leaf_want {
	struct str name;		/* what the client asked for, lower case */
	const struct tls_facts *origin;
	struct mirror_plan plan;
};

struct leafs *leafs_new(struct worker *, struct errmsg *);
void leafs_free(struct leafs **);
/* The channel to a new signer (fd is taken). */
void leafs_signer(struct leafs *, int fd);

/* A new reference, or NULL and done follows exactly once unless leaf_cancel() comes first. */
struct tls_leaf *leaf_find(struct leafs *, const struct leaf_want *, leaf_done_fn *, void *arg,
    struct leaf_ask **out_ask);

/*
 * Binds client sessions to what was decided for them: see
 * SSL_CTX_set_session_id_context(3).  custom: the operator's certificate that is
 * shown instead; NULL: one of ours.
 */
void leaf_session_context(struct leafs *, const struct leaf_want *,
    const struct tls_leaf *custom, uint8_t out[32]) NONNULL(1, 2, 4);
/* What the CA may sign for: ca.permit, and what its own certificate says. */
const struct permit *leafs_permit(const struct leafs *) NONNULL(1);
/* Secrets of session tickets, for tls_client_conf. */
void leafs_ticket_keys(void *leafs, struct tls_ticket_keys *out);

#endif
