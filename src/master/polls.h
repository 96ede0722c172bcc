/* SPDX-License-Identifier: ISC */
/*
 * polls.h - one question to several processes, and their answers: TELL, FLUSH, LIST.
 * A process that dies has answered; one that takes too long is not waited for.
 * Runs in: master.
 */
#ifndef MITMD_MASTER_POLLS_H
#define MITMD_MASTER_POLLS_H

#include "ipc/msg.h"
#include "master/state.h"

struct poll;

struct poll_ops {
	/* A part of an answer; for FLUSHED and TOLD the number. May be NULL. */
	void (*answer)(void *arg, const struct child *, struct str rows, uint32_t number);
	/* Nobody is left; missing: how many died or were too slow. The poll is gone. */
	void (*done)(void *arg, unsigned missing);
};

/* patience in seconds; 0: for ever. */
struct poll *poll_new(struct master *, const struct poll_ops *, double patience, void *arg)
    NONNULL(1, 2);
/* Nobody is told. NULL and *NULL are fine. */
void poll_free(struct poll **) NONNULL(1);
/* The same for both; tag: of TELL and FLUSH. A process that cannot be asked is missing. */
void poll_ask(struct poll *, struct child *, enum msg_type, struct str tag) NONNULL(1, 2);
/* All were asked: done may come from here on, also at once. */
void poll_begin(struct poll *) NONNULL(1);

/* ---- from the channels ---- */
/* TOLD, FLUSHED, LISTED. -1: malformed. An answer that nobody waits for is left aside. */
int poll_message(struct child *, enum msg_type, struct str body) NONNULL(1) MUSTCHECK;
void poll_child_gone(struct child *) NONNULL(1);

#endif
