/* SPDX-License-Identifier: ISC */
/* spool.c - see spool.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "har/entry.h"
#include "recorder/tags.h"
#include "recorder/undo.h"

#define PATIENCE_US 1000000
#define RETRY_US 5000000
#define MEND_MAX_US (64ull * RETRY_US)	/* between two tries to repair what cannot be */
#define QUOTA_US 60000000
#define QUOTA_BYTES (256u << 20)	/* finished since the last look */
#define LOG_US 60000000		/* between two lines about single tags */
#define NAME_TRIES 1000
#define PREDECESSOR_MS 3000

struct spool {
	struct finish *finish;
	struct receipts *receipts;
	spool_state_fn *on_state;
	void *arg;
	struct spool_dir dir;		/* fd -1: none was usable yet */
	char *wanted;			/* the directory asked for */
	char instance[SPOOL_INSTANCE_MAX + 1];
	struct spool_conf conf;
	struct tags tags;
	unsigned number;		/* of the last file's name */
	bool due;
	bool bad;			/* entries are lost until it can be written again */
	bool torn;			/* a file was given up for recovery */
	uint64_t retry_us, quota_us, logged_us;
	uint64_t mend_us, mend_wait_us;	/* when files are repaired again */
	uint64_t finished_bytes;	/* since the quota was looked at */
	uint64_t lost, lost_before;	/* ever; when the trouble began */
};

/* ---- trouble ---- */

static void
set_bad(struct spool *s, int err)
{
	if (s->bad)
		return;
	s->bad = true;
	s->lost_before = s->lost;
	log_error("the spool %s cannot be written: %s; traffic goes on, entries are lost",
	    s->dir.path, strerror(err));
	s->on_state(s->arg, false, strerror(err));
}

static bool
is_wide(const struct spool *s, int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EROFS:
	case EIO:
		return true;
	default:
		return spool_dir_gone(&s->dir) || spool_dir_probe(&s->dir) != 0;
	}
}

/* errno says why entries of one tag could not be written: is it only this tag? */
static void
trouble(struct spool *s, const char *tag, uint64_t entries)
{
	int err = errno;
	uint64_t now_us = clock_mono_us();

	if (!s->bad && is_wide(s, err)) {
		set_bad(s, err);
		s->retry_us = now_us + RETRY_US;
	} else if (!s->bad && (s->logged_us == 0 || now_us - s->logged_us > LOG_US)) {
		log_warning("cannot write entries of tag %s: %s; they are lost", tag,
		    strerror(err));
		s->logged_us = now_us;
	}
	spool_lost(s, entries);
}

void
spool_lost(struct spool *s, uint64_t entries)
{
	s->lost += entries;
}

uint64_t
spool_lost_total(const struct spool *s)
{
	return s->lost;
}

/* ---- files ---- */

/* Left as it is for recovery, which is due as soon as the spool works again. */
static void
give_up_file(struct spool *s, struct tag *t)
{
	finish_live_drop(s->finish, t->file.inode);
	har_file_close(&t->file);
	tags_closed(&s->tags, t);
	s->torn = true;
}

/* Somebody deleted it: what was in it is gone, what comes must not follow. */
static bool
is_deleted(const struct har_file *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* false: a hung disk; the file goes on growing. */
static bool
finish_tag_file(struct spool *s, struct tag *t)
{
	bool deleted = is_deleted(&t->file);

	if (deleted) {
		log_warning("%s/%s" SPOOL_PART " was deleted while it grew: "
		    "%llu entries are lost", t->name, t->file.name,
		    (unsigned long long)t->file.entries);
		spool_lost(s, t->file.entries);
	}
	if (deleted || t->file.torn) {
		give_up_file(s, t);
		return true;
	}
	if (finish_file(s->finish, &t->file) != 0)
		return false;
	s->finished_bytes += t->file.end;
	tags_closed(&s->tags, t);
	return true;
}

static bool
make_room(struct spool *s)
{
	struct tag *t;

	if (s->tags.nopen < SPOOL_OPEN_MAX)
		return true;
	TAILQ_FOREACH(t, &s->tags.open, use) {
		if (t->waiting)
			continue;
		if (!finish_tag_file(s, t))
			break;
		tags_drop_if_unused(t);
		return true;
	}
	errno = EBUSY;
	return false;
}

static int
create_once(struct spool *s, const char *tag, struct har_file *f, bool unnamed)
{
	int dir = spool_dir_tag(&s->dir, tag, true), rc;

	if (dir == -1)
		return -1;
	spool_name(f->name, clock_wall_us(), s->instance, ++s->number);
	finish_live_begin(s->finish);
	rc = har_file_create(f, &s->dir, dir, s->instance, unnamed);
	finish_live_end(s->finish, rc == 0 ? f->inode : 0);
	return rc;
}

/* The quota may have removed the empty directory just now: then once more. */
static int
create_file(struct spool *s, const char *tag, struct har_file *f, bool unnamed)
{
	int tries, rc = -1;

	for (tries = 0; tries < NAME_TRIES && rc != 0; tries++) {
		rc = create_once(s, tag, f, unnamed);
		if (rc != 0 && errno != EEXIST && (errno != ENOENT || tries > 0))
			break;
	}
	return rc;
}

static int
need_file(struct spool *s, struct tag *t)
{
	if (t->open)
		return 0;
	if (!make_room(s) || create_file(s, t->name, &t->file, false) != 0)
		return -1;
	tags_opened(&s->tags, t);
	return 0;
}

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
		(void)finish_tag_file(s, t);
	}
	return true;
}

