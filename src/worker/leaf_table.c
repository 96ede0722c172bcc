/* SPDX-License-Identifier: ISC */
/* leaf_table.c - see leaf_table.h.  Runs in: worker, tests. */
#include "config.h"

#include "worker/leaf_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"

#define BUCKETS 1024

struct entry {
	TAILQ_ENTRY(entry) chain, age;
	struct cert_key key;
	struct tls_leaf *leaf;	/* NULL: refused until */
	int64_t until;
	char refusal[128];
};

struct leaf_table {
	TAILQ_HEAD(entry_list, entry) buckets[BUCKETS], by_age;
	size_t n, max;
};

static struct entry_list *
bucket_of(struct leaf_table *t, const struct cert_key *key)
{
	return &t->buckets[(key->hash[0] | (size_t)key->hash[1] << 8) % BUCKETS];
}

static void
entry_free(struct leaf_table *t, struct entry *e)
{
	TAILQ_REMOVE(bucket_of(t, &e->key), e, chain);
	TAILQ_REMOVE(&t->by_age, e, age);
	t->n--;
	tls_leaf_unref(&e->leaf);
	free(e);
}

static struct entry *
find(struct leaf_table *t, const struct cert_key *key)
{
	struct entry *e;

	TAILQ_FOREACH(e, bucket_of(t, key), chain)
		if (memcmp(e->key.hash, key->hash, sizeof(key->hash)) == 0)
			return e;
	return NULL;
}

bool
leaf_table_find(struct leaf_table *t, const struct cert_key *key, int64_t now,
    struct tls_leaf **out_leaf, const char **out_refusal)
{
	struct entry *e = find(t, key);

	*out_leaf = NULL;
	*out_refusal = NULL;
	if (e == NULL)
		return false;
	if (now >= e->until) {
		entry_free(t, e);
		return false;
	}
	if (TAILQ_FIRST(&t->by_age) != e) {
		TAILQ_REMOVE(&t->by_age, e, age);
		TAILQ_INSERT_HEAD(&t->by_age, e, age);
	}
	if (e->leaf != NULL)
		*out_leaf = tls_leaf_ref(e->leaf);
	else
		*out_refusal = e->refusal;
	return true;
}

void
leaf_table_add(struct leaf_table *t, const struct cert_key *key, struct tls_leaf *leaf,
    const char *refusal, int64_t until)
{
	struct entry *e = find(t, key);

	CHECK((leaf == NULL) != (refusal == NULL));
	if (e != NULL)
		entry_free(t, e);
	else if (t->n >= t->max)
		entry_free(t, TAILQ_LAST(&t->by_age, entry_list));
	e = mem_new(struct entry);
	e->key = *key;
	e->leaf = leaf != NULL ? tls_leaf_ref(leaf) : NULL;
	e->until = until;
	if (refusal != NULL)
		(void)snprintf(e->refusal, sizeof(e->refusal), "%s", refusal);
	TAILQ_INSERT_HEAD(bucket_of(t, key), e, chain);
	TAILQ_INSERT_HEAD(&t->by_age, e, age);
	t->n++;
}

struct leaf_table *
leaf_table_new(size_t max)
{
	struct leaf_table *t = mem_new(struct leaf_table);
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		TAILQ_INIT(&t->buckets[i]);
	TAILQ_INIT(&t->by_age);
	t->max = max;
	return t;
}

void
leaf_table_free(struct leaf_table **pt)
{
	struct leaf_table *t = *pt;

	*pt = NULL;
	if (t == NULL)
		return;
	while (!TAILQ_EMPTY(&t->by_age))
		entry_free(t, TAILQ_FIRST(&t->by_age));
	free(t);
}
