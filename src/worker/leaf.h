/* SPDX-License-Identifier: ISC */
/*
 * leaf.h - the certificate a client is shown.  Parsed leafs are kept here
 * (parsing one costs more than minting one); then comes the shared cache; a
 * miss asks the signer, and equal asks are one.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_LEAF_H
#define MITMD_WORKER_LEAF_H

#include "ipc/msg.h"
#include "tls/client.h"
#include "tls/facts.h"

struct leafs;
struct leaf_ask;
struct worker;

struct leaf_want {
	struct str name;		/* what the client asked for, lower case */
	const struct tls_facts *origin;	/* NULL: no origin certificate to be like */
	enum recipe recipe;
	bool rsa;			/* the client takes no ECDSA */
	bool add_name; /* trust everything: the name, too, where it is missing */
};

/* leaf: a new reference, the callee's; NULL: reason says why (valid during the call). */
typedef void leaf_done_fn(void *arg, struct tls_leaf *leaf, const char *reason);

struct leafs *leafs_new(struct worker *, struct errmsg *);
void leafs_free(struct leafs **);
/* The channel to a new signer (fd is taken). */
void leafs_signer(struct leafs *, int fd);

/* A new reference, or NULL and done follows exactly once unless leaf_cancel() comes first. */
struct tls_leaf *leaf_find(struct leafs *, const struct leaf_want *, leaf_done_fn *, void *arg,
    struct leaf_ask **out_ask);
void leaf_cancel(struct leaf_ask **);	/* NULL and *NULL are fine */

/* Binds client sessions to what was decided for them: see SSL_CTX_set_session_id_context(3). */
void leaf_session_context(struct leafs *, const struct leaf_want *, uint8_t out[32]);
/* Secrets of session tickets, for tls_client_conf. */
void leafs_ticket_keys(void *leafs, struct tls_ticket_keys *out);

#endif