static void
prepare(struct spool *s)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.waiting, wait, next) {
		if (!s->bad && need_file(s, t) == 0)
			continue;
		if (s->bad)
			spool_lost(s, t->count);
		else
			trouble(s, t->name, t->count);
		if (t->open)
			har_file_unlock(&t->file);
		tags_clear(&s->tags, t);
		tags_drop_if_unused(t);
	}
}

static void
tell_intent(struct spool *s, const struct tag *t, const struct har_file *f, bool whole)
{
	struct intent_file i = {.whole = whole, .inode = f->inode, .offset = f->end};

	memcpy(i.tag, t->name, sizeof(i.tag));
	memcpy(i.name, f->name, sizeof(f->name));
	receipts_file(s->receipts, &i);
}

static void
write_all(struct spool *s, uint64_t now_us)
{
	struct tag *t;

	TAILQ_FOREACH(t, &s->tags.waiting, wait) {
		if (har_file_append(&t->file, buf_str(&t->text), t->count, now_us) != 0)
			trouble(s, t->name, t->count);
		har_file_unlock(&t->file);
	}
}

static bool
is_full_size(const struct spool *s, const struct har_file *f)
{
	return s->conf.rotate_size > 0 && f->end >= s->conf.rotate_size;
}

static void
settle_waiting(struct spool *s)
{
	struct tag *t;

	while ((t = TAILQ_FIRST(&s->tags.waiting)) != NULL) {
		tags_clear(&s->tags, t);
		tags_used(&s->tags, t);
		if (t->file.torn || t->file.entries == 0 || is_full_size(s, &t->file))
			(void)finish_tag_file(s, t);
		tags_drop_if_unused(t);
	}
	s->due = false;
}

static void
tell_positions(struct spool *s, const struct spool_pos *pos, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		receipts_slot(s->receipts, pos[i].slot, pos[i].pos);
}

int
spool_commit(struct spool *s, const struct spool_pos *pos, size_t n, uint64_t now_us,
    bool patient)
{
	struct tag *t;

	if (!lock_all(s, now_us, patient))
		return ERR_AGAIN;
	prepare(s);
	receipts_begin(s->receipts, s->dir.path != NULL ? s->dir.path : "");
	TAILQ_FOREACH(t, &s->tags.waiting, wait)
		tell_intent(s, t, &t->file, false);
	tell_positions(s, pos, n);
	receipts_ready(s->receipts);
	write_all(s, now_us);
	receipts_written(s->receipts);
	receipts_done(s->receipts);
	settle_waiting(s);
	return 0;
}

/* ---- an entry of its own file ---- */

bool
spool_large_begin(struct spool *s, struct str tag, struct har_file *f)
{
	char name[RING_TAG_MAX + 1] = "";

	memcpy(name, tag.p, tag.n);
	if (!s->bad && create_file(s, name, f, true) == 0)
		return true;
	if (s->bad)
		spool_lost(s, 1);
	else
		trouble(s, name, 1);
	return false;
}

void
spool_large_drop(struct spool *s, struct har_file *f)
{
	if (f->hidden[0] != '\0')
		(void)unlinkat(f->dir, f->hidden, 0);
	finish_live_drop(s->finish, f->inode);
	har_file_close(f);
}

