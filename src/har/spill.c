/* SPDX-License-Identifier: ISC */
/*
 * spill.c - see spill.h.  Owns the file and the map of its extents.  The
 * lowest free extent is taken first, so that the file shrinks from its end.
 * Runs in: worker, tests.
 */
#include "config.h"

#include "har/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

/* Free extents that may keep their disk blocks: writing them again is then cheaper. */
#define IDLE_MAX 64

struct spill {
	int fd;
	uint32_t max;		/* extents */
	uint32_t used;
	uint32_t end;		/* no extent from here on has disk blocks */
	uint32_t hint;		/* no extent below is free */
	uint32_t idle;		/* free, but with disk blocks */
	uint64_t *taken;	/* bit per extent */
	uint64_t *backed;	/* bit per extent: has disk blocks */
	bool tight;		/* the disk was full: idle extents are what it lacks */
};

static bool
bit_get(const uint64_t *map, uint32_t i)
{
	return (map[i / 64] >> (i % 64) & 1) != 0;
}

static void
bit_set(uint64_t *map, uint32_t i, bool on)
{
	uint64_t bit = UINT64_C(1) << (i % 64);

	map[i / 64] = on ? map[i / 64] | bit : map[i / 64] & ~bit;
}

struct spill *
spill_new(int fd, uint64_t max_bytes)
{
	struct spill *s = mem_new(struct spill);
	size_t words;

	s->fd = fd;
	s->max = (uint32_t)MIN(max_bytes / SPILL_EXTENT, (uint64_t)1 << 24);
	words = s->max / 64 + 1;
	s->taken = mem_zalloc(words * sizeof(*s->taken));
	s->backed = mem_zalloc(words * sizeof(*s->backed));
	return s;
}

void
spill_free(struct spill **sp)
{
	struct spill *s = *sp;

	if (s == NULL)
		return;
	fd_close(&s->fd);
	free(s->taken);
	free(s->backed);
	free(s);
	*sp = NULL;
}

uint64_t
spill_in_use(const struct spill *s)
{
	return (uint64_t)s->used * SPILL_EXTENT;
}

static int
extent_take(struct spill *s, uint32_t *out)
{
	uint32_t i = s->hint;

	if (s->used == s->max)
		return ERR_LIMIT;
	while (s->taken[i / 64] >> (i % 64) == UINT64_MAX >> (i % 64))
		i = (i / 64 + 1) * 64;
	while (bit_get(s->taken, i))
		i++;
	CHECK(i < s->max);
	bit_set(s->taken, i, true);
	s->used++;
	s->hint = i + 1;
	if (bit_get(s->backed, i))
		s->idle--;
	bit_set(s->backed, i, true);
	s->end = MAX(s->end, i + 1);
	*out = i;
	return 0;
}

static void
extent_give(struct spill *s, uint32_t i)
{
	CHECK(i < s->max && bit_get(s->taken, i));
	bit_set(s->taken, i, false);
	s->used--;
	s->idle++;
	s->hint = MIN(s->hint, i);
}

static void
punch(struct spill *s, uint32_t from, uint32_t to)
{
	(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)from * SPILL_EXTENT, (off_t)(to - from) * SPILL_EXTENT);
}

/*
 * Give disk blocks of free extents back.  Neither call must succeed: a file
 * system or a sandbox without them only costs disk space.
 */
static void
shrink(struct spill *s)
{
	uint32_t i, from;

	while (s->end > 0 && !bit_get(s->taken, s->end - 1)) {
		s->end--;
		if (bit_get(s->backed, s->end))
			s->idle--;
		bit_set(s->backed, s->end, false);
	}
	if (ftruncate(s->fd, (off_t)s->end * SPILL_EXTENT) != 0)
		punch(s, s->end, s->max);
	for (i = 0; i < s->end && s->idle > 0; i++) {
		from = i;
		for (; i < s->end && bit_get(s->backed, i) && !bit_get(s->taken, i); i++) {
			bit_set(s->backed, i, false);
			s->idle--;
		}
		if (i > from)
			punch(s, from, i);
	}
}

static int
write_at(int fd, const uint8_t *p, size_t n, off_t at)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w, at += w) {
		w = pwrite(fd, p, n, at);
		if (w < 0 && errno == EINTR)
			w = 0;
		if (w < 0)
			return ERR_SYS;
	}
	return 0;
}

static int
run_grow(struct spill *s, struct spill_run *r)
{
	uint32_t extent;
	int err = extent_take(s, &extent);

	if (err != 0)
		return err;
	if (r->nextents == r->cap) {
		r->cap = r->cap > 0 ? r->cap * 2 : 4;
		r->extents = mem_grow(r->extents, r->cap, sizeof(*r->extents));
	}
	r->extents[r->nextents++] = extent;
	r->spill = s;
	return 0;
}

static off_t
run_offset(const struct spill_run *r, uint64_t at)
{
	return (off_t)r->extents[at / SPILL_EXTENT] * SPILL_EXTENT + (off_t)(at % SPILL_EXTENT);
}

int
spill_write(struct spill *s, struct spill_run *r, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t had = r->nextents, k;
	uint64_t len = r->len;
	int err = 0;

	for (; n > 0 && err == 0; p += k, n -= k, len += k) {
		k = MIN(n, (size_t)(SPILL_EXTENT - len % SPILL_EXTENT));
		if (len == (uint64_t)r->nextents * SPILL_EXTENT)
			err = run_grow(s, r);
		if (err == 0)
			err = write_at(s->fd, p, k, run_offset(r, len));
	}
	if (err == 0) {
		r->len = len;
		return 0;
	}
	while (r->nextents > had)
		extent_give(s, r->extents[--r->nextents]);
	s->tight |= err == ERR_SYS;
	return err;
}

int
spill_read(const struct spill_run *r, uint64_t offset, void *bytes, size_t n)
{
	uint8_t *p = bytes;
	ssize_t got;
	size_t k;

	CHECK(offset <= r->len && n <= r->len - offset);
	for (; n > 0; p += got, n -= (size_t)got, offset += (size_t)got) {
		k = MIN(n, (size_t)(SPILL_EXTENT - offset % SPILL_EXTENT));
		got = pread(r->spill->fd, p, k, run_offset(r, offset));
		if (got < 0 && errno == EINTR) {
			got = 0;
			continue;
		}
		if (got <= 0) {
			errno = got == 0 ? EIO : errno;
			return ERR_SYS;
		}
	}
	return 0;
}

void
spill_release(struct spill_run *r)
{
	struct spill *s = r->spill;

	while (r->nextents > 0)
		extent_give(s, r->extents[--r->nextents]);
	free(r->extents);
	*r = (struct spill_run){0};
	if (s == NULL || s->idle == 0)
		return;
	if (s->tight || (s->idle > IDLE_MAX && s->idle > s->used))
		shrink(s);
	s->tight &= s->used > 0;
}
