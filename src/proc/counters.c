/* SPDX-License-Identifier: ISC */
/* counters.c - see counters.h.  Runs in: master. */
#include "config.h"

#include "proc/counters.h"

#include <stddef.h>
#include <sys/mman.h>

struct counters *
counters_create(unsigned slots)
{
	void *map = mmap(NULL, slots * sizeof(struct counters), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	return map;
}
