/* SPDX-License-Identifier: ISC */
/* large.c - see large.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/large.h"

#include <stdlib.h>

#include "base/mem.h"

#define CHUNK (1u << 20)
#define STEP_BYTES (8u << 20)	/* of a turn */

int
large_begin(struct large *l, struct spool *spool, const struct ring_entry *e, int spill,
    uint64_t max, struct spool_pos pos)
{
	int rc;

	CHECK(!l->active);
	l->spool = spool;
	l->entry = *e;
	l->pos = pos;
	CHECK(pieces_init(&l->pieces, &l->entry, spill, max) == 0);
	rc = spool_large_begin(spool, e->tag, &l->file);
	if (rc != 0)
		return rc;
	json_check_init(&l->check);
	l->chunk = mem_alloc(CHUNK);
	l->active = true;
	return 0;
}

static enum large_step
end(struct large *l, enum large_step how)
{
	free(l->chunk);
	l->chunk = NULL;
	l->active = false;
	return how;
}

static enum large_step
give_up(struct large *l)
{
	spool_large_drop(l->spool, &l->file);
	return end(l, LARGE_BAD);
}

static enum large_step
outcome(int rc)
{
	return rc == 0 ? LARGE_DONE : rc == ERR_AGAIN ? LARGE_AGAIN : LARGE_LOST;
}

enum large_step
large_step(struct large *l, uint64_t now_us)
{
	size_t done = 0;
	ssize_t got;
	int rc;

	while (done < STEP_BYTES) {
		got = pieces_read(&l->pieces, l->chunk, CHUNK);
		if (got == 0 && json_check_end(&l->check)) {
			rc = spool_large_end(l->spool, l->entry.tag, &l->file, l->pos,
			    now_us);
			return end(l, outcome(rc));
		}
		if (got <= 0 || !json_check_feed(&l->check, l->chunk, (size_t)got))
			return give_up(l);
		rc = spool_large_feed(l->spool, &l->file, str_of(l->chunk, (size_t)got));
		if (rc != 0)
			return end(l, outcome(rc));
		done += (size_t)got;
	}
	return LARGE_MORE;
}

void
large_free(struct large *l)
{
	if (l->active)
		(void)give_up(l);
}
