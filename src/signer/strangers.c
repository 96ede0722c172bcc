/* SPDX-License-Identifier: ISC */
/* strangers.c - see strangers.h.  Runs in: signer. */
#include "config.h"

#include "signer/strangers.h"

#include "signer/ca_make.h"

static void
init(struct stranger *s)
{
	EVP_PKEY *key = ca_make_key(false);

	CHECK(key != NULL && tbs_key_init(&s->key, key) == 0);
	seal_init(&s->seal, key);
	EVP_PKEY_free(key);
}

void
strangers_init(struct strangers *s)
{
	init(&s->root);
	init(&s->sub);
	init(&s->go_between);
}

void
strangers_free(struct strangers *s)
{
	seal_free(&s->root.seal);
	seal_free(&s->sub.seal);
	seal_free(&s->go_between.seal);
}
