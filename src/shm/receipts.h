/* SPDX-License-Identifier: ISC */
/*
 * receipts.h - the recorder's half of the receipts segment: how far each ring
 * was taken, and what the recorder is about to do, so that the one that follows
 * a killed recorder neither loses an entry nor writes one twice.
 *
 * The recorder works in transactions.  One covers whole runs of entries from
 * any number of rings, whatever tags they have, and therefore any number of
 * files.  Before the first byte is written the intent names every file with the
 * offset its tail stands at, and every ring with the position behind its last
 * entry of this transaction.  Its state goes
 *
 *	NONE -> READY (files may be touched) -> WRITTEN (all files are) -> NONE
 *
 * and positions advance between WRITTEN and NONE; of a worker that died so does
 * the number of its open flows that have become entries.  So a recorder that finds
 * READY undoes: it cuts each file back to its offset (a file that was to appear
 * as a whole is removed), and the entries come again from the rings, whose
 * receipts have not moved.  One that finds WRITTEN redoes the positions.
 * Undoing and redoing may themselves be interrupted and repeated.  Positions of
 * a ring never pass an entry that is not in a file (or dropped and counted).
 *
 * With when_full: block it also tells the workers that nothing more should come.
 *
 * The segment holds no pointer and only the recorder (and the master) can
 * write it; kill -9 leaves its bytes as they were.
 * Runs in: recorder, tests.
 */
#ifndef MITMD_SHM_RECEIPTS_H
#define MITMD_SHM_RECEIPTS_H

#include <stdatomic.h>

#include "shm/ring.h"

#define INTENT_FILES 256
#define INTENT_NAME 128
#define INTENT_DIR 4096

enum intent_state { INTENT_NONE, INTENT_READY, INTENT_WRITTEN };

struct intent_file {
	char tag[RING_TAG_MAX + 1];
	char name[INTENT_NAME];
	bool whole;		/* appears as a whole: undoing removes it */
	uint64_t inode;		/* a name that means another file by now is left alone */
	uint64_t offset;	/* of the tail, before */
};

struct intent {
	_Atomic uint32_t state;
	uint32_t nfiles, nslots;
	char dir[INTENT_DIR];
	struct intent_file files[INTENT_FILES];
	struct {
		uint32_t slot, aborted;
		uint64_t pos;
	} slots[RING_SLOTS];
};

const struct intent *receipts_intent(const struct receipts *) NONNULL(1);
enum intent_state receipts_state(const struct receipts *) NONNULL(1);

/* In this order: begin, file and slot as often as needed, ready, written, done. */
void receipts_begin(struct receipts *, const char *dir) NONNULL(1, 2);
void receipts_file(struct receipts *, const struct intent_file *) NONNULL(1, 2);
void receipts_slot(struct receipts *, unsigned slot, uint64_t pos, uint32_t aborted)
    NONNULL(1);
void receipts_ready(struct receipts *) NONNULL(1);
void receipts_written(struct receipts *) NONNULL(1);
void receipts_done(struct receipts *) NONNULL(1);	/* positions advance; also the redo */
void receipts_undone(struct receipts *) NONNULL(1);	/* after READY: files are as before */

/* Rows of a dead worker's open flows (open_flows.h) that have become entries. */
uint32_t receipts_aborted(const struct receipts *, unsigned slot) NONNULL(1);
/*
 * What workers hand over cannot be written, and is to wait: they make no more. It
 * stays as a killed recorder left it, until the next one knows better.
 */
void receipts_refuse(struct receipts *, bool) NONNULL(1);
bool receipts_refused(const struct receipts *) NONNULL(1);

/* ---- shared by ring.c ---- */
uint64_t receipts_taken(const struct receipts *, unsigned slot) NONNULL(1);
void receipts_take(struct receipts *, unsigned slot, uint64_t pos) NONNULL(1);

#endif
