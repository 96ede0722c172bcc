/* SPDX-License-Identifier: ISC */
/*
 * spool.c - see spool.h and spool_state.h.  Runs in: recorder.
 * The directory: which one, whether it can be written, and its quota.
 */
#include "config.h"

#include "recorder/spool_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "recorder/undo.h"

#define RETRY_US 2000000
#define MEND_MAX_US (160ull * RETRY_US)	/* between two tries to repair what cannot be */
#define QUOTA_US 60000000
#define FREE_US 5000000		/* between two looks at what room there is */
#define QUOTA_BYTES (256u << 20)	/* finished since the last look */
#define FILE_BYTES 16384		/* room for a new one with its directory */
#define LOG_US 60000000		/* between two lines about single tags */
#define PREDECESSOR_MS 3000

/* ---- trouble ---- */

/* To whom it matters whether it is bad. */
static void
show_state(struct spool *s)
{
	receipts_refuse(s->receipts, s->conf.block && s->bad);
	counter_set(&s->counters->spool_ok, spool_takes(s));
}

void
spool_count_lost(struct spool *s, _Atomic uint64_t *reason, uint64_t entries)
{
	s->lost += entries;
	counter_add(reason, (int64_t)entries);
}

static void
set_bad(struct spool *s, int err)
{
	if (s->bad)
		return;
	s->bad = true;
	s->lost_before = s->lost;
	s->need = s->tags.bytes + s->tags.nwaiting * FILE_BYTES;
	s->retry_us = clock_mono_us() + RETRY_US;
	s->quota_us = 0;	/* it may be what helps */
	log_event(LOG_LEVEL_ERROR, LOG_SPOOL_BROKEN, true, NULL, 0,
	    "the spool %s cannot be written: %s; %s", s->dir.path, strerror(err),
	    s->conf.block ? "new traffic is refused until it can" :
	    "traffic goes on, entries are lost");
	show_state(s);
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
	case EBUSY:	/* a hung disk: nothing more can be finished */
		return true;
	default:
		return spool_dir_gone(&s->dir) || spool_dir_probe(&s->dir, 0) != 0;
	}
}

/* Once in a while, and then how many since. */
static void
log_tag(struct spool *s, const char *tag, int err, uint64_t entries)
{
	uint64_t now_us = clock_mono_us();

	if (s->logged_us != 0 && now_us - s->logged_us <= LOG_US) {
		s->unsaid += entries;
		return;
	}
	s->logged_us = now_us;
	log_warning("cannot write %llu entries of tag %s: %s; they are lost",
	    (unsigned long long)entries, tag, strerror(err));
}

static void
log_unsaid(struct spool *s)
{
	if (s->unsaid > 0)
		log_warning("%llu more entries of single tags could not be written and are lost",
		    (unsigned long long)s->unsaid);
	s->unsaid = 0;
}

/* Is it only this tag? */
void
spool_trouble(struct spool *s, const char *tag, uint64_t entries)
{
	int err = errno;

	if (!s->bad && is_wide(s, err))
		set_bad(s, err);
	else if (!s->bad)
		log_tag(s, tag, err, entries);
	if (!spool_waits(s))
		spool_count_lost(s, s->bad ? &s->counters->har_dropped[DROPPED_SPOOL] :
		    &s->counters->har_dropped[DROPPED_TAG], entries);
}

/*
 * One that is too large for the room that is left would never fit while it waits,
 * since its body lies in the spill on the same disk: it alone is lost, always.
 */
int
spool_trouble_large(struct spool *s, const char *tag, int err)
{
	bool too_large = err == ENOSPC || err == EDQUOT || err == EFBIG;

	if (!s->bad && (too_large ? spool_dir_probe(&s->dir, 0) != 0 : is_wide(s, err)))
		set_bad(s, err);
	else if (!s->bad)
		log_tag(s, tag, err, 1);
	if (spool_waits(s) && !too_large)
		return ERR_AGAIN;
	spool_count_lost(s, too_large && !s->bad ? &s->counters->har_dropped[DROPPED_ROOM] :
	    s->bad ? &s->counters->har_dropped[DROPPED_SPOOL] : &s->counters->har_dropped[DROPPED_TAG], 1);
	return ERR_SYS;
}

void
spool_count_recorded(struct spool *s, uint64_t entries, uint64_t bytes)
{
	counter_add(&s->counters->entries_recorded, (int64_t)entries);
	counter_add(&s->counters->bytes_recorded, (int64_t)bytes);
}

void
spool_bad(struct spool *s, uint64_t entries)
{
	counter_add(&s->counters->har_dropped[DROPPED_BAD], (int64_t)entries);
}

void
spool_lost(struct spool *s)
{
	spool_count_lost(s, &s->counters->har_dropped[DROPPED_SPOOL], 1);
}

uint64_t
spool_lost_total(const struct spool *s)
{
	return s->lost;
}

uint64_t
spool_lost_lately(const struct spool *s)
{
	return s->lost - s->lost_before;
}

/* ---- the directory ---- */

/* What is odd in a directory is named once. */
static void
recover(struct spool *s)
{
	s->torn = !finish_recover(s->finish, &s->dir, s->instance, !s->odd_named);
	s->odd_named |= !s->torn;
}

