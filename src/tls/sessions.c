/* SPDX-License-Identifier: ISC */
/*
 * sessions.c - a hash table of keys with some sessions each; the key
 * unused for longest goes first.  See sessions.h.
 * Runs in: worker.
 */
#include "config.h"

#include "tls/sessions.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"

#define BUCKETS 1024
#define SESSIONS_MAX 1024	/* of all keys; a session holds its peer's chain, some 10 KB */
#define PER_KEY_MAX 32	/* TLS 1.3 uses each once: as many as connect at a time */

struct kept {
	SSL_SESSION *session;
	struct tls_facts *facts;
	uint64_t until_us;	/* monotonic */
};

struct slot {
	uint8_t key[32];
	struct kept kept[PER_KEY_MAX];	/* oldest first */
	size_t n;
	LIST_ENTRY(slot) bucket;
	TAILQ_ENTRY(slot) use;
};

struct sessions {
	LIST_HEAD(, slot) buckets[BUCKETS];
	TAILQ_HEAD(, slot) used;	/* longest unused first */
	size_t n;		/* sessions in all slots */
};

/* The key is a hash already. */
static unsigned
bucket_of(const uint8_t key[32])
{
	return ((unsigned)key[0] << 8 | key[1]) % BUCKETS;
}

static void
kept_drop(struct sessions *s, struct slot *slot, size_t i)
{
	SSL_SESSION_free(slot->kept[i].session);
	tls_facts_unref(&slot->kept[i].facts);
	slot->n--;
	s->n--;
	memmove(&slot->kept[i], &slot->kept[i + 1], (slot->n - i) * sizeof(slot->kept[0]));
}

static void
slot_free(struct sessions *s, struct slot *slot)
{
	while (slot->n > 0)
		kept_drop(s, slot, slot->n - 1);
	LIST_REMOVE(slot, bucket);
	TAILQ_REMOVE(&s->used, slot, use);
	free(slot);
}

struct sessions *
sessions_new(void)
{
	struct sessions *s = mem_new(struct sessions);
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		LIST_INIT(&s->buckets[i]);
	TAILQ_INIT(&s->used);
	return s;
}

void
sessions_free(struct sessions **sp)
{
	struct slot *slot, *next;

	if (sp == NULL || *sp == NULL)
		return;
	TAILQ_FOREACH_SAFE(slot, &(*sp)->used, use, next)
		slot_free(*sp, slot);
	free(*sp);
	*sp = NULL;
}

static struct slot *
slot_find(struct sessions *s, const uint8_t key[32])
{
	struct slot *slot;

	LIST_FOREACH(slot, &s->buckets[bucket_of(key)], bucket)
		if (memcmp(slot->key, key, sizeof(slot->key)) == 0)
			break;
	if (slot != NULL) {
		TAILQ_REMOVE(&s->used, slot, use);
		TAILQ_INSERT_TAIL(&s->used, slot, use);
	}
	return slot;
}

static struct slot *
slot_make(struct sessions *s, const uint8_t key[32])
{
	struct slot *slot = mem_new(struct slot);

	memcpy(slot->key, key, sizeof(slot->key));
	LIST_INSERT_HEAD(&s->buckets[bucket_of(key)], slot, bucket);
	TAILQ_INSERT_TAIL(&s->used, slot, use);
	return slot;
}

void
sessions_put(struct sessions *s, const uint8_t key[32], SSL_SESSION *session,
    struct tls_facts *facts, uint64_t until_us)
{
	struct slot *slot = slot_find(s, key);

	if (slot == NULL)
		slot = slot_make(s, key);
	if (slot->n == PER_KEY_MAX)
		kept_drop(s, slot, 0);
	slot->kept[slot->n++] = (struct kept){session, tls_facts_ref(facts), until_us};
	s->n++;
	while (s->n > SESSIONS_MAX)
		slot_free(s, TAILQ_FIRST(&s->used));
}

static bool
is_good(const struct kept *k)
{
	int64_t now = (int64_t)(clock_wall_us() / 1000000);

	return clock_mono_us() < k->until_us && k->facts->latest_not_before <= now &&
	    now < k->facts->earliest_not_after && SSL_SESSION_is_resumable(k->session) == 1;
}

SSL_SESSION *
sessions_take(struct sessions *s, const uint8_t key[32], struct tls_facts **out_facts,
    uint64_t *out_until_us)
{
	struct slot *slot = slot_find(s, key);
	SSL_SESSION *out = NULL;

	while (slot != NULL && slot->n > 0 && out == NULL) {
		struct kept *k = &slot->kept[slot->n - 1];	/* the newest lives longest */
		bool good = is_good(k);

		if (good) {
			out = k->session;
			CHECK(SSL_SESSION_up_ref(out) == 1);
			*out_facts = tls_facts_ref(k->facts);
			*out_until_us = k->until_us;
		}
		if (!good || SSL_SESSION_get_protocol_version(out) >= TLS1_3_VERSION)
			kept_drop(s, slot, slot->n - 1);
	}
	if (slot != NULL && slot->n == 0)
		slot_free(s, slot);
	return out;
}
