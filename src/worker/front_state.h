/* SPDX-License-Identifier: ISC */
/*
 * front_state.h - what front.c and intercept.c share of a client connection.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_FRONT_STATE_H
#define MITMD_WORKER_FRONT_STATE_H

#include "http/target.h"
#include "worker/conn.h"
#include "worker/tunnel.h"

struct back;
struct dial;
struct front_h1;
struct intercept;

struct front {
	TAILQ_ENTRY(front) link;
	struct worker *worker;
	struct addr client_addr;
	struct conn *client;		/* an intercept or a tunnel takes it */
	struct front_h1 *h1;		/* of the proxy hop; NULL from CONNECT's 200 on */
	/* Plain http: the origin of the last request. */
	struct host_port target;
	struct dial *dial;
	struct flow *waiting;		/* for the dial */
	struct back *back;
	bool half_closed;
	struct tunnel *tunnel;		/* after 101 */
	struct intercept *intercept;	/* after CONNECT */
	bool dead;
};

#endif
