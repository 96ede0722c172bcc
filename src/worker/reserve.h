/* SPDX-License-Identifier: ISC */
/*
 * reserve.h - a descriptor that is kept for the moment in which there is no other:
 * with it, clients that cannot be served are told so instead of waiting for nothing.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_RESERVE_H
#define MITMD_WORKER_RESERVE_H

#include <stdbool.h>

#include "base/attr.h"

/* -1: there is none (yet). */
struct reserve {
	int fd;
};

void reserve_take(struct reserve *) NONNULL(1);
/*
 * accept() has failed for lack of descriptors: takes the next client, answers 503
 * and closes. false: even that was not possible, look again later.
 */
bool reserve_shed(struct reserve *, int listener) NONNULL(1) MUSTCHECK;
void reserve_free(struct reserve *) NONNULL(1);

#endif
