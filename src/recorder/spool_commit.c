/* SPDX-License-Identifier: ISC */
/*
 * spool_commit.c - see spool.h.  Runs in: recorder.
 * Entries that wait in memory, and the transaction that writes all of them.
 */
#include "config.h"

#include "recorder/spool_state.h"

#include <string.h>

#define PATIENCE_US 1000000

/* ---- entries that wait ---- */

struct buf *
spool_text(struct spool *s, struct str tag)
{
	return &tags_get(&s->tags, tag)->text;
}

void
spool_added(struct spool *s, struct str tag, size_t bytes)
{
	struct tag *t = tags_find(&s->tags, tag);

	tags_add(&s->tags, t, bytes);
	if (t->text.len >= SPOOL_BATCH_BYTES || s->tags.nwaiting >= SPOOL_WAITING_TAGS)
		s->due = true;
}

void
spool_refused(struct spool *s, struct str tag, size_t length)
{
	struct tag *t = tags_find(&s->tags, tag);

	buf_truncate(&t->text, length);
	tags_drop_if_unused(t);
}

bool
spool_full(const struct spool *s)
{
	return s->tags.bytes >= SPOOL_WAITING_MAX || s->tags.nwaiting >= SPOOL_WAITING_TAGS;
}

bool
spool_due(const struct spool *s)
{
	return s->due || spool_full(s);
}

/* ---- the transaction ---- */

static void
unlock_until(struct spool *s, const struct tag *end)
{
	struct tag *t;

	for (t = TAILQ_FIRST(&s->tags.waiting); t != NULL && t != end; t = TAILQ_NEXT(t, wait))
		if (t->open)
			har_file_unlock(&t->file);
}

/* Readers are kept out of every file that will be written. false: wait for one. */
static bool
lock_all(struct spool *s, uint64_t now_us, bool patient)
{
	struct tag *t;

	TAILQ_FOREACH(t, &s->tags.waiting, wait) {
		if (!t->open)
			continue;
		if (har_file_lock(&t->file)) {
			t->locked_us = 0;
			continue;
		}
		if (t->locked_us == 0)
			t->locked_us = now_us;
		if (patient && now_us - t->locked_us < PATIENCE_US) {
			unlock_until(s, t);
			return false;
		}
		/* A disk so slow that nothing more can be finished: write all the same. */
		(void)spool_files_finish(s, t);
	}
	return true;
}

static void
prepare(struct spool *s)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.waiting, wait, next) {
		if (!s->bad && spool_files_need(s, t) == 0)
			continue;
		if (s->bad)
			spool_count_lost(s, &s->counters->har_dropped[DROPPED_SPOOL], t->count);
		else
			spool_trouble(s, t->name, t->count);
		if (spool_waits(s))
			return;		/* all of them */
		if (t->open)
			har_file_unlock(&t->file);
		tags_clear(&s->tags, t);
		tags_drop_if_unused(t);
	}
}

void
spool_commit_file(struct spool *s, const struct tag *t, const struct har_file *f, bool whole)
{
	struct intent_file i = {.whole = whole, .inode = f->inode, .offset = f->end};

	memcpy(i.tag, t->name, sizeof(i.tag));
	memcpy(i.name, f->name, sizeof(f->name));
	receipts_file(s->receipts, &i);
}

static void
write_all(struct spool *s, uint64_t now_us, uint64_t *out_entries, uint64_t *out_bytes)
{
	struct tag *t;

	TAILQ_FOREACH(t, &s->tags.waiting, wait) {
		if (har_file_append(&t->file, buf_str(&t->text), t->count, now_us) != 0) {
			spool_trouble(s, t->name, t->count);
		} else {
			*out_entries += t->count;
			*out_bytes += t->text.len;
		}
		har_file_unlock(&t->file);
		if (spool_waits(s))
			return;
	}
}

/*
 * It is to wait. Before the first byte was written nothing has happened; after
 * that, it is as if we had been killed: the intent stays, and the files are left
 * for undo(), which comes before anything else is written.
 */
static int
abandon(struct spool *s)
{
	bool begun = receipts_state(s->receipts) == INTENT_READY;
	struct tag *t;

	while ((t = TAILQ_FIRST(&s->tags.waiting)) != NULL) {
		tags_clear(&s->tags, t);
		if (t->open && begun)
			spool_files_let_go(s, t);
		else if (t->open)
			har_file_unlock(&t->file);
		if (t->open && t->file.entries == 0)
			(void)spool_files_finish(s, t);
		tags_drop_if_unused(t);
	}
	s->due = false;
	return ERR_UNAVAILABLE;
}

static void
settle_waiting(struct spool *s)
{
	struct tag *t;

	while ((t = TAILQ_FIRST(&s->tags.waiting)) != NULL) {
		tags_clear(&s->tags, t);
		tags_used(&s->tags, t);
		if (t->file.torn || t->file.entries == 0 || spool_files_is_full(s, &t->file))
			(void)spool_files_finish(s, t);
		tags_drop_if_unused(t);
	}
	s->due = false;
}

void
spool_commit_positions(struct spool *s, const struct spool_pos *pos, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		receipts_slot(s->receipts, pos[i].slot, pos[i].pos, pos[i].aborted);
}

int
spool_commit(struct spool *s, const struct spool_pos *pos, size_t n, uint64_t now_us,
    bool patient)
{
	uint64_t entries = 0, bytes = 0;
	struct tag *t;

	if (spool_waits(s))
		return abandon(s);
	if (!lock_all(s, now_us, patient))
		return ERR_AGAIN;
	prepare(s);
	if (spool_waits(s))
		return abandon(s);
	receipts_begin(s->receipts, s->dir.path != NULL ? s->dir.path : "");
	TAILQ_FOREACH(t, &s->tags.waiting, wait)
		spool_commit_file(s, t, &t->file, false);
	spool_commit_positions(s, pos, n);
	receipts_ready(s->receipts);
	write_all(s, now_us, &entries, &bytes);
	if (spool_waits(s))
		return abandon(s);
	receipts_written(s->receipts);
	receipts_done(s->receipts);
	spool_count_recorded(s, entries, bytes);
	settle_waiting(s);
	return 0;
}
