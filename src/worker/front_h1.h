/* SPDX-License-Identifier: ISC */
/*
 * front_h1.h - the client's side of flows over HTTP/1 (RFC 9112), one after the
 * other on one connection, answered in order.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FRONT_H1_H
#define MITMD_WORKER_FRONT_H1_H

#include "worker/conn.h"
#include "worker/flow.h"

struct front_h1;

enum front_h1_kind {
	FRONT_H1_PROXY, /* the proxy hop: absolute-form and CONNECT; errors are answered */
	FRONT_H1_PLAIN, /* inside a CONNECT tunnel, not encrypted: errors are answered */
	FRONT_H1_TLS,	/* inside https: never a word of ours */
};

struct front_h1_ops {
	/* Whose it is and on which connection: for a flow that ends before `request`. */
	void (*describe)(void *host, struct flow *);
	/* A request's head is complete: fill f->facts, then flow_attach() now or later. */
	void (*request)(void *host, struct flow *);
	/*
	 * CONNECT (FRONT_H1_PROXY only; refused elsewhere): the flow is the host's now,
	 * the bytes behind wait.
	 */
	void (*connect)(void *host, struct flow *);
	/*
	 * The client will send no more requests on its connection: CLEAN half-closes
	 * (a response may still be under way), anything else is the end.
	 */
	void (*ended)(void *host, enum conn_end how);
	/* A response went through and the connection waits for the next request. */
	void (*idle)(void *host);
	/*
	 * It is HTTP/2: the connection begins with the preface of RFC 9113 3.4, which
	 * is offered again to the next owner. May be NULL: not looked for.
	 */
	void (*preface)(void *host);
};

/* conn stays the host's; the callbacks may call front_h1_free(). */
struct front_h1 *front_h1_new(struct worker *, struct conn *, enum front_h1_kind,
    const struct front_h1_ops *, void *host);
void front_h1_free(struct front_h1 **);
/* Its connection's end and what it sends next: handed in by whoever owns the conn's ops. */
extern const struct conn_ops front_h1_conn_ops;	/* owner: struct front_h1 */
/* No request is being read or answered. */
size_t front_h1_held(const struct front_h1 *);	/* bytes of memory of its flow; NULL: 0 */
bool front_h1_idle(const struct front_h1 *);
/* Idle for so long that it may be closed while the worker drains. */
bool front_h1_lets_go(const struct front_h1 *);
/* Cut what is under way. */
void front_h1_cut(struct front_h1 *, const char *error);
/* One response on the proxy hop, as CONNECT's answers are. extra: fields with CRLF. */
void front_h1_answer(struct conn *, unsigned status, const char *extra, const char *text,
    bool keep_alive, bool to_head);

#endif
