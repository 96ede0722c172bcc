/* SPDX-License-Identifier: ISC */
/* finish.c - see finish.h.  Runs in: recorder (the loop, and the helper thread). */
#include "config.h"

#include "recorder/finish.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "recorder/quota.h"
#include "recorder/recover.h"

#define LIVE_MAX 2048	/* open files, and those in the queue */

struct finish {
	struct ev_loop *loop;
	struct counters *counters;
	ev_async wake;
	finish_done_fn *on_done;
	void *arg;
	pthread_t thread;

	pthread_mutex_t mutex;	/* guards all below */
	pthread_cond_t work;
	struct har_file queue[FINISH_QUEUE];
	uint64_t asked, done;
	struct recover *recover;
	struct quota_job *quota;
	uint64_t live[LIVE_MAX];
	size_t nlive;
	struct doubt doubt;	/* since it could not be synced */
	bool left;		/* something could not be finished or repaired */
	bool stopping;
};

static void
live_drop(struct finish *f, uint64_t inode)
{
	size_t i;

	for (i = 0; i < f->nlive; i++)
		if (f->live[i] == inode) {
			f->live[i] = f->live[--f->nlive];
			return;
		}
}

/*
 * Where this fails the kernel may have dropped what it could not write, and say
 * the next time that all is well: only a copy of the file is sure to be on disk.
 */
static bool
sync_file(struct finish *f, int fd)
{
	if (fdatasync(fd) == 0)
		return true;
	(void)pthread_mutex_lock(&f->mutex);
	f->doubt.bytes = true;
	(void)pthread_mutex_unlock(&f->mutex);
	return false;
}

/* It has its name, and may lose it by a power cut. */
static bool
sync_names(struct finish *f, const struct har_file *file)
{
	if (spool_sync_names(file->dir) == 0)
		return true;
	log_warning("%s is finished, but its directory cannot be synced: %s; it will be tried "
	    "again", file->name, strerror(errno));
	(void)pthread_mutex_lock(&f->mutex);
	f->doubt.names = true;
	(void)pthread_mutex_unlock(&f->mutex);
	return false;
}

static bool
seal(struct finish *f, struct har_file *file)
{
	struct stat st;

	/* Space that was reserved ahead is given back. */
	if (har_file_end(file) != 0 || fstat(file->fd, &st) == -1 ||
	    ftruncate(file->fd, st.st_size) == -1 || !sync_file(f, file->fd) ||
	    spool_seal(file->dir, file->name) != 0) {
		log_warning("cannot finish %s: %s; it will be tried again", file->name,
		    strerror(errno));
		counter_add(&f->counters->files_unfinished, 1);
		return false;
	}
	counter_add(&f->counters->files_finished, 1);
	counter_add(&f->counters->spool_files, 1);
	if (fstat(file->fd, &st) == 0)
		counter_add(&f->counters->spool_bytes, (int64_t)st.st_blocks * 512);
	return sync_names(f, file);
}

static bool
finish_one(struct finish *f, struct har_file *file)
{
	bool ok = true;
	char part[SPOOL_NAME + sizeof(SPOOL_PART)];

	if (file->entries == 0) {
		(void)snprintf(part, sizeof(part), "%s" SPOOL_PART, file->name);
		(void)unlinkat(file->dir, part, 0);
	} else {
		ok = seal(f, file);
	}
	har_file_close(file);
	return ok;
}

static void
count_recovered(struct finish *f, const struct recover *r)
{
	uint64_t files, entries;

	recover_sums(r, &files, &entries);
	counter_add(&f->counters->files_recovered, (int64_t)files);
	counter_add(&f->counters->entries_recovered, (int64_t)entries);
}

static void
count_quota(struct finish *f, const struct quota_job *q)
{
	struct quota_sums sums;

	quota_sums(q, &sums);
	counter_set(&f->counters->spool_files, sums.files);
	counter_set(&f->counters->spool_bytes, sums.bytes);
	counter_add(&f->counters->files_deleted, (int64_t)sums.deleted);
}

/* Called and left with the mutex held. */
static bool
do_something(struct finish *f)
{
	struct har_file file;
	bool ok;

	if (f->done < f->asked) {
		file = f->queue[f->done % FINISH_QUEUE];
		(void)pthread_mutex_unlock(&f->mutex);
		ok = finish_one(f, &file);
		(void)pthread_mutex_lock(&f->mutex);
		live_drop(f, file.inode);
		f->left |= !ok;
		f->done++;
		return true;
	}
	if (f->recover != NULL && !f->stopping) {
		struct recover *r = f->recover;
		bool more;

		(void)pthread_mutex_unlock(&f->mutex);
		more = recover_step(r);
		(void)pthread_mutex_lock(&f->mutex);
		if (!more) {
			f->left |= recover_left(r);
			f->doubt.bytes |= recover_doubt(r).bytes;
			f->doubt.names |= recover_doubt(r).names;
			count_recovered(f, r);
			recover_free(&f->recover);
		}
		return true;
	}
	if (f->quota != NULL && !f->stopping) {
		struct quota_job *q = f->quota;
		bool more;

		(void)pthread_mutex_unlock(&f->mutex);
		more = quota_step(q);
		(void)pthread_mutex_lock(&f->mutex);
		if (!more) {
			count_quota(f, q);
			quota_free(&f->quota);
		}
		return true;
	}
	return false;
}

