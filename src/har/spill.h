/* SPDX-License-Identifier: ISC */
/*
 * spill.h - where bodies go that are too large for memory: one unnamed file
 * per worker, made by the recorder in the spool and passed here; cut into
 * extents, given back as soon as the recorder has copied them.
 * Runs in: worker (all), recorder (reads the same file by offset).
 */
#ifndef MITMD_HAR_SPILL_H
#define MITMD_HAR_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

#define SPILL_EXTENT (256u << 10)	/* bytes of an extent */

struct spill;

/* Bytes written through one run; extents in order. Plain data, zero is empty. */
struct spill_run {
	struct spill *spill;
	uint32_t *extents;	/* extent numbers: file offset / SPILL_EXTENT */
	size_t nextents, cap;
	uint64_t len;		/* bytes in use; the last extent may be part full */
};

/* fd is taken. max_bytes bounds the whole file. */
struct spill *spill_new(int fd, uint64_t max_bytes) MUSTCHECK;
void spill_free(struct spill **);
/* 0, ERR_LIMIT (the file's bound) or ERR_SYS (disk full: what was there stays). */
int spill_write(struct spill *, struct spill_run *, const void *p, size_t n)
    NONNULL(1, 2) MUSTCHECK;
/* Read back n bytes at offset within the run; 0 or ERR_SYS. */
int spill_read(const struct spill_run *, uint64_t offset, void *p, size_t n)
    NONNULL(1) MUSTCHECK;
void spill_release(struct spill_run *) NONNULL(1);	/* extents free again; run is empty */
uint64_t spill_in_use(const struct spill *) NONNULL(1);

#endif
