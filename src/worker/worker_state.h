/* SPDX-License-Identifier: ISC */
/*
 * worker_state.h - what the parts of a worker share.
 *
 * Ownership is a tree: worker > front > {conn, back > conn, flows}.  A flow
 * borrows its ends and tells each of them when it is over.  Nothing is freed
 * inside its own callback: connections and flows rest until the loop turn ends.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_WORKER_STATE_H
#define MITMD_WORKER_WORKER_STATE_H

#include "base/buf.h"
#include "base/list.h"
#include "proc/proc.h"
#include "tls/client.h"
#include "tls/origin.h"

struct capture;
struct conn_hub;
struct counters;
struct dial_hub;
struct flow_pool;
struct front;
struct handover;
struct leafs;
struct memory;
struct access;
struct tells;
struct conns_list;
struct trust_told;
struct grave;

struct worker {
	struct proc *proc;
	struct ev_loop *loop;
	const struct conf *conf;
	struct counters *counters;	/* our slot */
	struct conn_hub *conns;
	struct dial_hub *dials;
	struct flow_pool *flows;
	struct handover *handover;
	struct memory *memory;
	struct conns_list *list;
	struct tells *tells;
	struct leafs *leafs;
	struct access *access;
	struct trust_told *trust;
	struct tls_origin *tls_origin;
	struct tls_client *tls_client;
	struct grave *graves;
	size_t ngraves, graves_cap;
	TAILQ_HEAD(, front) fronts;
	unsigned nfronts;
	TAILQ_HEAD(, capture) talks;	/* WebSockets with messages to hand over, oldest first */
	unsigned roomy; /* bodies that may stay in memory although they are large */
	struct buf scratch;		/* worker_scratch() */
	bool draining;			/* no new connections, and idle ones are let go of */
	bool leaving;			/* the same, but new connections are still taken */
	bool stopping;
	double drain_idle_s;
};

/* Responses say Connection: close, HTTP/2 gets GOAWAY. */
static inline bool
worker_lets_go(const struct worker *w)
{
	return w->draining || w->leaving;
}

/* For text that is passed on at once; good until the next call. */
static inline struct buf *
worker_scratch(struct worker *w)
{
	buf_clear(&w->scratch);
	return &w->scratch;
}

/* destroy(p) when the loop turn ends: nothing is freed inside its own callback. */
void worker_bury(struct worker *, void *p, void (*destroy)(void *));
/* At the end of a loop turn, before it sleeps. */
void worker_turn(struct worker *);
/* Four times a second while connections are open. */
void worker_sweep(struct worker *);
/* A front was accepted. */
void worker_front_new(struct worker *);
/* A front is gone; ends a worker that drains and has none left. */
void worker_front_gone(struct worker *);

#endif
