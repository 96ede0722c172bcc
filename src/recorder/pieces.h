/* SPDX-License-Identifier: ISC */
/*
 * pieces.h - the bytes of an entry in order: text, and what lies in the
 * worker's spill file in between.  The spill is the worker's: it may be short,
 * or change at any time, so only what was read counts.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_PIECES_H
#define MITMD_RECORDER_PIECES_H

#include "shm/ring.h"

struct pieces {
	const struct ring_entry *entry;
	int spill;
	size_t part;		/* even: text, odd: insert */
	uint64_t offset;	/* within the part */
	uint64_t total;
};

/* The entry is borrowed. ERR_SYNTAX: extents that do not fit; ERR_LIMIT: over max. */
int pieces_init(struct pieces *, const struct ring_entry *, int spill, uint64_t max)
    NONNULL(1, 2) MUSTCHECK;
/* Up to n bytes: how many, 0 at the end, -1 when the spill cannot be read. */
ssize_t pieces_read(struct pieces *, void *, size_t n) NONNULL(1, 2) MUSTCHECK;

#endif