bool
spool_large_feed(struct spool *s, struct har_file *f, struct str piece)
{
	if (har_file_feed(f, piece) == 0)
		return true;
	trouble(s, f->name, 1);
	spool_large_drop(s, f);
	return false;
}

static bool
publish(struct spool *s, struct tag *t, struct har_file *f, struct spool_pos pos)
{
	int tries;

	for (tries = 0; tries < NAME_TRIES; tries++) {
		receipts_begin(s->receipts, s->dir.path);
		tell_intent(s, t, f, true);
		tell_positions(s, &pos, 1);
		receipts_ready(s->receipts);
		if (har_file_publish(f) == 0) {
			receipts_written(s->receipts);
			receipts_done(s->receipts);
			return true;
		}
		receipts_undone(s->receipts);
		if (errno != EEXIST)
			return false;
		spool_name(f->name, clock_wall_us(), s->instance, ++s->number);
	}
	return false;
}

void
spool_large_end(struct spool *s, struct str tag, struct har_file *f, struct spool_pos pos,
    uint64_t now_us)
{
	struct tag *t = tags_get(&s->tags, tag);

	CHECK(!t->waiting);
	if (har_file_feed_end(f, now_us) == 0 && (!t->open || finish_tag_file(s, t)) &&
	    make_room(s) && publish(s, t, f, pos)) {
		t->file = *f;
		tags_opened(&s->tags, t);
		if (is_full_size(s, &t->file))
			(void)finish_tag_file(s, t);
	} else {
		trouble(s, t->name, 1);
		spool_large_drop(s, f);
		receipts_take(s->receipts, pos.slot, pos.pos);
	}
	tags_drop_if_unused(t);
}

/* ---- finishing ---- */

unsigned
spool_flush(struct spool *s, struct str tag)
{
	struct tag *t, *next;
	unsigned n = 0;

	TAILQ_FOREACH_SAFE(t, &s->tags.open, use, next) {
		if (t->waiting || (tag.n > 0 && !str_eq(str_z(t->name), tag)))
			continue;
		if (!finish_tag_file(s, t))
			break;
		n++;
		tags_drop_if_unused(t);
	}
	return n;
}

static bool
is_old(const struct spool *s, const struct har_file *f, uint64_t now_us)
{
	return (s->conf.rotate_age_us > 0 && now_us - f->first_us >= s->conf.rotate_age_us) ||
	    (s->conf.rotate_idle_us > 0 && now_us - f->last_us >= s->conf.rotate_idle_us);
}

static void
rotate(struct spool *s, uint64_t now_us)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.open, use, next) {
		if (!is_deleted(&t->file) && (t->waiting || (!is_old(s, &t->file, now_us) &&
		    !is_full_size(s, &t->file))))
			continue;
		if (!finish_tag_file(s, t))
			return;
		tags_drop_if_unused(t);
	}
}

/* ---- the directory ---- */

/* Also those for which entries wait: they belong into the new directory. */
static void
leave_dir(struct spool *s)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.open, use, next) {
		if (!finish_tag_file(s, t))
			give_up_file(s, t);
		tags_drop_if_unused(t);
	}
}

static void
take_dir(struct spool *s, struct spool_dir *d)
{
	leave_dir(s);
	spool_dir_close(&s->dir);
	s->dir = *d;
	if (receipts_state(s->receipts) == INTENT_READY)
		undo(s->receipts, &s->dir);
	finish_recover(s->finish, &s->dir, s->instance);
	s->torn = false;
	s->quota_us = 0;
}

static void
works_again(struct spool *s)
{
	s->bad = false;
	s->mend_us = s->mend_wait_us = 0;
	log_info("the spool %s is written again; %llu entries were lost", s->dir.path,
	    (unsigned long long)(s->lost - s->lost_before));
	s->on_state(s->arg, true, "");
	s->torn |= finish_left(s->finish);
	if (s->torn)
		finish_recover(s->finish, &s->dir, s->instance);
	s->torn = false;
}

static void
retry(struct spool *s)
{
	struct spool_dir d;
	struct errmsg err;

	if (s->dir.fd == -1 || spool_dir_gone(&s->dir)) {
		if (spool_dir_open(&d, str_z(s->wanted), -1, 0, &err) != 0)
			return;
		take_dir(s, &d);
	} else if (spool_dir_probe(&s->dir) != 0) {
		return;
	}
	works_again(s);
}

