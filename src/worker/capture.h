/* SPDX-License-Identifier: ISC */
/*
 * capture.h - the tap on a flow: watches bodies and 1xx heads go by, and turns
 * the finished flow into a HAR entry that is handed over.  Changes nothing,
 * delays nothing.
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_CAPTURE_H
#define MITMD_WORKER_CAPTURE_H

#include "base/list.h"
#include "har/entry.h"

#define TAG_MAX 64
#define CAPTURE_INFORMATIONAL_MAX 16

struct flow;
struct worker;

/* Part of a flow; zeroed for a new one. */
struct capture {
	struct body *body[2];		/* request, response; NULL until a byte came */
	struct har_informational *informational;
	size_t ninformational;
	struct ws *ws;			/* the flow has become a WebSocket */
	unsigned pieces;		/* entries of it that were handed over already */
	TAILQ_ENTRY(capture) talk_link;	/* worker.talks: messages wait to be handed over */
	struct flow *talker;		/* whose capture this is, while it is on that list */
	double talks_since;		/* loop time of the oldest of them */
	bool roomy;			/* counted in worker.roomy */
	bool recoding;			/* finished, but a body is still being recoded */
};

void capture_informational(struct flow *);
/* The response's head is there: is it a WebSocket from here on? */
void capture_head(struct flow *);
/* Bytes of an upgraded connection. */
void capture_tunnel(struct flow *, int side, const uint8_t *p, size_t n);
void capture_body(struct flow *, int side, const uint8_t *p, size_t n);
/*
 * Now and then: what open WebSockets have said long ago is handed over, so that
 * a killed worker loses no more than the last half minute of each.
 */
void capture_sweep(struct worker *);
/* The same now, of one tag (empty: of all): how many pieces. */
unsigned capture_tell(struct worker *, struct str tag);
/*
 * The flow is over. Hands the entry over, or, when a body has to be recoded
 * first, sets recoding: capture_step() goes on then from an idle moment, until
 * it returns true.
 */
void capture_finish(struct flow *);
bool capture_step(struct flow *);
size_t capture_held(const struct capture *);	/* bytes of memory */
/* For the next flow; memory of lists is given back. */
void capture_clear(struct flow *);

#endif
