/* SPDX-License-Identifier: ISC */
/* counters.c - see counters.h.  Runs in: master, every role. */
#include "config.h"

#include "proc/counters.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

_Static_assert(sizeof(struct counters) == 4096, "one page: the rest of a slot stays unused");

struct counters *
counters_create(int *out_fd, struct errmsg *err)
{
	size_t size = SLOT_COUNT * sizeof(struct counters);
	void *map;
	int fd = memfd_create("mitmd-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1 || ftruncate(fd, (off_t)size) == -1 ||
	    (map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED) {
		(void)errmsg_sys(err, "cannot make the counters");
		fd_close(&fd);
		return NULL;
	}
	/* From now on every new map is read-only; the first one stays as it is. */
	if (fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == -1) {
		(void)errmsg_sys(err, "cannot seal the counters");
		(void)munmap(map, size);
		fd_close(&fd);
		return NULL;
	}
	*out_fd = fd;
	return map;
}

/* In the place of the writable map comes one that cannot become writable. */
static void
read_only(struct counters *all, int fd, unsigned from, unsigned to)
{
	size_t size = (to - from) * sizeof(*all), at = from * sizeof(*all);

	if (size == 0)
		return;
	CHECK(mmap(&all[from], size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, (off_t)at) !=
	    MAP_FAILED);
}

void
counters_confine(struct counters *all, int fd, unsigned slot)
{
	read_only(all, fd, 0, slot);
	read_only(all, fd, slot + 1, SLOT_COUNT);
	counters_left(all, slot);
}

void
counters_left(struct counters *all, unsigned slot)
{
	struct counters *c = &all[slot];

#define COUNTER(name, meaning) (void)c->name;
#define GAUGE(name, meaning) counter_set(&c->name, 0);
#include "proc/counters.def"
#undef COUNTER
#undef GAUGE
}
