/* SPDX-License-Identifier: ISC */
/*
 * intercept.h - what happens after a CONNECT: reach the origin, answer, look at
 * the first bytes, and then TLS on both sides with HTTP inside, plain HTTP, or
 * an opaque tunnel.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_INTERCEPT_H
#define MITMD_WORKER_INTERCEPT_H

#include <stddef.h>

struct flow;
struct front;
struct intercept;

/* connect: the CONNECT request with its facts filled; taken. */
struct intercept *intercept_new(struct front *, struct flow *connect);
void intercept_free(struct intercept **);	/* from the front only */
size_t intercept_held(const struct intercept *);	/* bytes of memory; NULL: 0 */
void intercept_sweep(struct intercept *);
void intercept_cut(struct intercept *, const char *error);

#endif
