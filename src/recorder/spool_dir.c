/* SPDX-License-Identifier: ISC */
/* spool_dir.c - see spool_dir.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/spool_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#define DIR_MODE 02750
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define HIDDEN_PREFIX ".mitmd-"
#define PROBE_BYTES (64u << 10)
#define LOCK_POLL_MS 50
#define NAME_TRIES 1000

/* mkdir(2) takes no set-group-id bit, and umask is not ours alone. */
static int
open_made(int at, const char *name, int flags, bool made)
{
	int fd = openat(at, name, DIR_FLAGS | flags);

	if (fd != -1 && made)
		(void)fchmod(fd, DIR_MODE);
	return fd;
}

int
spool_dir_make(const char *path)
{
	bool made = mkdirat(AT_FDCWD, path, DIR_MODE & 0777) == 0;

	if (!made && errno != EEXIST && access(path, F_OK) != 0)
		return -1;
	return open_made(AT_FDCWD, path, 0, made);
}

/*
 * A lock belongs to the open file, which one that was passed shares with its
 * sender: it would outlive us.
 */
static int
open_passed(int fd)
{
	int own = openat(fd, ".", DIR_FLAGS);

	fd_close(&fd);
	return own;
}

/* Filesystems without flock(2) on directories go without. */
static bool
lock(struct spool_dir *d, unsigned wait_ms)
{
	unsigned waited;

	for (waited = 0; flock(d->fd, LOCK_EX | LOCK_NB) == -1; waited += LOCK_POLL_MS) {
		if (errno != EWOULDBLOCK)
			return true;
		if (waited >= wait_ms)
			return false;
		(void)usleep(LOCK_POLL_MS * 1000);
	}
	d->locked = true;
	return true;
}

static bool
try_unnamed(struct spool_dir *d)
{
	char hidden[SPOOL_NAME], name[SPOOL_NAME];
	int fd;
	bool ok;

	d->unnamed = true;
	fd = spool_unnamed(d, d->fd, 0600, hidden);
	if (fd == -1)
		return false;
	(void)snprintf(name, sizeof(name), HIDDEN_PREFIX "try-%d.tmp", (int)getpid());
	ok = hidden[0] == '\0' && spool_publish(d->fd, fd, "", name) == 0;
	if (ok)
		(void)unlinkat(d->fd, name, 0);
	fd_close(&fd);
	return ok;
}

int
spool_dir_open(struct spool_dir *d, struct str path, int fd, unsigned wait_ms,
    struct errmsg *err)
{
	d->path = str_dup(path);
	d->fd = fd != -1 ? open_passed(fd) : spool_dir_make(d->path);
	if (d->fd == -1) {
		(void)errmsg_sys(err, "cannot open the spool directory %s", d->path);
		goto fail;
	}
	d->locked = false;
	if (!lock(d, wait_ms)) {
		(void)errmsg_set(err, "the spool directory %s is in use by another recorder",
		    d->path);
		goto fail;
	}
	d->unnamed = try_unnamed(d);
	if (spool_dir_probe(d, 0) != 0) {
		(void)errmsg_sys(err, "cannot write to the spool directory %s", d->path);
		goto fail;
	}
	return 0;
fail:
	spool_dir_close(d);
	return -1;
}

void
spool_dir_close(struct spool_dir *d)
{
	fd_close(&d->fd);
	free(d->path);
	d->path = NULL;
}

/* Where space cannot be asked for, that some can be written has to do. */
static int
fill(int fd, uint64_t bytes)
{
	static const char zeros[PROBE_BYTES];

	if (bytes > 0 && fallocate(fd, 0, 0, (off_t)bytes) == -1 && errno != EOPNOTSUPP &&
	    errno != ENOSYS && errno != EINVAL)
		return -1;
	return fd_write_all(fd, zeros, sizeof(zeros));
}

int
spool_dir_probe(const struct spool_dir *d, uint64_t bytes)
{
	char hidden[SPOOL_NAME];
	int fd = spool_unnamed(d, d->fd, 0600, hidden), rc, saved;

	if (fd == -1)
		return -1;
	rc = fill(fd, bytes);
	saved = errno;
	fd_close(&fd);
	if (hidden[0] != '\0')
		(void)unlinkat(d->fd, hidden, 0);
	errno = saved;
	return rc;
}

bool
spool_dir_gone(const struct spool_dir *d)
{
	struct stat st;

	return fstat(d->fd, &st) == -1 || st.st_nlink == 0;
}

int
spool_dir_tag(const struct spool_dir *d, const char *tag, bool create)
{
	bool made = create && mkdirat(d->fd, tag, DIR_MODE & 0777) == 0;

	if (create && !made && errno != EEXIST)
		return -1;
	return open_made(d->fd, tag, O_NOFOLLOW, made);
}

int
spool_dir_spill(const struct spool_dir *d)
{
	char hidden[SPOOL_NAME];
	int fd = spool_unnamed(d, d->fd, 0600, hidden);

	if (fd != -1 && hidden[0] != '\0')
		(void)unlinkat(d->fd, hidden, 0);
	return fd;
}

