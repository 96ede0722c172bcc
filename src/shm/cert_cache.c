/* SPDX-License-Identifier: ISC */
/*
 * cert_cache.c - see cert_cache.h.  A key's hash names a set of WAYS slots; the
 * sets are dealt to shards, each with a mutex for its writers.
 * Runs in: master, signer, worker.
 */
#include "config.h"

#include "shm/cert_cache.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "shm/seqlock.h"

#define MAGIC 0x6d636331u	/* the layout; change it with any change here */
#define WAYS 8
#define SHARDS_MAX 64
#define TRIES 3
#define HEAD_BYTES 8192		/* header and mutexes; slots begin on a page */
#define SLOT_BYTES 4096

struct entry {
	struct cert_key key;
	int64_t refresh_at;	/* 0: the slot is empty */
	uint64_t len;
	uint8_t der[CERT_CACHE_DER_MAX];
};
#define ENTRY_WORDS (sizeof(struct entry) / sizeof(uint64_t))
#define PREFIX_WORDS (offsetof(struct entry, der) / sizeof(uint64_t))

struct slot {
	struct seqlock lock;
	seqlock_word words[ENTRY_WORDS];
	uint8_t unused[SLOT_BYTES - sizeof(struct seqlock) - sizeof(struct entry)];
};

struct shard {
	pthread_mutex_t mutex;
	uint8_t unused[64 - sizeof(pthread_mutex_t) % 64];
};

struct head {
	uint32_t magic, nsets, nshards, unused[13];
	struct shard shards[SHARDS_MAX];
};

_Static_assert(sizeof(struct slot) == SLOT_BYTES, "a slot is a page");
_Static_assert(sizeof(struct entry) % sizeof(uint64_t) == 0, "copied by whole words");
_Static_assert(sizeof(struct head) <= HEAD_BYTES, "the header fits");

struct cert_cache {
	struct head *head;	/* writers only */
	const struct slot *slots;
	uint32_t nsets, nshards;	/* our own copy: the map may change under a reader */
	void *mapped;		/* readers: ours to unmap */
	size_t size;
};

void
cert_like_hash(const struct cert_like *like, uint8_t out[32])
{
	/* Parts of any length as digests: no two inputs run into one. */
	uint8_t bytes[32 + 8 + 8 + 4 * 32 + 4 + 4 + 1];

	memcpy(bytes, like->origin_leaf, 32);
	memcpy(bytes + 32, &like->not_before, 8);
	memcpy(bytes + 40, &like->not_after, 8);
	(void)SHA256((const uint8_t *)like->cn.p, like->cn.n, bytes + 48);
	(void)SHA256((const uint8_t *)like->org.p, like->org.n, bytes + 80);
	(void)SHA256((const uint8_t *)like->names.p, like->names.n, bytes + 112);
	(void)SHA256((const uint8_t *)like->why.p, like->why.n, bytes + 144);
	memcpy(bytes + 176, &like->copy, 4);
	memcpy(bytes + 180, &like->key_usage, 4);
	bytes[184] = like->staple;
	(void)SHA256(bytes, sizeof(bytes), out);
}

struct cert_key
cert_key_make(struct str asked_name, const uint8_t like[32], uint8_t recipe,
    const uint8_t leaf_key_id[8], const uint8_t issuer_id[32])
{
	/* Fixed fields first, the one of variable length last: no two inputs run into one. */
	uint8_t bytes[32 + 1 + 8 + 32 + 256];
	struct cert_key key;
	size_t n = MIN(asked_name.n, 256);

	memcpy(bytes, like, 32);
	bytes[32] = recipe;
	memcpy(bytes + 33, leaf_key_id, 8);
	memcpy(bytes + 41, issuer_id, 32);
	if (n > 0)
		memcpy(bytes + 73, asked_name.p, n);
	(void)SHA256(bytes, 73 + n, key.hash);
	return key;
}

void
cert_issuer_id(const uint8_t ca_id[32], int64_t lifetime, char *const *permit, size_t npermit,
    uint8_t out[32])
{
	uint8_t bytes[32 + 8 + 32] = {0};
	size_t i;

	/* A chain over the list: no two lists run into one. */
	for (i = 0; i < npermit; i++) {
		(void)SHA256((const uint8_t *)permit[i], strlen(permit[i]), bytes);
		(void)SHA256(bytes, sizeof(bytes), bytes + 40);
	}
	memcpy(bytes, ca_id, 32);
	memcpy(bytes + 32, &lifetime, 8);
	(void)SHA256(bytes, sizeof(bytes), out);
}

int
cert_cache_create(struct segment *s, unsigned slots, struct errmsg *err)
{
	uint32_t nsets = MAX(slots / WAYS, 1u), i;
	struct head *head;

	if (segment_create(s, "mitmd-certs", HEAD_BYTES + (size_t)nsets * WAYS * SLOT_BYTES,
	    err) != 0)
		return -1;
	head = s->map;
	head->magic = MAGIC;
	head->nsets = nsets;
	head->nshards = MIN(nsets, SHARDS_MAX);
	for (i = 0; i < head->nshards; i++)
		robust_init(&head->shards[i].mutex);
	return 0;
}

static void
take_layout(struct cert_cache *c, const struct head *head)
{
	c->nsets = head->nsets;
	c->nshards = head->nshards;
	c->slots = (const struct slot *)((const uint8_t *)head + HEAD_BYTES);
}

struct cert_cache *
cert_cache_writer(struct segment *s)
{
	struct cert_cache *c = mem_new(struct cert_cache);

	c->head = s->map;
	c->size = s->size;
	take_layout(c, c->head);
	return c;
}

