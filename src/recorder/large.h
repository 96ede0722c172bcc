/* SPDX-License-Identifier: ISC */
/*
 * large.h - the one entry at a time that is too large for a batch: copied over
 * several turns into a file of its own, checked as it goes by.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_LARGE_H
#define MITMD_RECORDER_LARGE_H

#include "har/json.h"
#include "recorder/pieces.h"
#include "recorder/spool.h"

struct large {
	bool active;
	struct spool *spool;
	struct ring_entry entry;	/* views into the reader's memory */
	struct pieces pieces;
	struct json_check check;
	struct har_file file;
	struct spool_pos pos;
	char *chunk;
};

/* 0, or as spool_large_begin() has it. The extents were checked before. */
int large_begin(struct large *, struct spool *, const struct ring_entry *, int spill,
    uint64_t max, struct spool_pos) NONNULL(1, 2, 3) MUSTCHECK;
enum large_step { LARGE_MORE, LARGE_DONE, LARGE_BAD, LARGE_LOST, LARGE_AGAIN };
/* LARGE_DONE: its position is taken already. LARGE_AGAIN: it is to be read again. */
enum large_step large_step(struct large *, uint64_t now_us) NONNULL(1) MUSTCHECK;
void large_free(struct large *) NONNULL(1);	/* given up; its position is not taken */

#endif
