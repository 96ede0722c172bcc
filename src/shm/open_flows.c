/* SPDX-License-Identifier: ISC */
/* open_flows.c - see open_flows.h.  Runs in: worker, recorder. */
#include "config.h"

#include "shm/open_flows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "shm/ring.h"

struct row {
	_Atomic uint64_t position;	/* of the ring, with the entry; 0: there is none yet */
	_Atomic uint32_t open;
	struct open_flow flow;
} __attribute__((aligned(OPEN_FLOW_SIZE)));

_Static_assert(sizeof(struct row) == OPEN_FLOW_SIZE, "rows are counted by their size");

struct open_flows_map {
	union {
		_Atomic uint32_t used;	/* rows below may have been written */
		uint8_t head[OPEN_FLOWS_HEAD];
	};
	struct row rows[OPEN_FLOWS];
};

_Static_assert(sizeof(struct open_flows_map) == OPEN_FLOWS_BYTES, "as long as the memory");

struct open_flows {
	struct open_flows_map *map;
	unsigned nspare;
	uint16_t spare[OPEN_FLOWS];	/* numbers; the one used last is the next */
};

static void *
map_them(int ring_fd, int prot, struct errmsg *err)
{
	void *map = mmap(NULL, OPEN_FLOWS_BYTES, prot, MAP_SHARED, ring_fd, RING_OPEN_FLOWS_AT);

	if (map != MAP_FAILED)
		return map;
	(void)errmsg_sys(err, "cannot map the table of open flows");
	return NULL;
}

/* ---- worker ---- */

struct open_flows *
open_flows_new(int ring_fd, struct errmsg *err)
{
	struct open_flows_map *map = map_them(ring_fd, PROT_READ | PROT_WRITE, err);
	struct open_flows *o;
	unsigned i;

	if (map == NULL)
		return NULL;
	o = mem_new(struct open_flows);
	o->map = map;
	for (i = OPEN_FLOWS; i > 0; i--)
		o->spare[o->nspare++] = (uint16_t)(i - 1);
	return o;
}

void
open_flows_free(struct open_flows **po)
{
	struct open_flows *o = *po;

	*po = NULL;
	if (o == NULL)
		return;
	(void)munmap(o->map, OPEN_FLOWS_BYTES);
	free(o);
}

unsigned
open_flows_begin(struct open_flows *o, struct open_flow **out)
{
	unsigned i;

	if (o->nspare == 0)
		return 0;
	i = o->spare[--o->nspare];
	if (i >= atomic_load_explicit(&o->map->used, memory_order_relaxed))
		atomic_store_explicit(&o->map->used, i + 1, memory_order_relaxed);
	atomic_store_explicit(&o->map->rows[i].position, 0, memory_order_relaxed);
	*out = &o->map->rows[i].flow;
	return i + 1;
}

static struct row *
row_of(struct open_flows *o, unsigned no)
{
	CHECK(no > 0 && no <= OPEN_FLOWS);
	return &o->map->rows[no - 1];
}

void
open_flows_known(struct open_flows *o, unsigned no)
{
	atomic_store_explicit(&row_of(o, no)->open, 1, memory_order_release);
}

void
open_flows_flag(struct open_flows *o, unsigned no, uint8_t flag)
{
	row_of(o, no)->flow.flags |= flag;
}

_Atomic uint64_t *
open_flows_position(struct open_flows *o, unsigned no)
{
	return &row_of(o, no)->position;
}

void
open_flows_end(struct open_flows *o, unsigned no)
{
	atomic_store_explicit(&row_of(o, no)->open, 0, memory_order_release);
	o->spare[o->nspare++] = (uint16_t)(no - 1);
}

/* ---- recorder ---- */

const struct open_flows_map *
open_flows_map(int ring_fd, struct errmsg *err)
{
	return map_them(ring_fd, PROT_READ, err);
}

void
open_flows_unmap(const struct open_flows_map **pm)
{
	const struct open_flows_map *m = *pm;

	*pm = NULL;
	if (m != NULL)
		(void)munmap((void *)(uintptr_t)m, OPEN_FLOWS_BYTES);
}

unsigned
open_flows_used(const struct open_flows_map *m)
{
	return MIN(atomic_load_explicit(&m->used, memory_order_acquire), (unsigned)OPEN_FLOWS);
}

bool
open_flows_lost(const struct open_flows_map *m, unsigned row, uint64_t taken,
    struct open_flow *out)
{
	const struct row *r = &m->rows[row];
	uint64_t position;

	CHECK(row < OPEN_FLOWS);
	if (atomic_load_explicit(&r->open, memory_order_acquire) != 1)
		return false;
	position = atomic_load_explicit(&r->position, memory_order_acquire);
	if (position != 0 && position <= taken)
		return false;
	memcpy(out, &r->flow, sizeof(*out));
	return out->tag_len <= OPEN_TAG_MAX && out->method_len <= OPEN_METHOD_MAX &&
	    out->host_len <= OPEN_HOST_MAX && out->path_len <= OPEN_PATH_MAX;
}
