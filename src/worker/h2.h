/* SPDX-License-Identifier: ISC */
/*
 * h2.h - one HTTP/2 connection (RFC 9113) as one end of many flows: requests of
 * a client, or flows on their way to an origin.  Each stream has its own flow
 * control; credit is given back when the other side has taken the bytes.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_H2_H
#define MITMD_WORKER_H2_H

#include "worker/conn.h"
#include "worker/flow.h"

struct h2;

enum h2_role {
	H2_CLIENTS,	/* the peer is a client: it opens streams */
	H2_ORIGIN,	/* the peer is an origin: we do */
};

struct h2_ops {
	/* H2_CLIENTS: whose it is, for a flow that ends before `request`. */
	void (*describe)(void *host, struct flow *);
	/* H2_CLIENTS: a head is complete: fill f->facts, then flow_attach() now or later. */
	void (*request)(void *host, struct flow *);
	/*
	 * The connection is of no more use: closed by the peer, broken, cut, or let go
	 * after GOAWAY with its last stream. No flow is on it any more. Free it here.
	 */
	void (*ended)(void *host, struct h2 *, enum conn_end how);
	/* The last stream is over. */
	void (*idle)(void *host, struct h2 *);
	/* The peer lets go (GOAWAY): no new streams, the others go on. */
	void (*goaway)(void *host, struct h2 *);
	/* H2_CLIENTS: a flow is over, however it ended. May be NULL. */
	void (*over)(void *host, struct flow *);
	/* H2_ORIGIN: its SETTINGS are there: see h2_has_connect(). */
	void (*settings)(void *host, struct h2 *);
};

struct h2_conf {
	enum h2_role role;
	bool may_answer; /* H2_CLIENTS: failures are answered, since the hop is ours */
	const char *scheme;	/* static: "https" or "http" */
};

/* Takes the connection (*conn becomes NULL). */
struct h2 *h2_new(struct worker *, struct conn **conn, const struct h2_conf *,
    const struct h2_ops *, void *host);
void h2_free(struct h2 **);

/*
 * H2_ORIGIN: the flow's request goes to this origin.  It waits, and its times
 * say so, while the origin has as many streams as it allows.  false: nothing new
 * may be opened (GOAWAY, or the numbers are used up).
 */
bool h2_attach(struct h2 *, struct flow *) MUSTCHECK;
/* The origin takes WebSockets (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441 3). */
bool h2_has_connect(const struct h2 *);
/* H2_CLIENTS: say that we do. */
void h2_offer_connect(struct h2 *);

bool h2_idle(const struct h2 *);
/* Idle for so long, and told so, that it may be closed while the worker drains. */
bool h2_lets_go(const struct h2 *);
/*
 * Let go: no new streams from here on (GOAWAY, a round trip later the final one,
 * RFC 9113 6.8); `ended` comes when the last stream is over.
 */
void h2_drain(struct h2 *);
/* Fail every flow that is on it. The connection stays for its host to end. */
void h2_cut(struct h2 *, const char *error);
struct conn *h2_conn(struct h2 *);
/* Bytes of memory, of H2_CLIENTS with its flows; NULL: 0. */
size_t h2_held(const struct h2 *);
/* The connection leaves; what is still to be said (GOAWAY) was written to it. */
struct conn *h2_take_conn(struct h2 *);

#endif
