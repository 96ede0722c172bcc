/* SPDX-License-Identifier: ISC */
/*
 * front_h2.h - the proxy hop over HTTP/2 without TLS (RFC 9113 3.3): a client
 * that knows, or guesses, that the proxy speaks it.  Its http:// requests go to
 * their origins over HTTP/1, each on a connection of its own while it lasts.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FRONT_H2_H
#define MITMD_WORKER_FRONT_H2_H

#include <stdbool.h>
#include <stddef.h>

struct front;
struct front_h2;

/* Takes the front's client connection. */
struct front_h2 *front_h2_new(struct front *);
void front_h2_free(struct front_h2 **);	/* from the front only */
size_t front_h2_held(const struct front_h2 *);	/* bytes of memory; NULL: 0 */
bool front_h2_idle(const struct front_h2 *);	/* no request is under way */
/* While the worker drains: let go of what is idle. */
void front_h2_sweep(struct front_h2 *);
/* Cut what is under way; the front is gone afterwards. */
void front_h2_cut(struct front_h2 *, const char *error);

#endif
