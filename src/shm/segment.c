/* SPDX-License-Identifier: ISC */
/* segment.c - see segment.h. */
#include "config.h"

#include "shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

int
segment_create(struct segment *s, const char *name, size_t size, struct errmsg *err)
{
	s->size = size;
	s->locked = false;
	s->map = MAP_FAILED;
	s->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->fd == -1)
		return errmsg_sys(err, "cannot make shared memory for %s", name);
	if (ftruncate(s->fd, (off_t)size) == -1)
		goto fail;
	s->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED || madvise(s->map, size, MADV_DONTFORK) == -1)
		goto fail;
	/* From here on nobody can map it writable: this map is the only one. */
	if (fcntl(s->fd, F_ADD_SEALS,
	    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == -1)
		goto fail;
	return 0;
fail:
	(void)errmsg_sys(err, "cannot set up shared memory for %s", name);
	segment_free(s);
	return -1;
}

void
segment_fork(struct segment *s, bool inherit)
{
	CHECK(madvise(s->map, s->size, inherit ? MADV_DOFORK : MADV_DONTFORK) == 0);
}

void
segment_lock(struct segment *s)
{
	(void)madvise(s->map, s->size, MADV_DONTDUMP);
	s->locked = mlock(s->map, s->size) == 0;
}

void
segment_free(struct segment *s)
{
	if (s->map != MAP_FAILED && s->map != NULL)
		(void)munmap(s->map, s->size);
	s->map = NULL;
	fd_close(&s->fd);
}

const void *
segment_open(int fd, size_t size, struct errmsg *err)
{
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		(void)errmsg_sys(err, "cannot map shared memory");
		return NULL;
	}
	return map;
}
