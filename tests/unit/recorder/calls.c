/* SPDX-License-Identifier: ISC */
/*
 * The linker puts these between the recorder and what it calls: they die, fail, or
 * tell what was done.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "world.h"

_Atomic unsigned death_at, death_calls;
bool death_torn;
_Atomic int fail_errno;
_Atomic unsigned fail_after;
_Atomic int fail_reserve;
_Atomic int fail_lock;

static bool
dies_now(void)
{
	return ++death_calls == death_at;
}

/*
 * exec ends every thread at once and takes all memory, as kill -9 does; but
 * valgrind does not look for leaks in what was killed.
 */
static void
die(void)
{
	(void)execlp("false", "false", (char *)NULL);
	abort();
}

_Atomic unsigned fault_at, fault_calls;
int fault_errno;
const char *fault_name = "", *fault_only;
bool fault_lasts, fault_short;

static bool
fails(const char *name)
{
	unsigned n, at = fault_at;

	if (at == 0 || (fault_only != NULL && strcmp(name, fault_only) != 0))
		return false;
	n = ++fault_calls;
	if (n != at && (n < at || !fault_lasts))
		return false;
	errno = fault_errno;
	fault_name = name;
	return true;
}

#define WRAP_VOID(name, params, args)                                                     \
	void __real_##name params;                                                        \
	void __wrap_##name params;                                                        \
	void __wrap_##name params                                                         \
	{                                                                                 \
		if (dies_now())                                                           \
			die();                                                            \
		__real_##name args;                                                       \
	}
/* These change nothing: there is no sense in dying at them. */
#define WRAP_FAULT(ret, name, params, args)                                               \
	ret __real_##name params;                                                         \
	ret __wrap_##name params;                                                         \
	ret __wrap_##name params                                                          \
	{                                                                                 \
		return fails(#name) ? -1 : __real_##name args;                             \
	}
WRAP_VOID(receipts_ready, (struct receipts *r), (r))
WRAP_VOID(receipts_written, (struct receipts *r), (r))
WRAP_VOID(receipts_done, (struct receipts *r), (r))
WRAP_VOID(receipts_undone, (struct receipts *r), (r))
WRAP_FAULT(int, fstat, (int fd, struct stat *st), (fd, st))
WRAP_FAULT(int, fstatat, (int dir, const char *name, struct stat *st, int flags),
    (dir, name, st, flags))
WRAP_FAULT(int, faccessat, (int dir, const char *name, int mode, int flags),
    (dir, name, mode, flags))
WRAP_FAULT(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))

_Atomic int64_t wall_ahead_us;

uint64_t __real_clock_wall_us(void);
uint64_t __wrap_clock_wall_us(void);
uint64_t
__wrap_clock_wall_us(void)
{
	return __real_clock_wall_us() + (uint64_t)wall_ahead_us;
}

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int
__wrap_flock(int fd, int how)
{
	if (dies_now())
		die();
	if (fail_lock != 0) {
		errno = fail_lock;
		return -1;
	}
	if (fails("flock"))
		return -1;
	return __real_flock(fd, how);
}

int __real_fallocate(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n);
int
__wrap_fallocate(int fd, int mode, off_t at, off_t n)
{
	if (dies_now())
		die();
	if (fail_reserve != 0) {
		errno = fail_reserve;
		return -1;
	}
	if (fails("fallocate"))
		return -1;
	return __real_fallocate(fd, mode, at, n);
}

/* ---- what changes something, and is told ---- */

void (*world_op)(const struct op *);
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

/* The order in which they are told is that in which they were done. */
static void
begin(void)
{
	if (world_op != NULL)
		(void)pthread_mutex_lock(&telling);
}

static void
end(bool done, const struct op *op)
{
	int saved = errno;

	if (world_op == NULL)
		return;
	if (done)
		world_op(op);
	(void)pthread_mutex_unlock(&telling);
	errno = saved;
}

