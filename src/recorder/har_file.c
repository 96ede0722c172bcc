/* SPDX-License-Identifier: ISC */
/*
 * har_file.c - see har_file.h.  Runs in: recorder.
 *
 * A batch is one pwritev(2) over the old tail.  Space is reserved ahead, so
 * that a full disk is met before the tail is touched; where that cannot be, a
 * short write is taken back.
 */
#include "config.h"

#include "recorder/har_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "har/entry.h"

#define RESERVE_MIN (256u << 10)
#define RESERVE_MAX (8u << 20)
#define FILE_MODE 0640
#define TAIL_BYTES (sizeof(HAR_TAIL) - 1)
#define LOCK_TRIES 20
#define LOCK_PAUSE_US 50000
#define SEPARATOR_BYTES (sizeof(HAR_SEPARATOR) - 1)

static int
write_at(int fd, const void *p, size_t n, uint64_t offset)
{
	ssize_t put = pwrite(fd, p, n, (off_t)offset);

	if (put == (ssize_t)n)
		return 0;
	if (put != -1)
		errno = ENOSPC;
	return -1;
}

int
har_file_cut(int fd, uint64_t offset)
{
	/* The tail lies where some was before: this needs no new space. */
	if (write_at(fd, HAR_TAIL, TAIL_BYTES, offset) != 0)
		return -1;
	return ftruncate(fd, (off_t)(offset + TAIL_BYTES));
}

int
har_file_retail(int fd, uint64_t offset, struct str tail)
{
	/* Without this call's help, a file system may still have the room. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)tail.n) == -1 &&
	    errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return 0;
	if (write_at(fd, tail.p, tail.n, offset) == 0)
		return 0;
	return har_file_cut(fd, offset);
}

static int
write_header(struct har_file *f, const char *instance)
{
	struct buf b;
	int rc;

	buf_init(&b, 0);
	har_header(&b, str_z(f->name), str_z(instance), clock_wall_us());
	f->end = b.len;
	buf_puts(&b, STR(HAR_TAIL));
	rc = write_at(f->fd, buf_data(&b), b.len, 0);
	buf_free(&b);
	return rc;
}

static void
discard(struct har_file *f)
{
	int saved = errno;

	if (f->hidden[0] != '\0')
		(void)unlinkat(f->dir, f->hidden, 0);
	har_file_close(f);
	errno = saved;
}

int
har_file_create(struct har_file *f, const struct spool_dir *d, int dir, const char *instance,
    bool unnamed)
{
	struct stat st;

	f->dir = dir;
	f->end = f->reserved = f->entries = 0;
	f->first_us = f->last_us = 0;
	f->no_reserve = f->torn = false;
	f->errors = (struct tls_errors){0};
	f->hidden[0] = '\0';
	f->fd = spool_unnamed(d, dir, FILE_MODE, f->hidden);
	/* With a name it is seen: by then it is valid, and no reader's lock can be first. */
	if (f->fd == -1 || fstat(f->fd, &st) == -1 || write_header(f, instance) != 0 ||
	    (!unnamed && (!har_file_lock(f) || har_file_publish(f) != 0))) {
		discard(f);
		return -1;
	}
	f->inode = st.st_ino;
	return 0;
}

void
har_file_close(struct har_file *f)
{
	fd_close(&f->fd);
	fd_close(&f->dir);
	tls_errors_free(&f->errors);
}

bool
har_file_lock(struct har_file *f)
{
	/* Where locks are not supported nobody can hold one. */
	return flock(f->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

void
har_file_unlock(struct har_file *f)
{
	(void)flock(f->fd, LOCK_UN);
}

bool
har_lock_patiently(int fd)
{
	int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return true;
		(void)usleep(LOCK_PAUSE_US);
	}
	return false;
}

static int
allocate(struct har_file *f, uint64_t from, uint64_t n)
{
	if (fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)n) == -1)
		return -1;
	f->reserved = from + n;
	return 0;
}

/* The disk has room for `n` bytes more than there are: 0, or -1 with errno. */
static int
reserve(struct har_file *f, uint64_t n)
{
	uint64_t need = f->end + n + TAIL_BYTES, ahead;

	if (f->no_reserve || need <= f->reserved)
		return 0;
	/* As much as there is already: many small files must not fill a disk with nothing. */
	ahead = MIN(MAX(f->end, (uint64_t)RESERVE_MIN), (uint64_t)RESERVE_MAX);
	if (allocate(f, f->end, MAX(need - f->end, ahead)) == 0)
		return 0;
	/* That is too much, but this batch may still fit. */
	if ((errno == ENOSPC || errno == EDQUOT || errno == EFBIG) &&
	    allocate(f, f->end, need - f->end) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL)
		return -1;
	f->no_reserve = true;
	return 0;
}

static int
write_batch(struct har_file *f, struct str entries)
{
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)entries.p, .iov_len = entries.n},
	    {.iov_base = (void *)(uintptr_t)HAR_TAIL, .iov_len = TAIL_BYTES},
	};
	ssize_t put = pwritev(f->fd, iov, 2, (off_t)f->end);

	if (put == (ssize_t)(entries.n + TAIL_BYTES))
		return 0;
	if (put != -1)
		errno = ENOSPC;
	return -1;
}

int
har_file_append(struct har_file *f, struct str entries, uint64_t count, uint64_t now_us)
{
	if (f->entries == 0)
		entries = str_from(entries, SEPARATOR_BYTES);
	if (f->torn || reserve(f, entries.n) != 0)
		return -1;
	if (write_batch(f, entries) != 0) {
		int saved = errno;

		f->torn = har_file_cut(f->fd, f->end) != 0;
		f->reserved = 0;
		errno = saved;
		return -1;
	}
	tls_errors_look_at_all(&f->errors, entries, f->end);
	f->end += entries.n;
	if (f->entries == 0)
		f->first_us = now_us;
	f->entries += count;
	f->last_us = now_us;
	return 0;
}

int
har_file_feed(struct har_file *f, struct str piece)
{
	if (reserve(f, piece.n) != 0 || write_at(f->fd, piece.p, piece.n, f->end) != 0)
		return -1;
	f->end += piece.n;
	return 0;
}

int
har_file_feed_end(struct har_file *f, uint64_t now_us)
{
	f->entries = 1;
	f->first_us = f->last_us = now_us;
	return write_at(f->fd, HAR_TAIL, TAIL_BYTES, f->end);
}

int
har_file_end(struct har_file *f)
{
	struct buf tail;
	int rc;

	if (f->errors.n == 0 || !har_lock_patiently(f->fd))
		return 0;
	buf_init(&tail, 0);
	tls_errors_put_tail(&f->errors, f->fd, &tail);
	rc = har_file_retail(f->fd, f->end, buf_str(&tail));
	har_file_unlock(f);
	buf_free(&tail);
	return rc;
}

int
har_file_publish(struct har_file *f)
{
	char part[SPOOL_NAME + sizeof(SPOOL_PART)];

	if (faccessat(f->dir, f->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	(void)snprintf(part, sizeof(part), "%s" SPOOL_PART, f->name);
	if (spool_publish(f->dir, f->fd, f->hidden, part) != 0)
		return -1;
	f->hidden[0] = '\0';
	return 0;
}
