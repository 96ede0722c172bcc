/* SPDX-License-Identifier: ISC */
/*
 * ring.h - finished entries from one worker to the recorder, through shared
 * memory.  The worker writes the ring, the recorder maps it read-only, copies
 * and checks.  What the recorder has taken is told in the receipts, a segment
 * that only recorder and master can write.  A killed worker loses only what it
 * had not committed; a killed recorder nothing.
 * Runs in: master (create), worker (writer), recorder (reader).
 */
#ifndef MITMD_SHM_RING_H
#define MITMD_SHM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define RING_BYTES (8u << 20)
#define RING_SLOTS 1280		/* workers of five generations */
#define RING_TEXT_MAX (15u << 18)	/* of an entry; more has to go through the spill */
#define RING_INSERTS_MAX 2
#define RING_EXTENTS_MAX 65536u	/* of an entry, over all inserts */
#define RING_TAG_MAX 64
#define RING_HEAD_BYTES 65536u	/* a whole page wherever pages are up to 64 KiB */
#define RING_OPEN_FLOWS_AT (RING_HEAD_BYTES + RING_BYTES)	/* in the memory: open_flows.h */

/* What stands between header and text for each piece that lies in the spill. */
struct ring_insert {
	uint32_t at;		/* offset in the text */
	uint32_t nextents;	/* extent numbers follow all inserts, in order */
	uint64_t len;
};

struct ring_entry {
	struct str tag;		/* [A-Za-z0-9_][A-Za-z0-9._-]{0,63} */
	struct str text;	/* one line of JSON without newline */
	size_t ninserts;
	struct ring_insert inserts[RING_INSERTS_MAX];
	const uint32_t *extents[RING_INSERTS_MAX];
};

bool ring_tag_ok(struct str tag) MUSTCHECK;

/* ---- master ---- */
/* A memfd of the right size, sealed against shrinking and growing; -1 with reason. */
int ring_create(unsigned slot, struct errmsg *) NONNULL(2);
struct receipts;
/* The one segment with a receipt per slot; inherited by recorders (write) ... */
struct receipts *receipts_create(struct errmsg *) NONNULL(1);
int receipts_fd(const struct receipts *) NONNULL(1);
void receipts_fork(struct receipts *, bool inherit) NONNULL(1);	/* around fork(recorder) */
/* Before a slot is used again. */
void receipts_reset(struct receipts *, unsigned slot) NONNULL(1);
/* ... and mapped read-only by everybody else, from the inherited descriptor. */
struct receipts *receipts_open(int fd, struct errmsg *) NONNULL(2);
void receipts_free(struct receipts **);		/* the map, and in the master the descriptor */

/* ---- worker ---- */
struct ring_writer;
/* ring_fd and wake_fd (an eventfd) stay the caller's. */
struct ring_writer *ring_writer_new(int ring_fd, int wake_fd, const struct receipts *,
    unsigned slot, struct errmsg *) NONNULL(3, 5);
void ring_writer_free(struct ring_writer **);
/*
 * Commit an entry: 0, ERR_AGAIN (no room now) or ERR_LIMIT (can never fit).
 * Wakes the recorder at 256 KiB; otherwise ring_kick() does, from a 50 ms timer.
 * announce: is told the position before the entry can be seen; NULL: nobody asks.
 * *out_pos: position to compare with ring_taken().
 */
int ring_put(struct ring_writer *, const struct ring_entry *, _Atomic uint64_t *announce,
    uint64_t *out_pos) NONNULL(1, 2, 4) MUSTCHECK;
void ring_kick(struct ring_writer *) NONNULL(1);	/* wakes if anything waits untold */
bool ring_untold(const struct ring_writer *) NONNULL(1);
/* Everything up to this position is in a file (extents before it are free again). */
uint64_t ring_taken(const struct ring_writer *) NONNULL(1);
uint64_t ring_written(const struct ring_writer *) NONNULL(1);
/* The recorder wants no more: what it has cannot be written (receipts.h). */
bool ring_refused(const struct ring_writer *) NONNULL(1);

/* ---- recorder ---- */
struct ring_reader;
struct ring_reader *ring_reader_new(int ring_fd, struct receipts *, unsigned slot,
    struct errmsg *) NONNULL(2, 4);
void ring_reader_free(struct ring_reader **);
/*
 * The next entry, copied out of the shared page into the reader's own memory
 * (a broken worker could change it meanwhile) and checked for bounds: 0,
 * ERR_AGAIN (none), ERR_SYNTAX (the ring is broken: give it up).  Reading
 * starts at the slot's receipt.  Views stay good until the next call.
 */
int ring_next(struct ring_reader *, struct ring_entry *out) NONNULL(1, 2) MUSTCHECK;
/* Back to the receipt: what was read and is in no file is read again. */
void ring_rewind(struct ring_reader *) NONNULL(1);
/* Behind the entry handed out last. */
uint64_t ring_reader_pos(const struct ring_reader *) NONNULL(1);
/* What the worker claims to have written; believe it only within RING_BYTES of pos. */
uint64_t ring_reader_written(const struct ring_reader *) NONNULL(1);
/* All entries up to pos are on disk: lets the worker use that room again. */
void ring_receipt(struct ring_reader *, uint64_t pos) NONNULL(1);

#endif
