/* SPDX-License-Identifier: ISC */
/* receipts.c - see receipts.h.  Runs in: master (create), recorder, workers (read). */
#include "config.h"

#include "shm/receipts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "shm/segment.h"

struct shared {
	_Atomic uint64_t taken[RING_SLOTS];
	_Atomic uint32_t aborted[RING_SLOTS];
	_Atomic bool refused;
	struct intent intent;
};

struct receipts {
	struct segment segment;		/* fd -1 where it was only mapped */
	const struct shared *shared;
	struct shared *writable;	/* NULL in workers */
};

struct receipts *
receipts_create(struct errmsg *err)
{
	struct receipts *r = mem_new(struct receipts);

	if (segment_create(&r->segment, "mitmd-receipts", sizeof(struct shared), err) != 0) {
		free(r);
		return NULL;
	}
	r->writable = r->segment.map;
	r->shared = r->writable;
	return r;
}

int
receipts_fd(const struct receipts *r)
{
	return r->segment.fd;
}

void
receipts_fork(struct receipts *r, bool inherit)
{
	segment_fork(&r->segment, inherit);
}

void
receipts_reset(struct receipts *r, unsigned slot)
{
	receipts_take(r, slot, 0);
	atomic_store_explicit(&r->writable->aborted[slot], 0, memory_order_relaxed);
}

struct receipts *
receipts_open(int fd, struct errmsg *err)
{
	const void *map = segment_open(fd, sizeof(struct shared), err);
	struct receipts *r;

	if (map == NULL)
		return NULL;
	r = mem_new(struct receipts);
	r->segment.fd = -1;
	r->shared = map;
	return r;
}

void
receipts_free(struct receipts **rp)
{
	struct receipts *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->writable != NULL)
		segment_free(&r->segment);
	else
		(void)munmap((void *)(uintptr_t)r->shared, sizeof(struct shared));
	free(r);
}

uint64_t
receipts_taken(const struct receipts *r, unsigned slot)
{
	CHECK(slot < RING_SLOTS);
	return atomic_load_explicit(&r->shared->taken[slot], memory_order_acquire);
}

void
receipts_take(struct receipts *r, unsigned slot, uint64_t pos)
{
	CHECK(slot < RING_SLOTS && r->writable != NULL);
	atomic_store_explicit(&r->writable->taken[slot], pos, memory_order_release);
}

uint32_t
receipts_aborted(const struct receipts *r, unsigned slot)
{
	CHECK(slot < RING_SLOTS);
	return atomic_load_explicit(&r->shared->aborted[slot], memory_order_acquire);
}

void
receipts_refuse(struct receipts *r, bool refuse)
{
	CHECK(r->writable != NULL);
	atomic_store_explicit(&r->writable->refused, refuse, memory_order_relaxed);
}

bool
receipts_refused(const struct receipts *r)
{
	return atomic_load_explicit(&r->shared->refused, memory_order_relaxed);
}

const struct intent *
receipts_intent(const struct receipts *r)
{
	return &r->shared->intent;
}

enum intent_state
receipts_state(const struct receipts *r)
{
	return atomic_load(&r->shared->intent.state);
}

void
receipts_begin(struct receipts *r, const char *dir)
{
	struct intent *i = &r->writable->intent;

	CHECK(receipts_state(r) == INTENT_NONE);
	i->nfiles = i->nslots = 0;
	(void)snprintf(i->dir, sizeof(i->dir), "%s", dir);
}

void
receipts_file(struct receipts *r, const struct intent_file *file)
{
	struct intent *i = &r->writable->intent;

	CHECK(receipts_state(r) == INTENT_NONE && i->nfiles < INTENT_FILES);
	i->files[i->nfiles++] = *file;
}

void
receipts_slot(struct receipts *r, unsigned slot, uint64_t pos, uint32_t aborted)
{
	struct intent *i = &r->writable->intent;

	CHECK(receipts_state(r) == INTENT_NONE && i->nslots < RING_SLOTS && slot < RING_SLOTS);
	i->slots[i->nslots].slot = slot;
	i->slots[i->nslots].pos = pos;
	i->slots[i->nslots].aborted = aborted;
	i->nslots++;
}

void
receipts_ready(struct receipts *r)
{
	atomic_store(&r->writable->intent.state, INTENT_READY);
}

void
receipts_written(struct receipts *r)
{
	CHECK(receipts_state(r) == INTENT_READY);
	atomic_store(&r->writable->intent.state, INTENT_WRITTEN);
}

void
receipts_done(struct receipts *r)
{
	struct intent *i = &r->writable->intent;
	uint32_t n;

	CHECK(receipts_state(r) == INTENT_WRITTEN);
	for (n = 0; n < i->nslots; n++) {
		receipts_take(r, i->slots[n].slot, i->slots[n].pos);
		atomic_store_explicit(&r->writable->aborted[i->slots[n].slot],
		    i->slots[n].aborted, memory_order_release);
	}
	atomic_store(&i->state, INTENT_NONE);
}

void
receipts_undone(struct receipts *r)
{
	CHECK(receipts_state(r) == INTENT_READY);
	atomic_store(&r->writable->intent.state, INTENT_NONE);
}
