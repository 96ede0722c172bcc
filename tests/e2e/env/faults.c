/* SPDX-License-Identifier: ISC */
/*
 * faults.c - preloaded into mitmd by tests: makes the nth allocation of a role
 * fail, or the wall clock jump, when the test says so in a file that every
 * process has mapped.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct orders {
	_Atomic int64_t clock_offset_s;
	_Atomic uint32_t at;		/* 0: all goes well */
	_Atomic uint32_t always;	/* not only once */
	_Atomic uint32_t count, fired;
	char role[16];			/* as the process is called: "mitmd-worker" */
	int32_t spared[16];		/* processes to which nothing happens; 0 ends them */
};

static struct orders *orders;
static char name[16];

/* Behind its sandbox a process cannot ask for its name any more. */
int
prctl(int what, ...)
{
	unsigned long arg[4];
	va_list ap;
	int i;

	va_start(ap, what);
	for (i = 0; i < 4; i++)
		arg[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (what == PR_SET_NAME)
		strncpy(name, (const char *)arg[0], sizeof(name) - 1);
	return (int)syscall(SYS_prctl, what, arg[0], arg[1], arg[2], arg[3]);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("MITMD_TEST_FAULTS");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map;

	if (fd == -1)
		return;
	map = mmap(NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		orders = map;
}

static int
is_spared(void)
{
	int i;

	for (i = 0; i < 16 && orders->spared[i] != 0; i++)
		if (orders->spared[i] == getpid())
			return 1;
	return 0;
}

static int
fails(void)
{
	if (orders == NULL || orders->at == 0)
		return 0;
	if (strncmp(name, orders->role, strlen(orders->role)) != 0 || is_spared())
		return 0;
	if (atomic_fetch_add(&orders->count, 1) + 1 < orders->at)
		return 0;
	if (!orders->always && atomic_exchange(&orders->fired, 1) != 0)
		return 0;
	orders->fired = 1;
	errno = ENOMEM;
	return 1;
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *
malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
	static void *(*next)(void *, size_t, int, int, int, off_t);

	if (next == NULL)
		next = (void *(*)(void *, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
	return fails() ? MAP_FAILED : next(at, n, prot, flags, fd, offset);
}

/* ---- the clock ---- */

int
clock_gettime(clockid_t which, struct timespec *ts)
{
	static int (*next)(clockid_t, struct timespec *);
	int rc;

	if (next == NULL)
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	rc = next(which, ts);
	if (rc == 0 && orders != NULL &&
	    (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
		ts->tv_sec += orders->clock_offset_s;
	return rc;
}

int
gettimeofday(struct timeval *tv, void *zone)
{
	struct timespec ts;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
