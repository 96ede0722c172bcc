/* SPDX-License-Identifier: ISC */
/*
 * told.h - the answer to MSG_TELL: what open WebSockets have said so far is handed
 * over, and lies in the ring when the master hears of it.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TOLD_H
#define MITMD_WORKER_TOLD_H

#include "base/str.h"

struct told;
struct worker;

struct told *told_new(struct worker *);
void told_free(struct told **);
/* -1: malformed. */
int told_message(struct told *, struct str body) MUSTCHECK;
/* Once a loop turn, after the handover's. */
void told_turn(struct told *);

#endif
