/* SPDX-License-Identifier: ISC */
/*
 * memory.h - how much a worker holds for its peers, and who has to go when that is
 * too much.  Each connection has bounds of its own, but thousands of them that take
 * nothing hold more than there is.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_MEMORY_H
#define MITMD_WORKER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory;
struct worker;

/* max: bytes that are enough. */
struct memory *memory_new(struct worker *, size_t max);
void memory_free(struct memory **);
/*
 * now: loop time.  false: there is too much, and nothing is to be read until the
 * turn has ended.  Costs nothing when it was asked a moment ago.
 */
bool memory_may_read(struct memory *, double now);
/* More than half is used: what can be smaller should be. */
bool memory_is_short(const struct memory *);
/* At the end of a turn: ends those who hold the most, until it will do. */
void memory_turn(struct memory *);

#endif
