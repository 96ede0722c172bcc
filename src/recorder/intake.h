/* SPDX-License-Identifier: ISC */
/*
 * intake.h - entries out of all rings, in turns, checked, into the spool.  What
 * is not exactly one JSON object on one line is dropped and counted.  A turn is
 * bounded, so that neither a worker nor a large entry holds up the loop.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_INTAKE_H
#define MITMD_RECORDER_INTAKE_H

#include <ev.h>

#include "recorder/spool.h"
#include "recorder/tails.h"

struct intake;

struct intake_ops {
	/* All that the ended ring of that slot held is on disk; it is let go. */
	void (*drained)(void *arg, unsigned slot);
	/* For its worker's large bodies; fd is borrowed. */
	void (*spill)(void *arg, unsigned slot, int fd);
	/* Something went on: intake_reached() may have become true. */
	void (*progress)(void *arg);
};

/* Borrows loop, spool, receipts and tails. */
struct intake *intake_new(struct ev_loop *, struct spool *, struct receipts *, struct tails *,
    const struct intake_ops *, void *arg) NONNULL(1, 2, 3, 4, 5);
void intake_free(struct intake **);
void intake_set_max(struct intake *, uint64_t entry_bytes) NONNULL(1);	/* 0: built in */

/* The descriptors are taken, also on failure; spill_fd -1: one is made. */
int intake_add(struct intake *, unsigned slot, unsigned pid, int ring_fd, int wake_fd,
    int spill_fd, struct errmsg *) NONNULL(1, 7) MUSTCHECK;
void intake_end(struct intake *, unsigned slot) NONNULL(1);	/* its worker is gone */
void intake_end_all(struct intake *) NONNULL(1);		/* ... and so are all */
void intake_make_spills(struct intake *) NONNULL(1);	/* for those that have none yet */

/* Take what is in the rings now; reached() when that is written. */
void intake_mark(struct intake *) NONNULL(1);
bool intake_reached(const struct intake *) NONNULL(1);
/* Write all that waits, whoever reads. */
void intake_commit(struct intake *) NONNULL(1);
/* The same, and a large entry that is under way is brought to its end. */
void intake_settle(struct intake *) NONNULL(1);
/* One turn of work, as the loop does it: false when there is nothing to do. */
bool intake_turn(struct intake *) NONNULL(1);

#endif
