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

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "shm/ring.h"

struct old {
	uint64_t changed_us, bytes;
	char *path;	/* TAG/NAME */
};

struct quota_job {
	struct spool_dir dir;
	struct quota quota;
	struct old *files;
	size_t n, cap;
	uint64_t bytes;		/* of all, growing ones included */
};

struct quota_job *
quota_new(const struct spool_dir *d, const struct quota *quota)
{
	struct quota_job *q = mem_new(struct quota_job);

	q->dir.fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	q->quota = *quota;
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
	for (i = 0; i < q->n; i++)
		free(q->files[i].path);
	free(q->files);
	fd_close(&q->dir.fd);
	free(q);
}

static void
note(struct quota_job *q, int dir, const char *tag, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
		return;
	if (spool_name_ok(name, SPOOL_PART))
		q->bytes += (uint64_t)st.st_blocks * 512;
	if (!spool_name_ok(name, ""))
		return;
	if (q->n == q->cap) {
		q->cap = q->cap * 2 + 64;
		q->files = mem_grow(q->files, q->cap, sizeof(*q->files));
	}
	q->files[q->n].changed_us = (uint64_t)st.st_mtim.tv_sec * 1000000 +
	    (uint64_t)st.st_mtim.tv_nsec / 1000;
	q->files[q->n].bytes = (uint64_t)st.st_blocks * 512;
	q->files[q->n].path = mem_printf("%s/%s", tag, name);
	q->bytes += q->files[q->n++].bytes;
}

static void
list_tag(struct quota_job *q, const char *tag)
{
	int fd = spool_dir_tag(&q->dir, tag, false);
	const struct dirent *e;
	DIR *d;

	if (fd == -1)
		return;
	d = fdopendir(fd);
	if (d == NULL) {
		fd_close(&fd);
		return;
	}
	while ((e = readdir(d)) != NULL)
		note(q, fd, tag, e->d_name);
	(void)closedir(d);
}

static void
list_all(struct quota_job *q)
{
	const struct dirent *e;
	DIR *d;

	if (q->dir.fd == -1)
		return;
	d = fdopendir(openat(q->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (ring_tag_ok(str_z(e->d_name)))
			list_tag(q, e->d_name);
	(void)closedir(d);
}

static int
compare_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return x->changed_us < y->changed_us ? -1 : x->changed_us > y->changed_us;
}

static bool
space_short(const struct quota_job *q)
{
	struct statvfs v;

	return q->quota.min_free > 0 && fstatvfs(q->dir.fd, &v) == 0 &&
	    (uint64_t)v.f_bavail * v.f_frsize < q->quota.min_free;
}

static bool
must_go(const struct quota_job *q, const struct old *file, uint64_t now_us)
{
	if (q->quota.keep_size > 0 && q->bytes > q->quota.keep_size)
		return true;
	if (q->quota.keep_age_us > 0 && file->changed_us + q->quota.keep_age_us < now_us)
		return true;
	return space_short(q);
}

static void
delete_file(struct quota_job *q, struct old *file)
{
	if (unlinkat(q->dir.fd, file->path, 0) == -1)
		return;
	q->bytes -= MIN(q->bytes, file->bytes);
	*strchr(file->path, '/') = '\0';
	/* Every CI job is a tag: empty directories would pile up. Full ones stay. */
	(void)unlinkat(q->dir.fd, file->path, AT_REMOVEDIR);
}

unsigned
quota_run(struct quota_job **qp)
{
	struct quota_job *q = *qp;
	uint64_t now_us = clock_wall_us();
	bool by_space = space_short(q);
	size_t i;

	list_all(q);
	if (q->n > 1)
		qsort(q->files, q->n, sizeof(*q->files), compare_age);
	for (i = 0; i < q->n && must_go(q, &q->files[i], now_us); i++)
		delete_file(q, &q->files[i]);
	/* Nobody who looks for a recording should have to guess. */
	if (i > 0 && by_space)
		log_warning("the disk has less room than spool.min_free: %zu of the oldest HAR "
		    "files deleted", i);
	else if (i > 0)
		log_debug("%zu old files deleted", i);
	quota_free(qp);
	return (unsigned)i;
}
