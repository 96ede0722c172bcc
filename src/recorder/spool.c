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

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "recorder/undo.h"

#define RETRY_US 5000000
#define MEND_MAX_US (64ull * RETRY_US)	/* between two tries to repair what cannot be */
#define QUOTA_US 60000000
#define QUOTA_BYTES (256u << 20)	/* finished since the last look */
#define LOG_US 60000000		/* between two lines about single tags */
#define PREDECESSOR_MS 3000

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
void
spool_trouble(struct spool *s, const char *tag, uint64_t entries)
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

uint64_t
spool_lost_lately(const struct spool *s)
{
	return s->lost - s->lost_before;
}

/* ---- the directory ---- */

static void
take_dir(struct spool *s, struct spool_dir *d)
{
	spool_files_leave(s);
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
	    (unsigned long long)spool_lost_lately(s));
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
	spool_files_rotate(s, now_us);
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