static void *
helper(void *arg)
{
	struct finish *f = arg;

	(void)pthread_mutex_lock(&f->mutex);
	for (;;) {
		if (do_something(f)) {
			ev_async_send(f->loop, &f->wake);
			continue;
		}
		if (f->stopping)
			break;
		(void)pthread_cond_wait(&f->work, &f->mutex);
	}
	(void)pthread_mutex_unlock(&f->mutex);
	return NULL;
}

static void
on_wake(struct ev_loop *loop UNUSED, ev_async *w, int events UNUSED)
{
	struct finish *f = w->data;

	f->on_done(f->arg);
}

struct finish *
finish_new(struct ev_loop *loop, struct counters *counters, finish_done_fn *on_done, void *arg)
{
	struct finish *f = mem_new(struct finish);
	sigset_t all, before;

	f->loop = loop;
	f->counters = counters;
	f->on_done = on_done;
	f->arg = arg;
	ev_async_init(&f->wake, on_wake);
	f->wake.data = f;
	ev_async_start(loop, &f->wake);
	ev_unref(loop);
	CHECK(pthread_mutex_init(&f->mutex, NULL) == 0);
	CHECK(pthread_cond_init(&f->work, NULL) == 0);
	/* Signals are the loop's; but this one is about a call of its own (proc/denied.h). */
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSYS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	CHECK(pthread_create(&f->thread, NULL, helper, f) == 0);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return f;
}

void
finish_free(struct finish **fp)
{
	struct finish *f = *fp;

	*fp = NULL;
	if (f == NULL)
		return;
	(void)pthread_mutex_lock(&f->mutex);
	f->stopping = true;
	(void)pthread_cond_signal(&f->work);
	(void)pthread_mutex_unlock(&f->mutex);
	(void)pthread_join(f->thread, NULL);
	recover_free(&f->recover);
	quota_free(&f->quota);
	ev_ref(f->loop);
	ev_async_stop(f->loop, &f->wake);
	(void)pthread_mutex_destroy(&f->mutex);
	(void)pthread_cond_destroy(&f->work);
	free(f);
}

int
finish_file(struct finish *f, struct har_file *file)
{
	int rc = ERR_LIMIT;

	(void)pthread_mutex_lock(&f->mutex);
	if (f->asked - f->done < FINISH_QUEUE) {
		f->queue[f->asked++ % FINISH_QUEUE] = *file;
		file->fd = file->dir = -1;
		file->errors = (struct tls_errors){0};
		(void)pthread_cond_signal(&f->work);
		rc = 0;
	}
	(void)pthread_mutex_unlock(&f->mutex);
	return rc;
}

static bool
is_live(void *arg, uint64_t inode)
{
	struct finish *f = arg;
	bool found = false;
	size_t i;

	(void)pthread_mutex_lock(&f->mutex);
	for (i = 0; i < f->nlive && !found; i++)
		found = f->live[i] == inode;
	(void)pthread_mutex_unlock(&f->mutex);
	return found;
}

bool
finish_recover(struct finish *f, const struct spool_dir *d, const char *instance, bool name_odd)
{
	bool begins;

	(void)pthread_mutex_lock(&f->mutex);
	begins = f->recover == NULL;
	if (begins) {
		f->recover = recover_new(d, instance, name_odd, f->doubt, is_live, f);
		f->doubt = (struct doubt){.bytes = false};
	}
	(void)pthread_cond_signal(&f->work);
	(void)pthread_mutex_unlock(&f->mutex);
	return begins;
}

bool
finish_left(struct finish *f)
{
	bool left;

	(void)pthread_mutex_lock(&f->mutex);
	left = f->left;
	f->left = false;
	(void)pthread_mutex_unlock(&f->mutex);
	return left;
}

void
finish_quota(struct finish *f, const struct spool_dir *d, const struct quota *q,
    uint64_t now_us)
{
	(void)pthread_mutex_lock(&f->mutex);
	if (f->quota == NULL)
		f->quota = quota_new(d, q, now_us);
	(void)pthread_cond_signal(&f->work);
	(void)pthread_mutex_unlock(&f->mutex);
}

uint64_t
finish_asked(const struct finish *f)
{
	return f->asked;	/* only the loop raises it */
}

uint64_t
finish_done(struct finish *f)
{
	uint64_t done;

	(void)pthread_mutex_lock(&f->mutex);
	done = f->done;
	(void)pthread_mutex_unlock(&f->mutex);
	return done;
}

bool
finish_recovering(struct finish *f)
{
	bool busy;

	(void)pthread_mutex_lock(&f->mutex);
	busy = f->recover != NULL;
	(void)pthread_mutex_unlock(&f->mutex);
	return busy;
}

void
finish_live_begin(struct finish *f)
{
	(void)pthread_mutex_lock(&f->mutex);
}

void
finish_live_end(struct finish *f, uint64_t inode)
{
	CHECK(f->nlive < LIVE_MAX);
	if (inode != 0)
		f->live[f->nlive++] = inode;
	(void)pthread_mutex_unlock(&f->mutex);
}

void
finish_live_drop(struct finish *f, uint64_t inode)
{
	(void)pthread_mutex_lock(&f->mutex);
	live_drop(f, inode);
	(void)pthread_mutex_unlock(&f->mutex);
}
