/* SPDX-License-Identifier: ISC */
/*
 * spool_large.c - see spool.h.  Runs in: recorder.
 * An entry too large for a batch is written to an unnamed file, which then
 * becomes the tag's growing one.
 */
#include "config.h"

#include "recorder/spool_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

int
spool_large_begin(struct spool *s, struct str tag, struct har_file *f)
{
	char name[RING_TAG_MAX + 1] = "";

	memcpy(name, tag.p, tag.n);
	if (spool_takes(s) && spool_files_create(s, name, f, true) == 0)
		return 0;
	return spool_trouble_large(s, name, s->bad ? EIO : errno);
}

void
spool_large_drop(struct spool *s, struct har_file *f)
{
	if (f->hidden[0] != '\0')
		(void)unlinkat(f->dir, f->hidden, 0);
	finish_live_drop(s->finish, f->inode);
	har_file_close(f);
}

/* The space that it held is free before anything else is tried. */
static int
drop_for_trouble(struct spool *s, const char *tag, struct har_file *f)
{
	int err = errno;

	spool_large_drop(s, f);
	return spool_trouble_large(s, tag, err);
}

int
spool_large_feed(struct spool *s, struct har_file *f, struct str piece)
{
	return har_file_feed(f, piece) == 0 ? 0 : drop_for_trouble(s, f->name, f);
}

static bool
publish(struct spool *s, struct tag *t, struct har_file *f, struct spool_pos pos)
{
	int tries;

	for (tries = 0; tries < SPOOL_NAME_TRIES; tries++) {
		receipts_begin(s->receipts, s->dir.path);
		spool_commit_file(s, t, f, true);
		spool_commit_positions(s, &pos, 1);
		receipts_ready(s->receipts);
		if (har_file_publish(f) == 0) {
			receipts_written(s->receipts);
			receipts_done(s->receipts);
			return true;
		}
		receipts_undone(s->receipts);
		if (errno != EEXIST)
			return false;
		spool_name(f->name, clock_wall_us(), s->instance,
		    s->number += 1u << tries);
	}
	return false;
}

int
spool_large_end(struct spool *s, struct str tag, struct har_file *f, struct spool_pos pos,
    uint64_t now_us)
{
	struct tag *t = tags_get(&s->tags, tag);
	int rc = 0;

	CHECK(!t->waiting);
	if (har_file_feed_end(f, now_us) == 0 && (!t->open || spool_files_finish(s, t)) &&
	    spool_files_make_room(s) && publish(s, t, f, pos)) {
		t->file = *f;
		tags_opened(&s->tags, t);
		spool_count_recorded(s, 1, f->end);
		if (spool_files_is_full(s, &t->file))
			(void)spool_files_finish(s, t);
	} else {
		rc = drop_for_trouble(s, t->name, f);
	}
	tags_drop_if_unused(t);
	return rc;
}
