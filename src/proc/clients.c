/* SPDX-License-Identifier: ISC */
/* clients.c - see clients.h.  Runs in: worker. */
#include "config.h"

#include "proc/clients.h"

#include "proc/counters.h"

#define PROBES 16	/* places where one key may lie */

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

uint64_t
clients_key(const struct counters *all, const struct addr *addr)
{
	uint64_t h = counter_get(&all[SLOT_MASTER].client_secret), words[2] = {0, 0};

	if (addr->sa.sa_family == AF_INET6)
		memcpy(words, &addr->in6.sin6_addr, 16);
	else
		memcpy(words, &addr->in.sin_addr, 4);
	h = mix(mix(h ^ words[0]) ^ h ^ words[1]);
	return h != 0 ? h : 1;
}

static unsigned
place_of(uint64_t key, unsigned probe)
{
	return (unsigned)(key + probe) & (CLIENT_PLACES - 1);
}

void
clients_set(struct client_table *t, uint64_t key, uint32_t connections)
{
	unsigned i, at, free_at = CLIENT_PLACES;

	for (i = 0; i < PROBES; i++) {
		at = place_of(key, i);
		if (atomic_load_explicit(&t->v[at].key, memory_order_relaxed) == key) {
			atomic_store_explicit(&t->v[at].connections, connections,
			    memory_order_relaxed);
			return;
		}
		if (free_at == CLIENT_PLACES && atomic_load_explicit(&t->v[at].connections,
		    memory_order_relaxed) == 0)
			free_at = at;
	}
	if (free_at == CLIENT_PLACES || connections == 0)
		return;
	atomic_store_explicit(&t->v[free_at].key, key, memory_order_relaxed);
	atomic_store_explicit(&t->v[free_at].connections, connections, memory_order_release);
}

static uint32_t
look(const struct client_table *t, uint64_t key)
{
	unsigned i, at;

	for (i = 0; i < PROBES; i++) {
		uint64_t there;

		at = place_of(key, i);
		there = atomic_load_explicit(&t->v[at].key, memory_order_acquire);
		if (there == key)
			return atomic_load_explicit(&t->v[at].connections,
			    memory_order_relaxed);
		if (there == 0)
			return 0;	/* what is used once stays used */
	}
	return 0;
}

uint64_t
clients_elsewhere(const struct counters *all, unsigned slot, uint64_t key)
{
	unsigned i, used = (unsigned)counter_get(&all[SLOT_MASTER].slots_used);
	uint64_t sum = 0;

	/* Our own number first, then theirs: of two that take the last one, both see both. */
	atomic_thread_fence(memory_order_seq_cst);
	for (i = 0; i < used; i++)
		if (i != slot)
			sum += look(&all[i].clients, key);
	return sum;
}
