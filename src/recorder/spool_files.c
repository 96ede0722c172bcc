/* SPDX-License-Identifier: ISC */
/*
 * spool_files.c - see spool_state.h.  Runs in: recorder.
 * The file that grows for each tag: made, found room for, given to the helper
 * thread when it is full, old, idle, deleted or asked for.
 */
#include "config.h"

#include "recorder/spool_state.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

void
spool_files_let_go(struct spool *s, struct tag *t)
{
	har_file_close(&t->file);
	tags_closed(&s->tags, t);
	s->torn = true;
}

void
spool_files_give_up(struct spool *s, struct tag *t)
{
	finish_live_drop(s->finish, t->file.inode);
	spool_files_let_go(s, t);
}

/* Somebody deleted it: what was in it is gone, what comes must not follow. */
static bool
is_deleted(const struct har_file *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_nlink == 0;
}

/* false: a hung disk; the file goes on growing. */
bool
spool_files_finish(struct spool *s, struct tag *t)
{
	bool deleted = is_deleted(&t->file);

	if (deleted) {
		log_warning("%s/%s" SPOOL_PART " was deleted while it grew: "
		    "%llu entries are lost", t->name, t->file.name,
		    (unsigned long long)t->file.entries);
		spool_count_lost(s, &s->counters->har_dropped[DROPPED_DELETED], t->file.entries);
	}
	if (deleted || t->file.torn) {
		spool_files_give_up(s, t);
		return true;
	}
	if (finish_file(s->finish, &t->file) != 0)
		return false;
	s->finished_bytes += t->file.end;
	tags_closed(&s->tags, t);
	return true;
}

bool
spool_files_make_room(struct spool *s)
{
	struct tag *t;

	if (s->tags.nopen < SPOOL_OPEN_MAX)
		return true;
	TAILQ_FOREACH(t, &s->tags.open, use) {
		if (t->waiting)
			continue;
		if (!spool_files_finish(s, t))
			break;
		tags_drop_if_unused(t);
		return true;
	}
	errno = EBUSY;
	return false;
}

static int
create_once(struct spool *s, const char *tag, struct har_file *f, bool unnamed, unsigned step)
{
	int dir = spool_dir_tag(&s->dir, tag, true), rc;

	if (dir == -1)
		return -1;
	spool_name(f->name, clock_wall_us(), s->instance, s->number += step);
	finish_live_begin(s->finish);
	rc = har_file_create(f, &s->dir, dir, s->instance, unnamed);
	finish_live_end(s->finish, rc == 0 ? f->inode : 0);
	return rc;
}

/* The quota may have removed the empty directory just now: then once more. */
int
spool_files_create(struct spool *s, const char *tag, struct har_file *f, bool unnamed)
{
	int tries, rc = -1;

	for (tries = 0; tries < SPOOL_NAME_TRIES && rc != 0; tries++) {
		rc = create_once(s, tag, f, unnamed, 1u << tries);
		if (rc != 0 && errno != EEXIST && (errno != ENOENT || tries > 0))
			break;
	}
	return rc;
}

int
spool_files_need(struct spool *s, struct tag *t)
{
	if (t->open)
		return 0;
	if (!spool_files_make_room(s) || spool_files_create(s, t->name, &t->file, false) != 0)
		return -1;
	tags_opened(&s->tags, t);
	return 0;
}

bool
spool_files_is_full(const struct spool *s, const struct har_file *f)
{
	return s->conf.rotate_size > 0 && f->end >= s->conf.rotate_size;
}

void
spool_each(const struct spool *s, spool_file_fn *fn, void *arg)
{
	const struct tag *t;

	TAILQ_FOREACH(t, &s->tags.open, use)
		fn(arg, t->name, &t->file);
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
		if (!spool_files_finish(s, t))
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

void
spool_files_rotate(struct spool *s, uint64_t now_us)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.open, use, next) {
		if (!is_deleted(&t->file) && (t->waiting || (!is_old(s, &t->file, now_us) &&
		    !spool_files_is_full(s, &t->file))))
			continue;
		if (!spool_files_finish(s, t))
			return;
		tags_drop_if_unused(t);
	}
}

/* Also those for which entries wait: they belong into the new directory. */
void
spool_files_leave(struct spool *s)
{
	struct tag *t, *next;

	TAILQ_FOREACH_SAFE(t, &s->tags.open, use, next) {
		if (!spool_files_finish(s, t))
			spool_files_give_up(s, t);
		tags_drop_if_unused(t);
	}
}
