/* SPDX-License-Identifier: ISC */
/*
 * tunnel.h - an opaque relay between two connections: bytes, pauses, half
 * closes and resets pass as they come.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_TUNNEL_H
#define MITMD_WORKER_TUNNEL_H

#include "worker/conn.h"
#include "worker/flow.h"

struct tunnel;
typedef void tunnel_done_fn(void *arg);

/*
 * Takes both connections (the caller's pointers become NULL) and the flow, which
 * is recorded at the end with the bytes. done: once, both are gone. idle_ms: the
 * longest silence.
 */
struct tunnel *tunnel_new(struct conn **client, struct conn **origin, struct flow *,
    uint64_t idle_ms, tunnel_done_fn *done, void *arg);
size_t tunnel_held(const struct tunnel *);	/* bytes of memory; NULL: 0 */
bool tunnel_is_websocket(const struct tunnel *);
/* Cut it off: recorded with that error; done is not called. */
void tunnel_cut(struct tunnel **, const char *error);

#endif
