/* SPDX-License-Identifier: ISC */
/*
 * front_state.h - what the files that serve a client connection share: front.c,
 * front_h2.c (the proxy hop over HTTP/2) and intercept.c (inside a CONNECT).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FRONT_STATE_H
#define MITMD_WORKER_FRONT_STATE_H

#include "http/target.h"
#include "worker/conn.h"
#include "worker/flow.h"
#include "worker/tunnel.h"

struct back;
struct dial;
struct front_h1;
struct front_h2;
struct intercept;

/* What mitmctl conns tells of a client connection. */
struct front_seen {
	uint64_t since_us;	/* monotonic */
	unsigned requests;	/* without CONNECT */
	struct conn_count bytes;
	char tag[TAG_MAX + 1];	/* of the last request, as is the host */
	struct host_port host;
};

struct front {
	TAILQ_ENTRY(front) link;
	struct worker *worker;
	struct addr client_addr;
	uint64_t client_id;
	struct conn *client;		/* an intercept, a tunnel, HTTP/2 takes it */
	struct front_h1 *h1;		/* of the proxy hop; NULL from CONNECT's 200 on */
	/* Plain http: the origin of the last request. */
	struct host_port target;
	struct dial *dial;
	struct flow *waiting;		/* for the dial */
	struct back *back;
	bool half_closed;
	struct tunnel *tunnel;		/* after 101 */
	struct intercept *intercept;	/* after CONNECT */
	struct front_h2 *h2;		/* instead of all that */
	struct front_seen seen;
	bool dead;
};

/* ---- front.c: requests of the proxy hop, over either version of HTTP ---- */
void front_describe(void *front, struct flow *);
/* What it asks for. NULL, or what is wrong with that. */
const char *front_note_target(struct flow *, struct str authority, uint16_t default_port);
/* Who asks. false: refused, and answered. */
bool front_admit(struct front *, struct flow *);

#endif
