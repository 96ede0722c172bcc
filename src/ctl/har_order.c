/* SPDX-License-Identifier: ISC */
/*
 * har_order.c - see har_order.h: a merge sort.  Items of the same time come out with
 * equal digests side by side, so that one of them goes; then, a group at a time, they
 * are put back into the order they came in.
 * Runs in: mitmctl, tests.
 */
#include "config.h"

#include "ctl/har_order.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "ctl/input.h"

#define AHEAD 256u	/* items of a run that are read at once */
#define GROUP 4096u	/* items of the same time */

struct run {
	uint64_t next, end;	/* items, in the file */
	struct order_item *v;	/* AHEAD of them */
	uint32_t n, i;
};

struct order {
	struct order_item *v;
	uint32_t n, room, max, i;
	int fd;			/* -1: it all fits into memory */
	uint64_t written;	/* items in the file */
	struct run *runs;
	uint32_t nruns;

	struct order_item *group;
	uint32_t ngroup, igroup;
	struct order_item ahead;	/* the first one behind the group */
	struct order_item last;		/* that was taken */
	bool has_ahead, has_last;
	uint64_t dropped;
};

static int
compare_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_place(const void *va, const void *vb)
{
	const struct order_item *a = va, *b = vb;
	int rc = compare_number(a->file, b->file);

	return rc != 0 ? rc : compare_number(a->at, b->at);
}

static int
by_time(const void *va, const void *vb)
{
	const struct order_item *a = va, *b = vb;
	int rc;

	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	rc = memcmp(a->digest, b->digest, sizeof(a->digest));
	return rc != 0 ? rc : by_place(a, b);
}

struct order *
order_new(uint32_t run)
{
	struct order *o = mem_new(struct order);

	o->max = run > 0 ? run : ORDER_RUN;
	o->fd = -1;
	return o;
}

void
order_free(struct order **op)
{
	struct order *o = *op;
	uint32_t i;

	*op = NULL;
	if (o == NULL)
		return;
	for (i = 0; i < o->nruns; i++)
		free(o->runs[i].v);
	fd_close(&o->fd);
	free(o->runs);
	free(o->group);
	free(o->v);
	free(o);
}

static int
write_run(struct order *o, struct errmsg *err)
{
	struct run *run;

	qsort(o->v, o->n, sizeof(o->v[0]), by_time);
	if (o->fd == -1)
		o->fd = input_scratch(err);
	if (o->fd == -1)
		return -1;
	if (fd_write_all(o->fd, o->v, o->n * sizeof(o->v[0])) != 0)
		return errmsg_sys(err, "a temporary file");
	o->runs = mem_grow(o->runs, o->nruns + 1, sizeof(o->runs[0]));
	run = &o->runs[o->nruns++];
	*run = (struct run){.next = o->written, .end = o->written + o->n};
	o->written = run->end;
	o->n = 0;
	return 0;
}

int
order_add(struct order *o, const struct order_item *item, struct errmsg *err)
{
	if (o->n == o->max && write_run(o, err) < 0)
		return -1;
	if (o->n == o->room) {
		o->room = MIN(MAX(o->room * 2, 64u), o->max);
		o->v = mem_grow(o->v, o->room, sizeof(o->v[0]));
	}
	o->v[o->n++] = *item;
	return 0;
}

/* The run's next items into memory; it has none when n is 0. */
static int
fill(struct order *o, struct run *run, struct errmsg *err)
{
	uint64_t n = MIN(run->end - run->next, (uint64_t)AHEAD);
	size_t bytes = (size_t)n * sizeof(run->v[0]);

	run->i = 0;
	run->n = (uint32_t)n;
	if (n > 0 && pread(o->fd, run->v, bytes, (off_t)(run->next * sizeof(run->v[0]))) !=
	    (ssize_t)bytes)
		return errmsg_sys(err, "a temporary file");
	run->next += n;
	return 0;
}

int
order_sort(struct order *o, struct errmsg *err)
{
	uint32_t i;

	o->group = mem_grow(NULL, GROUP, sizeof(o->group[0]));
	if (o->nruns == 0) {
		if (o->n > 0)
			qsort(o->v, o->n, sizeof(o->v[0]), by_time);
		return 0;
	}
	if (o->n > 0 && write_run(o, err) < 0)
		return -1;
	free(o->v);
	o->v = NULL;
	for (i = 0; i < o->nruns; i++) {
		o->runs[i].v = mem_grow(NULL, AHEAD, sizeof(o->runs[i].v[0]));
		if (fill(o, &o->runs[i], err) < 0)
			return -1;
	}
	return 0;
}

/* The next one of all, by time: 1, 0 or -1. */
static int
next_by_time(struct order *o, struct order_item *item, struct errmsg *err)
{
	struct run *least = NULL;
	uint32_t i;

	if (o->nruns == 0) {
		if (o->i == o->n)
			return 0;
		*item = o->v[o->i++];
		return 1;
	}
	for (i = 0; i < o->nruns; i++) {	/* they are few */
		struct run *run = &o->runs[i];

		if (run->i < run->n && (least == NULL ||
		    by_time(&run->v[run->i], &least->v[least->i]) < 0))
			least = run;
	}
	if (least == NULL)
		return 0;
	*item = least->v[least->i++];
	return least->i == least->n && fill(o, least, err) < 0 ? -1 : 1;
}

static bool
same_entry(const struct order_item *a, const struct order_item *b)
{
	return a->start_us == b->start_us &&
	    memcmp(a->digest, b->digest, sizeof(a->digest)) == 0;
}

/* By time, each once. */
static int
next_unlike(struct order *o, struct order_item *item, struct errmsg *err)
{
	int rc;

	while ((rc = next_by_time(o, item, err)) == 1) {
		if (!o->has_last || !same_entry(&o->last, item))
			break;
		o->dropped++;
	}
	if (rc == 1) {
		o->last = *item;
		o->has_last = true;
	}
	return rc;
}

/* Those of one time, in the order they came in. */
static int
fill_group(struct order *o, struct errmsg *err)
{
	struct order_item item;
	int rc = 0;

	o->ngroup = o->igroup = 0;
	if (o->has_ahead)
		o->group[o->ngroup++] = o->ahead;
	o->has_ahead = false;
	while (o->ngroup < GROUP && (rc = next_unlike(o, &item, err)) == 1) {
		if (o->ngroup > 0 && o->group[0].start_us != item.start_us) {
			o->ahead = item;
			o->has_ahead = true;
			break;
		}
		o->group[o->ngroup++] = item;
	}
	qsort(o->group, o->ngroup, sizeof(o->group[0]), by_place);
	return rc < 0 ? -1 : 0;
}

int
order_next(struct order *o, struct order_item *item, struct errmsg *err)
{
	if (o->igroup == o->ngroup && fill_group(o, err) < 0)
		return -1;
	if (o->igroup == o->ngroup)
		return 0;
	*item = o->group[o->igroup++];
	return 1;
}

uint64_t
order_dropped(const struct order *o)
{
	return o->dropped;
}
