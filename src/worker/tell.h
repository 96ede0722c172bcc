/* SPDX-License-Identifier: ISC */
/*
 * tell.h - the master asks for what open WebSockets have said so far (MSG_TELL), so
 * that a recording is complete while they stay open.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TELL_H
#define MITMD_WORKER_TELL_H

#include "base/attr.h"
#include "base/str.h"

struct tells;
struct worker;

struct tells *tells_new(struct worker *);
void tells_free(struct tells **);
/* 0, or ERR_SYNTAX. It is answered when nothing waits outside the ring any more. */
int tells_asked(struct tells *, struct str body) MUSTCHECK;
/* Once a loop turn. */
void tells_turn(struct tells *);

#endif
