/* SPDX-License-Identifier: ISC */
/*
 * handover.h - finished entries on their way into the ring.  A full ring holds
 * them back for a moment; then whole entries are dropped and counted.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_HANDOVER_H
#define MITMD_WORKER_HANDOVER_H

#include "base/buf.h"
#include "har/entry.h"
#include "shm/ring.h"

struct handover;
struct open_flows;
struct worker;

/* Both are taken; open NULL: of a crash nothing is recorded. */
struct handover *handover_new(struct worker *, struct ring_writer *, struct open_flows *open);
void handover_free(struct handover **);
/* The file for large bodies has come (fd is taken). */
void handover_spill(struct handover *, int fd);
/* NULL until then. */
struct spill *handover_spill_file(struct handover *);
/* A cleared buffer to make the next entry in. */
struct buf *handover_scratch(struct handover *);
/*
 * text may be the scratch buffer. The runs are taken, and so is the row of open
 * flows (0: none), which is given up when the entry is out.
 */
void handover_put(struct handover *, struct str tag, struct str text, struct har_insert *,
    size_t ninserts, unsigned open);
/* NULL: there is none. */
struct open_flows *handover_open_flows(struct handover *);
void handover_forget(struct handover *, unsigned open);	/* that flow has no entry */
/* The recorder looks at the ring now, not when there is more in it. */
void handover_kick(struct handover *);
/* Once a loop turn. */
void handover_turn(struct handover *);
/*
 * What is handed over now might never get into a file: the recorder says so, or it
 * is dead or stuck and the ring runs full.
 */
bool handover_refused(const struct handover *);
/* Nothing waits outside the ring. */
bool handover_idle(const struct handover *);

#endif