static void
take_dir(struct spool *s, struct spool_dir *d)
{
	spool_files_leave(s);
	s->odd_named = s->dir.fd != -1 && strcmp(s->dir.path, d->path) == 0;
	spool_dir_close(&s->dir);
	s->dir = *d;
	if (receipts_state(s->receipts) == INTENT_READY)
		undo(s->receipts, &s->dir);
	recover(s);
	s->quota_us = 0;
}

static void
works_again(struct spool *s)
{
	s->bad = false;
	s->need = 0;
	s->mend_us = s->mend_wait_us = 0;
	/* What was not finished when it broke waits in the rings, as after a kill. */
	if (receipts_state(s->receipts) == INTENT_READY)
		undo(s->receipts, &s->dir);
	show_state(s);
	log_over(LOG_SPOOL_WORKS,
	    "the spool %s is written again; %llu entries were lost", s->dir.path,
	    (unsigned long long)spool_lost_lately(s));
	s->on_state(s->arg, true, "");
	s->torn |= finish_left(s->finish);
	if (s->torn)
		recover(s);
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
	} else if (spool_dir_probe(&s->dir, s->need) != 0) {
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
		s->mending = false;
	} else if (s->mending && !finish_recovering(s->finish)) {
		s->mending = false;
		s->mend_wait_us = 0;	/* it helped */
	}
	if (!s->torn || s->bad || now_us < s->mend_us)
		return;
	recover(s);
	s->mending = !s->torn;
}

static bool
quota_is_due(const struct spool *s, uint64_t now_us)
{
	const struct quota *q = &s->conf.quota;
	uint64_t step = q->keep_size > 0 ? MIN(QUOTA_BYTES, q->keep_size / 8) : QUOTA_BYTES;

	return now_us >= s->quota_us || s->finished_bytes >= step;
}

/* Gauges that nothing else keeps up to date. */
static void
measure(struct spool *s, uint64_t now_us)
{
	const struct tag *t;
	uint64_t bytes = 0;
	struct statvfs v;

	TAILQ_FOREACH(t, &s->tags.open, use)
		bytes += t->file.end;
	counter_set(&s->counters->spool_files_open, s->tags.nopen);
	counter_set(&s->counters->spool_bytes_open, bytes);
	if (s->dir.fd == -1 || now_us < s->free_us || fstatvfs(s->dir.fd, &v) == -1)
		return;
	counter_set(&s->counters->spool_free_bytes, (uint64_t)v.f_bavail * v.f_frsize);
	s->free_us = now_us + FREE_US;
}

/*
 * The date by which a file is old: the clock, but not ahead of what has passed
 * since we began. One that jumps forward would make all files old at once.
 */
static uint64_t
careful_date(const struct spool *s)
{
	return MIN(clock_wall_us(), s->began_wall_us + (clock_boot_us() - s->began_boot_us));
}

void
spool_tick(struct spool *s, uint64_t now_us)
{
	if (s->dir.fd != -1 && !s->bad && spool_dir_gone(&s->dir))
		set_bad(s, ENOENT);
	spool_files_rotate(s, now_us);
	if (s->bad && now_us >= s->retry_us) {
		s->retry_us = now_us + RETRY_US;
		s->quota_us = 0;
		retry(s);
	}
	if (s->dir.fd != -1)
		mend(s, now_us);
	if (s->dir.fd != -1 && quota_is_due(s, now_us)) {
		s->quota_us = now_us + QUOTA_US;
		s->finished_bytes = 0;
		finish_quota(s->finish, &s->dir, &s->conf.quota, careful_date(s));
	}
	if (now_us > s->logged_us + LOG_US)
		log_unsaid(s);
	measure(s, now_us);
}

/* Nothing is usable yet: as bad as a full disk, but what is in the rings can wait. */
static void
remember(struct spool *s, const struct errmsg *err)
{
	s->bad = true;
	s->retry_us = clock_mono_us() + RETRY_US;
	s->lost_before = s->lost;
	show_state(s);
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
				if (first)
					s->conf = *conf;
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
	show_state(s);
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

bool
spool_waits(const struct spool *s)
{
	return !s->last && (s->dir.fd == -1 || (s->bad && s->conf.block));
}

void
spool_last_try(struct spool *s)
{
	if (s->bad)
		retry(s);
	s->last = true;
	if (receipts_state(s->receipts) == INTENT_READY)
		undo(s->receipts, &s->dir);
}

const struct spool_dir *
spool_where(const struct spool *s)
{
	return &s->dir;
}

struct spool *
spool_new(struct finish *finish, struct receipts *receipts, struct counters *counters,
    spool_state_fn *on_state, void *arg)
{
	struct spool *s = mem_new(struct spool);

	s->finish = finish;
	s->receipts = receipts;
	s->counters = counters;
	s->on_state = on_state;
	s->arg = arg;
	s->dir.fd = -1;
	s->began_wall_us = clock_wall_us();
	s->began_boot_us = clock_boot_us();
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
	log_unsaid(s);
	if (s->bad && s->lost > s->lost_before)
		log_error("the spool %s could not be written: %llu entries are lost",
		    s->wanted, (unsigned long long)(s->lost - s->lost_before));
	tags_free(&s->tags);
	spool_dir_close(&s->dir);
	free(s->wanted);
	free(s);
}
