/* SPDX-License-Identifier: ISC */
/*
 * slot.h - one worker's ring, as the recorder sees it: how far it was read, taken
 * and told, and what in it was no entry.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_SLOT_H
#define MITMD_RECORDER_SLOT_H

#include <ev.h>

#include "shm/open_flows.h"
#include "shm/ring.h"

struct slot {
	unsigned no, pid;
	struct ring_reader *reader;
	int wake_fd, spill_fd;
	ev_io wake;
	void *intake;
	uint64_t receipt;	/* position taken, as far as the worker knows */
	uint64_t told;		/* those who follow have seen everything before */
	uint64_t mark;		/* intake_mark() */
	const struct open_flows_map *open;
	unsigned aborted;	/* rows of them that were looked at, the worker being dead */
	unsigned aborted_receipt;
	unsigned counted, nlost;	/* rows below are in nlost, or were not lost */
	bool ready;		/* the ring may hold more */
	bool ended, broken, spill_told;
	/* What is no entry: read but not taken yet; ever; said in the log. */
	uint64_t bad_read, bad, bad_logged, bad_logged_us;
};

/* The descriptors are taken, also on failure. */
struct slot *slot_new(unsigned no, unsigned pid, struct ring_reader *, int wake_fd,
    int spill_fd) NONNULL(3) MUSTCHECK;
void slot_free(struct slot **);
/* Something was read that is not taken. */
bool slot_behind(const struct slot *) NONNULL(1);
/* It is all to be read again. */
void slot_rewind(struct slot *) NONNULL(1);
void slot_bad(struct slot *) NONNULL(1);
/* Everything up to pos is taken. How many of them were no entries. */
uint64_t slot_taken(struct slot *, uint64_t pos) NONNULL(1);
void slot_log_bad(struct slot *) NONNULL(1);	/* what has not been said yet */
void slot_log_lost(const struct slot *) NONNULL(1);	/* of a dead worker */
void slot_give_up(struct slot *) NONNULL(1);	/* the ring is broken */

#endif
