/* SPDX-License-Identifier: ISC */
/* quota.c - see quota.h.  Runs in: recorder (helper thread). */
#include "config.h"

#include "recorder/quota.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "shm/ring.h"

#define NAMES_STEP 1024		/* looked at ... */
#define DELETES_STEP 64		/* ... or deleted, before somebody else has a turn */

struct old {
	uint64_t changed_us, bytes;
	char *name, *tag;	/* one allocation: "NAME\0TAG\0" */
};

struct quota_job {
	struct spool_dir dir;
	struct quota quota;
	uint64_t now_us;
	struct old *files;
	size_t n, cap;
	uint64_t bytes;		/* of all, growing ones included */
	uint64_t finished;	/* of the others alone */
	uint64_t missing, freed;	/* room on the file system */
	DIR *root, *tags;		/* being listed; tags: of this one */
	char tag[RING_TAG_MAX + 1];
	bool listed;
	size_t next;			/* to be deleted */
	uint64_t deleted;
};

struct quota_job *
quota_new(const struct spool_dir *d, const struct quota *quota, uint64_t now_us)
{
	struct quota_job *q = mem_new(struct quota_job);

	q->dir.fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	q->quota = *quota;
	q->now_us = now_us;
	q->root = q->dir.fd != -1 ?
	    fdopendir(openat(q->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) : NULL;
	return q;
}

void
quota_free(struct quota_job **qp)
{
	struct quota_job *q = *qp;
	size_t i;

	*qp = NULL;
	if (q == NULL)
		return;
	if (q->tags != NULL)
		(void)closedir(q->tags);
	if (q->root != NULL)
		(void)closedir(q->root);
	for (i = 0; i < q->n; i++)
		free(q->files[i].name);
	free(q->files);
	fd_close(&q->dir.fd);
	free(q);
}

static void
keep_in_mind(struct quota_job *q, const struct stat *st, const char *tag, const char *name)
{
	size_t len = strlen(name) + 1;
	struct old *o;

	if (q->n == q->cap) {
		q->cap = q->cap * 2 + 64;
		q->files = mem_grow(q->files, q->cap, sizeof(*q->files));
	}
	o = &q->files[q->n++];
	o->changed_us = (uint64_t)st->st_mtim.tv_sec * 1000000 +
	    (uint64_t)st->st_mtim.tv_nsec / 1000;
	o->bytes = (uint64_t)st->st_blocks * 512;
	o->name = mem_alloc(len + strlen(tag) + 1);
	o->tag = o->name + len;
	memcpy(o->name, name, len);
	memcpy(o->tag, tag, strlen(tag) + 1);
	q->bytes += o->bytes;
	q->finished += o->bytes;
}

static void
note(struct quota_job *q, int dir, const char *tag, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !spool_file_ours(&st))
		return;
	if (spool_name_ok(name, SPOOL_PART))
		q->bytes += (uint64_t)st.st_blocks * 512;
	else if (spool_name_ok(name, ""))
		keep_in_mind(q, &st, tag, name);
}

static void
open_tag(struct quota_job *q, const char *tag)
{
	int fd = spool_dir_tag(&q->dir, tag, false);

	if (fd == -1)
		return;
	q->tags = fdopendir(fd);
	if (q->tags == NULL)
		fd_close(&fd);
	(void)snprintf(q->tag, sizeof(q->tag), "%s", tag);
}

/* One name. False: that was the last. */
static bool
list(struct quota_job *q)
{
	const struct dirent *e;

	if (q->tags != NULL) {
		e = readdir(q->tags);
		if (e != NULL) {
			note(q, dirfd(q->tags), q->tag, e->d_name);
			return true;
		}
		(void)closedir(q->tags);
		q->tags = NULL;
	}
	e = q->root != NULL ? readdir(q->root) : NULL;
	if (e != NULL && ring_tag_ok(str_z(e->d_name)))
		open_tag(q, e->d_name);
	return e != NULL;
}

static int
compare_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->changed_us != y->changed_us)
		return x->changed_us < y->changed_us ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* How much has to go for the space alone. */
static uint64_t
space_missing(const struct quota_job *q)
{
	struct statvfs v;
	uint64_t available;

	if (q->quota.min_free == 0 || fstatvfs(q->dir.fd, &v) == -1)
		return 0;
	available = (uint64_t)v.f_bavail * v.f_frsize;
	return q->quota.min_free - MIN(available, q->quota.min_free);
}

static bool
must_go(const struct quota_job *q, const struct old *file)
{
	if (q->quota.keep_size > 0 && q->bytes > q->quota.keep_size)
		return true;
	if (q->quota.keep_age_us > 0 && file->changed_us + q->quota.keep_age_us < q->now_us)
		return true;
	/* Not asked again each time: some file systems take their time to give it back. */
	return q->freed < q->missing;
}

/* Its directory may be another one by now, or a link: no path leads through it. */
static bool
delete_file(struct quota_job *q, const struct old *file)
{
	int dir = spool_dir_tag(&q->dir, file->tag, false);
	bool gone = dir != -1 && unlinkat(dir, file->name, 0) == 0;

	fd_close(&dir);
	if (!gone)
		return false;
	q->bytes -= file->bytes;
	q->finished -= file->bytes;
	q->freed += file->bytes;
	/* Every CI job is a tag: empty directories would pile up. Full ones stay. */
	(void)unlinkat(q->dir.fd, file->tag, AT_REMOVEDIR);
	return true;
}

static void
sort(struct quota_job *q)
{
	q->missing = space_missing(q);
	q->listed = true;
	if (q->n > 1)
		qsort(q->files, q->n, sizeof(*q->files), compare_age);
}

/* Nobody who looks for a recording should have to guess. */
static void
tell(const struct quota_job *q)
{
	if (q->deleted > 0 && q->missing > 0)
		log_warning("the disk has less room than spool.min_free: %llu of the oldest HAR "
		    "files deleted", (unsigned long long)q->deleted);
	else if (q->deleted > 0)
		log_debug("%llu old files deleted", (unsigned long long)q->deleted);
}

bool
quota_step(struct quota_job *q)
{
	unsigned n;

	for (n = 0; n < NAMES_STEP && !q->listed; n++)
		if (!list(q))
			sort(q);
	for (n = 0; n < DELETES_STEP && q->listed; n++, q->next++) {
		if (q->next == q->n || !must_go(q, &q->files[q->next])) {
			tell(q);
			return false;
		}
		if (delete_file(q, &q->files[q->next]))
			q->deleted++;
	}
	return true;
}

void
quota_sums(const struct quota_job *q, struct quota_sums *sums)
{
	*sums = (struct quota_sums){q->n - q->deleted, q->finished, q->deleted};
}
