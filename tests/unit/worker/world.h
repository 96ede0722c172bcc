/* SPDX-License-Identifier: ISC */
/*
 * world.h - what a worker's modules need around them, without the processes: a
 * ring that can be read back, a loop, connections whose far ends are the
 * test's, and a dial that gives such a connection at once.
 */
#ifndef TESTS_UNIT_WORKER_WORLD_H
#define TESTS_UNIT_WORKER_WORLD_H

#include "base/buf.h"
#include "conf/conf.h"
#include "proc/counters.h"
#include "worker/worker_state.h"

#define WORLD_ORIGINS 8

struct world {
	struct worker worker;	/* first: the worker's hooks find the world by it */
	struct conf *conf;
	struct proc proc;
	struct counters counters;
	struct receipts *receipts;
	struct ring_reader *reader;
	int ring_fd, wake_fd;
	bool unix_pairs;	/* socketpair() instead of TCP over loopback */
	unsigned recorded;	/* entries taken out of the ring */
	struct buf entry;	/* the last one, with a NUL */

	/* ---- dials ---- */
	unsigned refuse_dials;	/* how many of the next ones fail */
	unsigned dials;
	int origin[WORLD_ORIGINS];	/* far ends, in order of the dials; -1 */
};

void world_init(struct world *);
void world_fini(struct world *);
/* The next recorded entry, which is JSON on one line (without what is spilled); NULL: none. */
const char *world_entry(struct world *);
/* All that was recorded is forgotten, with what waits for room in the ring. */
void world_drop_entries(struct world *);
/* A connected pair; both ends do not block. */
void world_pair(const struct world *, int fd[2]);
/* A client that was accepted: its far end. */
int world_client(struct world *);
/* The loop until nothing more happens. */
void world_run(struct world *);

#endif
