/* SPDX-License-Identifier: ISC */
/*
 * segment.h - a memfd that only chosen processes can write: the master maps it
 * writable, keeps it out of forks, seals it against new writers, and lets it
 * through only around the fork of a chosen role.  Everybody else maps the
 * inherited descriptor read-only.
 * Runs in: master (create), every role (open).
 */
#ifndef MITMD_SHM_SEGMENT_H
#define MITMD_SHM_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct segment {
	int fd;
	void *map;	/* writable in master and chosen roles */
	size_t size;
	bool locked;	/* by segment_lock() */
};

int segment_create(struct segment *, const char *name, size_t size, struct errmsg *)
    NONNULL(1, 2, 4) MUSTCHECK;
void segment_fork(struct segment *, bool inherit) NONNULL(1);
/* Of the creator's: never swapped out, if the limits allow it, and in no dump. */
void segment_lock(struct segment *) NONNULL(1);
void segment_free(struct segment *) NONNULL(1);
/* A read-only map of it in this process. */
const void *segment_open(int fd, size_t size, struct errmsg *) NONNULL(3);

#endif