int
spool_unnamed(const struct spool_dir *d, int dir, int mode, char out_name[SPOOL_NAME])
{
	static _Atomic unsigned counter;	/* the helper thread makes them too */
	int tries, fd = -1;

	out_name[0] = '\0';
	if (d->unnamed)
		return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	for (tries = 0; tries < 100 && fd == -1; tries++) {
		(void)snprintf(out_name, SPOOL_NAME, HIDDEN_PREFIX "%d-%u.tmp", (int)getpid(),
		    ++counter);
		fd = openat(dir, out_name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd == -1 && errno != EEXIST)
			return -1;
	}
	return fd;
}

/*
 * A new name that is not taken. Where the file system cannot do both in one step (NFS,
 * many FUSE ones) nobody comes between: only we write in this directory.
 */
static int
rename_new(int dir, const char *from, const char *to)
{
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (faccessat(dir, to, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? renameat(dir, from, dir, to) : -1;
	errno = EEXIST;
	return -1;
}

int
spool_publish(int dir, int fd, const char *hidden, const char *name)
{
	char proc[64];

	if (hidden[0] != '\0')
		return rename_new(dir, hidden, name);
	/* Allowed to the opener since Linux 6.10; before, by the way round /proc. */
	if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno == EEXIST)
		return -1;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW);
}

bool
spool_instance_ok(struct str s)
{
	size_t i;

	if (s.n == 0 || s.n > SPOOL_INSTANCE_MAX)
		return false;
	for (i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
		    c == '-' || c == '.'))
			return false;
	}
	return true;
}

void
spool_name(char out[SPOOL_NAME], uint64_t wall_us, const char *instance, unsigned n)
{
	char when[CLOCK_COMPACT_SIZE];

	clock_compact(wall_us, when);
	(void)snprintf(out, SPOOL_NAME, "%s-%s-%u.har", when, instance, n);
}

/* digits: 'D' is a digit, anything else itself. */
static bool
like(const char *s, const char *pattern)
{
	for (; *pattern != '\0'; s++, pattern++)
		if (*pattern == 'D' ? *s < '0' || *s > '9' : *s != *pattern)
			return false;
	return true;
}

bool
spool_name_ok(const char *name, const char *suffix)
{
	struct str s = str_z(name), instance;
	ssize_t dash;
	uint64_t n;

	if (s.n >= SPOOL_NAME || !like(name, "DDDDDDDDTDDDDDDZ-"))
		return false;
	if (!str_ends(s, str_z(suffix)))
		return false;
	s.n -= strlen(suffix);
	if (!str_ends(s, STR(".har")))
		return false;
	s = str_from(str_sub(s, 0, s.n - 4), 17);
	dash = str_rchr(s, '-');
	if (dash <= 0)
		return false;
	instance = str_sub(s, 0, (size_t)dash);
	return spool_instance_ok(instance) &&
	    str_u64(str_from(s, (size_t)dash + 1), UINT32_MAX, &n);
}

/* "DDDDDDDDTDDDDDDZ-INSTANCE-N.har", and more. */
bool
spool_name_of(const char *name, const char *instance)
{
	struct str rest = str_from(str_z(name), 17), its = str_z(instance);

	if (!str_starts(rest, its))
		return false;
	rest = str_from(rest, its.n);
	/* No dash but the one before the number: "a-b" is not "a". */
	return rest.n > 1 && rest.p[0] == '-' && str_rchr(rest, '-') == 0;
}

bool
spool_file_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == geteuid();
}

bool
spool_hidden_ok(const char *name)
{
	struct str s = str_z(name);

	return str_starts(s, STR(HIDDEN_PREFIX)) && str_ends(s, STR(".tmp"));
}

/* "...-7.har" becomes "...-8.har"; false when there is no number that high. */
static bool
next_name(char name[SPOOL_NAME])
{
	struct str s = str_z(name), stem = str_sub(s, 0, s.n - 4);
	ssize_t dash = str_rchr(stem, '-');
	char longer[SPOOL_NAME * 2];
	uint64_t n;
	int len;

	if (dash == -1 || !str_u64(str_from(stem, (size_t)dash + 1), UINT32_MAX - 1, &n))
		return false;
	len = snprintf(longer, sizeof(longer), "%.*s-%u.har", (int)dash, name, (unsigned)n + 1);
	if (len < 0 || len >= SPOOL_NAME)
		return false;
	memcpy(name, longer, (size_t)len + 1);
	return true;
}

int
spool_seal(int dir, const char *name)
{
	char part[SPOOL_NAME + sizeof(SPOOL_PART)], final[SPOOL_NAME];
	int tries;

	(void)snprintf(part, sizeof(part), "%s" SPOOL_PART, name);
	(void)snprintf(final, sizeof(final), "%s", name);
	for (tries = 0; rename_new(dir, part, final) == -1; tries++)
		if (errno != EEXIST || tries == NAME_TRIES || !next_name(final))
			return -1;
	return 0;
}

/* The directory itself may be new; if it is not, this costs next to nothing. */
static int
sync_parent(int dir)
{
	int fd = openat(dir, "..", DIR_FLAGS), rc, saved;

	if (fd == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	fd_close(&fd);
	errno = saved;
	return rc;
}

int
spool_sync_names(int dir)
{
	return fsync(dir) == 0 && sync_parent(dir) == 0 ? 0 : -1;
}
