/* SPDX-License-Identifier: ISC */
/*
 * front.h - one client connection, from accept to its end: requests of the
 * proxy hop (absolute-form), until a CONNECT hands it to an intercept.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FRONT_H
#define MITMD_WORKER_FRONT_H

#include "base/addr.h"
#include "base/list.h"
#include "worker/capture.h"

struct conn;
struct flow;
struct front;
struct worker;

/* fd is taken. */
void front_accept(struct worker *, int fd, const struct addr *client);
/* Four times a second: lets go of what is idle while the worker drains. */
void front_sweep(struct front *);
/* Cut everything off; recorded with that error. The front is gone afterwards. */
void front_cut(struct front *, const char *error);
size_t front_held(const struct front *);	/* bytes of memory, roughly */
/* For worker.c's list. */
struct front *front_next(struct front *);

/* From an intercept: both connections are gone. */
void front_done(struct front *);

#endif