static uint64_t
ino_of(int fd)
{
	struct stat st;

	return world_op != NULL && __real_fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static uint64_t
ino_at(int dir, const char *name)
{
	struct stat st;

	return world_op != NULL && __real_fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ?
	    st.st_ino : 0;
}

static struct op
named(int kind, uint64_t ino, int dir, const char *name, const char *to)
{
	struct op op = {.ino = ino, .dir = ino_of(dir)};

	op.kind = kind;
	(void)snprintf(op.name, sizeof(op.name), "%s", name);
	(void)snprintf(op.to, sizeof(op.to), "%s", to);
	return op;
}

#define CALL(ret, name, params, args, OP)                                                 \
	ret __real_##name params;                                                         \
	ret __wrap_##name params;                                                         \
	ret __wrap_##name params                                                          \
	{                                                                                 \
		ret rc_;                                                                  \
		struct op op_;                                                            \
                                                                                          \
		if (dies_now())                                                           \
			die();                                                            \
		if (fails(#name))                                                         \
			return -1;                                                        \
		begin();                                                                  \
		rc_ = __real_##name args;                                                 \
		op_ = OP;                                                                 \
		end(rc_ == 0, &op_);                                                      \
		return rc_;                                                               \
	}
CALL(int, ftruncate, (int fd, off_t n), (fd, n),
    ((struct op){.kind = OP_TRUNCATE, .ino = ino_of(fd), .at = (uint64_t)n}))
CALL(int, fdatasync, (int fd), (fd), ((struct op){.kind = OP_SYNC, .ino = ino_of(fd)}))
CALL(int, fsync, (int fd), (fd), ((struct op){.kind = OP_SYNC, .ino = ino_of(fd)}))
CALL(int, renameat2, (int a, const char *b, int c, const char *d, unsigned f), (a, b, c, d, f),
    named(OP_RENAME, 0, a, b, d))
CALL(int, renameat, (int a, const char *b, int c, const char *d), (a, b, c, d),
    named(OP_RENAME, 0, a, b, d))
CALL(int, linkat, (int a, const char *b, int c, const char *d, int f), (a, b, c, d, f),
    named(OP_LINK, ino_at(c, d), c, d, ""))
CALL(int, unlinkat, (int dir, const char *name, int flags), (dir, name, flags),
    named(OP_UNLINK, 0, dir, name, ""))
CALL(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode),
    named(OP_MKDIR, ino_at(dir, name), dir, name, ""))

/*
 * What is told of files goes by their inodes' numbers, and some file systems give the
 * number of one that is gone to the next: none goes while it is held, until the test ends.
 */
static void
hold(int fd)
{
	char self[64];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	(void)open(self, O_PATH | O_CLOEXEC);
}

int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int
__wrap_openat(int dir, const char *name, int flags, ...)
{
	bool unnamed = (flags & O_TMPFILE) == O_TMPFILE, makes = unnamed || (flags & O_CREAT) != 0;
	struct op op;
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (fails("openat"))
		return -1;
	va_start(ap, flags);
	if (makes)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (!makes)
		return __real_openat(dir, name, flags);
	begin();
	fd = __real_openat(dir, name, flags, mode);
	op = (struct op){.kind = OP_CREATE, .ino = ino_of(fd)};
	if (fd != -1 && world_op != NULL) {
		hold(fd);
		world_op(&op);
	}
	op = named(OP_LINK, op.ino, dir, name, "");
	end(fd != -1 && !unnamed, &op);
	return fd;
}

/* ---- writing ---- */

static void
tell_write(int fd, const void *p, ssize_t n, off_t at)
{
	struct op op = {.kind = OP_WRITE, .ino = ino_of(fd), .at = (uint64_t)at,
	    .n = n > 0 ? (size_t)n : 0, .data = p};

	end(n > 0, &op);
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t put;

	if (dies_now()) {
		if (death_torn)
			(void)!__real_pwrite(fd, p, n / 2, at);
		die();
	}
	if (fails("pwrite"))
		return fault_short ? __real_pwrite(fd, p, n / 2, at) : -1;
	begin();
	put = __real_pwrite(fd, p, n, at);
	tell_write(fd, p, put, at);
	return put;
}

ssize_t __real_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t
__wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	struct buf all = {0};
	ssize_t put;
	int i;

	if (dies_now()) {
		if (death_torn)
			(void)!__real_pwrite(fd, iov[0].iov_base, iov[0].iov_len / 2, at);
		die();
	}
	if (fail_errno != 0 && fail_after > 0) {
		fail_after--;
	} else if (fail_errno != 0) {
		/* As a full disk does it: some of it was written. */
		(void)!__real_pwrite(fd, iov[0].iov_base, iov[0].iov_len / 2, at);
		errno = fail_errno;
		return -1;
	}
	if (fails("pwritev"))
		return fault_short ? __real_pwrite(fd, iov[0].iov_base, iov[0].iov_len / 2, at) :
		    -1;
	for (i = 0; i < n; i++)
		buf_put(&all, iov[i].iov_base, iov[i].iov_len);
	begin();
	put = __real_pwritev(fd, iov, n, at);
	tell_write(fd, buf_data(&all), put, at);
	buf_free(&all);
	return put;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	struct stat st;
	ssize_t put;
	off_t at;

	/* Eventfds and the log are no disk. */
	if (fd <= STDERR_FILENO || __real_fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return __real_write(fd, p, n);
	if (fails("write"))
		return fault_short ? __real_write(fd, p, n / 2) : -1;
	begin();
	at = lseek(fd, 0, SEEK_CUR);
	put = __real_write(fd, p, n);
	tell_write(fd, p, put, at);
	return put;
}
