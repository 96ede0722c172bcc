/* SPDX-License-Identifier: ISC */
/*
 * tails.h - those who want every entry as it comes: one line of JSON each, to a
 * descriptor of theirs.  Nobody waits for them: a reader that is too slow misses
 * whole lines, and is told how many by a line {"_skipped":N} in their place.
 * Bodies that lie in the worker's spill are left out of a line, which then begins
 * with "_bodiesOmitted":true.
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_TAILS_H
#define MITMD_RECORDER_TAILS_H

#include <ev.h>
#include <stdbool.h>

#include "shm/ring.h"

#define TAILS_MAX 16
#define TAIL_BYTES_MAX (4u << 20)	/* that wait for one reader; each line fits */

struct tails;

struct tails *tails_new(struct ev_loop *) NONNULL(1);
void tails_free(struct tails **);
/*
 * The descriptor is taken, also on failure: ERR_LIMIT, or ERR_UNSUPPORTED when it
 * is neither a socket nor the writing end of a pipe. It is closed when its reader
 * has gone; one of a socket has gone when it says that it will write no more.
 */
int tails_add(struct tails *, int fd) NONNULL(1) MUSTCHECK;
bool tails_any(const struct tails *) NONNULL(1);
/* What is not one JSON object on one line is left out. */
void tails_put(struct tails *, const struct ring_entry *) NONNULL(1, 2);

#endif
