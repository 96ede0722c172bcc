/* SPDX-License-Identifier: ISC */
/* tally.c - see tally.h.  Runs in: mitmctl, tests. */
#include "config.h"

#include "ctl/tally.h"

#include <stdlib.h>

#include "base/mem.h"

/*
 * A bucket for each of the first sixteen microseconds, then sixteen for each power of two:
 * the middle of one is at most a thirty-second part from what is in it.
 */
#define STEP_BITS 4
#define STEPS (1u << STEP_BITS)
#define BUCKETS ((51 - STEP_BITS) * STEPS + STEPS)	/* 2^51 us are seventy years */

#define SLOTS 2048u		/* twice the names */
#define NAME_MAX_BYTES 256

struct spread {
	uint64_t n;
	int64_t max;
	uint32_t buckets[BUCKETS];
};

struct tally {
	struct tally_row rows[TALLY_NAMES + 1];
	size_t n;
	bool others;		/* the last row */
	uint16_t slots[SLOTS];	/* row + 1; 0: free */
};

struct spread *
spread_new(void)
{
	return mem_new(struct spread);
}

static size_t
bucket_of(uint64_t us)
{
	unsigned power;

	if (us < STEPS)
		return (size_t)us;
	power = 63u - (unsigned)__builtin_clzll(us);
	return (size_t)(power - STEP_BITS) * STEPS + STEPS +
	    (size_t)(us >> (power - STEP_BITS) & (STEPS - 1));
}

static int64_t
middle_of(size_t bucket)
{
	unsigned power;
	uint64_t low;

	if (bucket < 2 * STEPS)		/* one microsecond wide */
		return (int64_t)bucket;
	power = (unsigned)(bucket / STEPS) - 1;
	low = (uint64_t)(STEPS + bucket % STEPS) << power;
	return (int64_t)(low + ((uint64_t)1 << power) / 2);
}

void
spread_add(struct spread *s, int64_t us)
{
	if (us < 0)
		return;
	s->n++;
	s->max = MAX(s->max, us);
	s->buckets[MIN(bucket_of((uint64_t)us), (size_t)BUCKETS - 1)]++;
}

int64_t
spread_part(const struct spread *s, double part)
{
	uint64_t wanted, seen = 0;
	size_t i;

	if (s->n == 0)
		return -1;
	wanted = (uint64_t)(part * (double)s->n + 0.999999);
	wanted = MAX(wanted, (uint64_t)1);
	for (i = 0; i < BUCKETS; i++) {
		seen += s->buckets[i];
		if (seen >= wanted)
			return MIN(middle_of(i), s->max);
	}
	return s->max;
}

int64_t
spread_max(const struct spread *s)
{
	return s->n > 0 ? s->max : -1;
}

/* ---- names ---- */

struct tally *
tally_new(void)
{
	return mem_new(struct tally);
}

void
tally_free(struct tally **tp)
{
	struct tally *t = *tp;
	size_t i;

	*tp = NULL;
	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->rows[i].name.p);
		free(t->rows[i].time);
		free(t->rows[i].wait);
	}
	free(t);
}

/* FNV-1a. There are no more than TALLY_NAMES, whoever chose them. */
static uint32_t
hash(struct str s)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < s.n; i++)
		h = (h ^ (uint8_t)s.p[i]) * 16777619u;
	return h;
}

static struct tally_row *
new_row(struct tally *t, struct str name)
{
	struct tally_row *row = &t->rows[t->n++];

	row->name = str_of(str_dup(name), name.n);
	row->time = spread_new();
	row->wait = spread_new();
	return row;
}

static struct tally_row *
row_of(struct tally *t, struct str name)
{
	uint32_t slot;

	name.n = MIN(name.n, (size_t)NAME_MAX_BYTES);
	for (slot = hash(name) % SLOTS; t->slots[slot] != 0; slot = (slot + 1) % SLOTS)
		if (str_eq(t->rows[t->slots[slot] - 1].name, name))
			return &t->rows[t->slots[slot] - 1];
	if (t->n < TALLY_NAMES) {
		t->slots[slot] = (uint16_t)(t->n + 1);
		return new_row(t, name);
	}
	if (!t->others)
		(void)new_row(t, STR("(others)"));
	t->others = true;
	return &t->rows[TALLY_NAMES];
}

void
tally_add(struct tally *t, struct str name, const struct tally_entry *e)
{
	struct tally_row *row = row_of(t, name);

	row->entries++;
	row->failed += e->failed;
	row->sent += (uint64_t)MAX(e->sent, 0);
	row->received += (uint64_t)MAX(e->received, 0);
	spread_add(row->time, e->time_us);
	spread_add(row->wait, e->wait_us);
}

static int
by_entries(const void *va, const void *vb)
{
	const struct tally_row *a = va, *b = vb;
	size_t n = MIN(a->name.n, b->name.n);
	int rc;

	if (a->entries != b->entries)
		return a->entries > b->entries ? -1 : 1;
	rc = n > 0 ? memcmp(a->name.p, b->name.p, n) : 0;
	return rc != 0 ? rc : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

const struct tally_row *
tally_rows(struct tally *t, size_t *n)
{
	qsort(t->rows, t->n - t->others, sizeof(t->rows[0]), by_entries);
	*n = t->n;
	return t->rows;
}

bool
tally_has_others(const struct tally *t)
{
	return t->others;
}
