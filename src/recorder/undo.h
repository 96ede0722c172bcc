/* SPDX-License-Identifier: ISC */
/*
 * undo.h - what a killed recorder was about to write is taken back; the
 * entries are still in the rings.
 * Runs in: recorder, at start.
 */
#ifndef MITMD_RECORDER_UNDO_H
#define MITMD_RECORDER_UNDO_H

#include "recorder/spool_dir.h"
#include "shm/receipts.h"

/* The intent is READY; dir: the spool in use now. May be interrupted and repeated. */
void undo(struct receipts *, const struct spool_dir *dir) NONNULL(1, 2);

#endif
