/* SPDX-License-Identifier: ISC */
/* counters.c - see counters.h.  Runs in: master, every role. */
#include "config.h"

#include "proc/counters.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

_Static_assert(offsetof(struct counters, clients) <= 4096, "a page for a scrape to look at");

struct counters *
counters_create(int *out_fd, struct errmsg *err)
{
	size_t size = SLOT_COUNT * sizeof(struct counters);
	uint64_t secret;
	void *map;
	int fd = memfd_create("mitmd-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || ftruncate(fd, (off_t)size) == -1 ||
	    (map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		(void)errmsg_sys(err, "cannot make the counters");
		fd_close(&fd);
		return NULL;
	}
	/* From now on every new map is read-only; the first one stays as it is. */
	if (fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == -1) {
		(void)errmsg_sys(err, "cannot seal the counters");
		(void)munmap(map, size);
		fd_close(&fd);
		return NULL;
	}
	CHECK(getrandom(&secret, sizeof(secret), 0) == (ssize_t)sizeof(secret));
	counter_set(&((struct counters *)map)[SLOT_MASTER].client_secret, secret);
	*out_fd = fd;
	return map;
}

/* In the place of the writable map comes one that cannot become writable. */
static void
read_only(struct counters *all, int fd, unsigned from, unsigned to)
{
	size_t size = (to - from) * sizeof(*all), at = from * sizeof(*all);

	if (size == 0)
		return;
	CHECK(mmap(&all[from], size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)at) !=
	    MAP_FAILED);
}

void
counters_confine(struct counters *all, int fd, unsigned slot)
{
	read_only(all, fd, 0, slot);
	read_only(all, fd, slot + 1, SLOT_COUNT);
	counters_left(all, slot);
}

void
counters_taken(struct counters *all, unsigned slot)
{
	_Atomic uint64_t *used = &all[SLOT_MASTER].slots_used;

	/* Readers look no further, so that unused pages stay unused. */
	if (slot < SLOT_MASTER && slot >= counter_get(used))
		counter_set(used, slot + 1);
}

static void
zero(_Atomic uint64_t *v, size_t size)
{
	size_t i;

	for (i = 0; i < size / sizeof(*v); i++)
		counter_set(&v[i], 0);
}

void
counters_left(struct counters *all, unsigned slot)
{
	struct counters *c = &all[slot];

#define GAUGE(name, meaning) zero(&c->name, sizeof(c->name));
#define SHOWN_GAUGE(name, by, shown, unit, merge, help)                                   \
	zero((_Atomic uint64_t *)&c->name, sizeof(c->name));
#include "proc/counters.def"
	/* Only workers have clients: the pages of others stay unused. */
	if (slot < SLOT_MASTER)
		memset(&c->clients, 0, sizeof(c->clients));
}

enum counter_role
counters_role(unsigned slot)
{
	if (slot == SLOT_MASTER)
		return AS_MASTER;
	if (slot == SLOT_RECORDER)
		return AS_RECORDER;
	return slot >= SLOT_SIGNERS ? AS_SIGNER : AS_WORKER;
}

void
counter_observe(struct counter_histogram *h, uint64_t us)
{
#define END_OF(end, text) end,
	static const uint32_t ends[] = {COUNTER_BUCKETS(END_OF)};
	size_t i = 0;

	while (i < NELEM(ends) && us > ends[i])
		i++;
	counter_add(&h->bucket[i], 1);
	counter_add(&h->sum, (int64_t)us);
}