struct cert_cache *
cert_cache_reader(int fd, struct errmsg *err)
{
	struct cert_cache *c;
	struct stat st;
	const void *map;

	if (fstat(fd, &st) == -1 || st.st_size < HEAD_BYTES) {
		(void)errmsg_set(err, "the certificate cache is not there");
		return NULL;
	}
	map = segment_open(fd, (size_t)st.st_size, err);
	if (map == NULL)
		return NULL;
	c = mem_new(struct cert_cache);
	c->size = (size_t)st.st_size;
	c->mapped = (void *)(uintptr_t)map;
	take_layout(c, map);
	if (((const struct head *)map)->magic != MAGIC || c->nsets == 0 ||
	    HEAD_BYTES + (uint64_t)c->nsets * WAYS * SLOT_BYTES != c->size) {
		(void)errmsg_set(err, "the certificate cache has another layout");
		cert_cache_free(&c);
	}
	return c;
}

void
cert_cache_free(struct cert_cache **pc)
{
	struct cert_cache *c = pc != NULL ? *pc : NULL;

	if (c == NULL)
		return;
	*pc = NULL;
	if (c->mapped != NULL)
		(void)munmap(c->mapped, c->size);
	free(c);
}

static uint32_t
set_of(const struct cert_cache *c, const struct cert_key *key)
{
	uint32_t h;

	memcpy(&h, key->hash, sizeof(h));
	return h % c->nsets;
}

/* Cheap first look; what it says is only trusted after a checked copy. */
static bool
may_hold(const struct slot *slot, const struct cert_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];

	seqlock_copy_out(words, slot->words, NELEM(words));
	return memcmp(words, key->hash, sizeof(words)) == 0;
}

/* 1: copied, 0: another key or too old, -1: somebody wrote meanwhile. */
static int
copy_checked(const struct slot *slot, const struct cert_key *key, int64_t now,
    struct entry *e)
{
	uint32_t before = seqlock_peek(&slot->lock);

	if (before & 1)
		return -1;
	seqlock_copy_out(e, slot->words, PREFIX_WORDS);
	/* The length may be torn until the sequence has been looked at again. */
	if (e->len <= sizeof(e->der))
		seqlock_copy_out(e->der, slot->words + PREFIX_WORDS, (e->len + 7) / 8);
	if (!seqlock_unchanged(&slot->lock, before))
		return -1;
	return e->len > 0 && e->len <= sizeof(e->der) && now < e->refresh_at &&
	    memcmp(&e->key, key, sizeof(*key)) == 0;
}

size_t
cert_cache_find(struct cert_cache *c, const struct cert_key *key, int64_t now,
    uint8_t out[CERT_CACHE_DER_MAX], int64_t *out_refresh_at)
{
	const struct slot *set = c->slots + (size_t)set_of(c, key) * WAYS;
	struct entry e;
	unsigned way, try;
	int got;

	for (way = 0; way < WAYS; way++) {
		if (!may_hold(&set[way], key))
			continue;
		for (try = 0, got = -1; try < TRIES && got == -1; try++)
			got = copy_checked(&set[way], key, now, &e);
		if (got != 1)
			continue;
		memcpy(out, e.der, e.len);
		*out_refresh_at = e.refresh_at;
		return e.len;
	}
	return 0;
}

static struct slot *
slot_at(struct cert_cache *c, uint32_t set, unsigned way)
{
	struct slot *slots = (struct slot *)((uint8_t *)c->head + HEAD_BYTES);

	return &slots[(size_t)set * WAYS + way];
}

/* What a writer that died left half-written. */
static void
repair(struct cert_cache *c, uint32_t shard)
{
	static const struct entry empty;
	uint32_t set;
	unsigned way;

	for (set = shard; set < c->nsets; set += c->nshards) {
		for (way = 0; way < WAYS; way++) {
			struct slot *slot = slot_at(c, set, way);

			if ((seqlock_peek(&slot->lock) & 1) == 0)
				continue;
			seqlock_write_begin(&slot->lock);
			seqlock_copy_in(slot->words, &empty, ENTRY_WORDS);
			seqlock_write_end(&slot->lock);
		}
	}
}

/* The slot of that key, else an empty one, else the one that ends first. */
static struct slot *
choose(struct cert_cache *c, uint32_t set, const struct cert_key *key)
{
	struct slot *best = NULL;
	int64_t best_refresh = 0;
	unsigned way;

	for (way = 0; way < WAYS; way++) {
		struct slot *slot = slot_at(c, set, way);
		struct entry e;

		seqlock_copy_out(&e, slot->words, PREFIX_WORDS);
		if (memcmp(&e.key, key, sizeof(*key)) == 0)
			return slot;
		if (best == NULL || e.refresh_at < best_refresh) {
			best = slot;
			best_refresh = e.refresh_at;
		}
	}
	return best;
}

void
cert_cache_put(struct cert_cache *c, const struct cert_key *key, struct str der,
    int64_t refresh_at)
{
	uint32_t set = set_of(c, key), shard = set % c->nshards;
	pthread_mutex_t *mutex = &c->head->shards[shard].mutex;
	struct slot *slot;
	struct entry e;

	if (der.n == 0 || der.n > sizeof(e.der))
		return;
	e.key = *key;
	e.refresh_at = refresh_at;
	e.len = der.n;
	memcpy(e.der, der.p, der.n);
	memset(e.der + der.n, 0, -der.n & 7);	/* up to the next whole word */
	if (robust_lock(mutex)) {
		repair(c, shard);
		robust_repaired(mutex);
	}
	slot = choose(c, set, key);
	seqlock_write_begin(&slot->lock);
	seqlock_copy_in(slot->words, &e, PREFIX_WORDS + (der.n + 7) / 8);
	seqlock_write_end(&slot->lock);
	robust_unlock(mutex);
}