/* What was left unfinished, though the spool as a whole works; ever more rarely. */
static void
mend(struct spool *s, uint64_t now_us)
{
	if (finish_left(s->finish)) {
		if (now_us > s->mend_us + MEND_MAX_US)
			s->mend_wait_us = 0;
		s->mend_wait_us = MIN(MAX(s->mend_wait_us * 2, (uint64_t)RETRY_US),
		    MEND_MAX_US);
		s->mend_us = now_us + s->mend_wait_us;
		s->torn = true;
	}
	if (!s->torn || s->bad || now_us < s->mend_us)
		return;
	finish_recover(s->finish, &s->dir, s->instance);
	s->torn = false;
}

static bool
quota_is_due(const struct spool *s, uint64_t now_us)
{
	const struct quota *q = &s->conf.quota;
	uint64_t step = q->keep_size > 0 ? MIN(QUOTA_BYTES, q->keep_size / 8) : QUOTA_BYTES;

	if (q->keep_size == 0 && q->keep_age_us == 0 && q->min_free == 0)
		return false;
	return now_us >= s->quota_us || s->finished_bytes >= step || s->bad;
}

void
spool_tick(struct spool *s, uint64_t now_us)
{
	if (s->dir.fd != -1 && !s->bad && spool_dir_gone(&s->dir))
		set_bad(s, ENOENT);
	rotate(s, now_us);
	if (s->bad && now_us >= s->retry_us) {
		s->retry_us = now_us + RETRY_US;
		retry(s);
	}
	if (s->dir.fd != -1)
		mend(s, now_us);
	if (s->dir.fd != -1 && quota_is_due(s, now_us)) {
		s->quota_us = now_us + QUOTA_US;
		s->finished_bytes = 0;
		finish_quota(s->finish, &s->dir, &s->conf.quota);
	}
}

/* Nothing is usable yet: as bad as a full disk, but what is in the rings can wait. */
static void
remember(struct spool *s, const struct errmsg *err)
{
	s->bad = true;
	s->retry_us = clock_mono_us() + RETRY_US;
	s->lost_before = s->lost;
	s->on_state(s->arg, false, err->text);
}

int
spool_set(struct spool *s, struct str dir, int fd, struct str instance,
    const struct spool_conf *conf, struct errmsg *err)
{
	bool first = s->dir.fd == -1;
	struct spool_dir d;

	CHECK(s->tags.nwaiting == 0);
	if (!spool_instance_ok(instance) || dir.n == 0 || dir.n >= INTENT_DIR) {
		fd_close(&fd);
		return errmsg_set(err, "the spool's directory or instance name is unusable");
	}
	if (first || !str_eq(str_z(s->dir.path), dir) || s->bad) {
		/* A directory that is locked is ours, when it is the same one. */
		bool same = !first && str_eq(str_z(s->dir.path), dir);

		if (same)
			fd_close(&s->dir.fd);
		(void)snprintf(s->instance, sizeof(s->instance), "%.*s", STR_ARG(instance));
		if (spool_dir_open(&d, dir, fd, first ? PREDECESSOR_MS : 0, err) != 0) {
			if (first || same) {
				free(s->wanted);
				s->wanted = str_dup(dir);
				remember(s, err);
			}
			return -1;
		}
		take_dir(s, &d);
		if (s->bad)
			works_again(s);
	} else {
		fd_close(&fd);
	}
	free(s->wanted);
	s->wanted = str_dup(dir);
	(void)snprintf(s->instance, sizeof(s->instance), "%.*s", STR_ARG(instance));
	s->conf = *conf;
	s->quota_us = 0;
	return 0;
}

bool
spool_is_set(const struct spool *s)
{
	return s->dir.fd != -1;
}

bool
spool_takes(const struct spool *s)
{
	return s->dir.fd != -1 && !s->bad;
}

const struct spool_dir *
spool_where(const struct spool *s)
{
	return &s->dir;
}

struct spool *
spool_new(struct finish *finish, struct receipts *receipts, spool_state_fn *on_state, void *arg)
{
	struct spool *s = mem_new(struct spool);

	s->finish = finish;
	s->receipts = receipts;
	s->on_state = on_state;
	s->arg = arg;
	s->dir.fd = -1;
	tags_init(&s->tags);
	if (receipts_state(receipts) == INTENT_WRITTEN)
		receipts_done(receipts);
	return s;
}

void
spool_free(struct spool **sp)
{
	struct spool *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	tags_free(&s->tags);
	spool_dir_close(&s->dir);
	free(s->wanted);
	free(s);
}
