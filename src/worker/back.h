/* SPDX-License-Identifier: ISC */
/*
 * back.h - one connection to an origin, over which one flow at a time goes by
 * HTTP/1 (RFC 9112).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_BACK_H
#define MITMD_WORKER_BACK_H

#include "http/target.h"
#include "worker/conn.h"
#include "worker/flow.h"

struct back;

struct back_ops {
	/*
	 * The connection is of no more use: closed by the origin, or out of step
	 * (bytes that nobody asked for). No flow is on it any more. Free it here.
	 */
	void (*ended)(void *host, struct back *, enum conn_end how);
	/*
	 * The origin closed before the first byte of an answer, on a connection that
	 * had served before, and the request may be repeated. true: the host takes the
	 * flow back (it was detached) and frees the back; false: the flow fails.
	 */
	bool (*lost)(void *host, struct back *, struct flow *);
	/* 101: both connections are the host's; bytes may be held on them. */
	void (*upgraded)(void *host, struct back *, struct flow *);
};

/* Takes the connection (*conn becomes NULL). relaxed: http.relaxed names this origin. */
struct back *back_new(struct worker *, struct conn **conn, bool relaxed,
    const struct back_ops *, void *host);
void back_free(struct back **);
/* For flow_attach(f, &back_end_ops, back). */
extern const struct flow_end_ops back_end_ops;
size_t back_held(const struct back *);	/* bytes of memory; NULL: 0 */
bool back_idle(const struct back *);
struct conn *back_conn(struct back *);
/* The connection leaves the back, which is of no more use then. */
struct conn *back_take_conn(struct back *);

#endif
