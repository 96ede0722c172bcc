/* SPDX-License-Identifier: ISC */
/*
 * h2rig.h - a client and an origin that speak HTTP/2, with mitmd between them in
 * one of several ways.
 */
#ifndef TESTS_UNIT_WORKER_H2RIG_H
#define TESTS_UNIT_WORKER_H2RIG_H

#include "h2peer.h"
#include "rig.h"
#include "worker/h2_state.h"

/* Ends with nothing special about them. */
extern const struct peer_conf usual_client, usual_origin;

/* The far ends; NULL where that side speaks something else. */
extern struct peer *c, *o;

/* What the rig's host was told, in order; compared by TOLD(). */
void told_is(const char *want, const char *file, int line);
#define TOLD(want) told_is((want), __FILE__, __LINE__)

/* Everybody speaks until nothing more happens. */
void settle(void);

/* ---- inside a CONNECT, without TLS: the real front and intercept ---- */
void tunnel_setup(void);     /* for checked fixtures; tunnel_begin() follows */
void tunnel_setup_tcp(void); /* the same where resets of connections matter */
void tunnel_teardown(void);
/* c and o are there. */
void tunnel_begin(const struct peer_conf *client, const struct peer_conf *origin);
/* Both, between the usual ends; for checked fixtures. */
void tunnel_usual(void);
void tunnel_usual_tcp(void);

/* ---- the connections alone, with the rig as their host ---- */
enum rig_route {
	TO_H2,	   /* requests go to the origin by HTTP/2 */
	TO_H1,	   /* ... by HTTP/1: its bytes come out of h1_fd */
	TO_FAKE,   /* to `back` of ends.h */
	TO_NOBODY, /* nowhere yet */
};
extern struct h2 *h2_client, *h2_origin;
extern int h1_fd;
extern struct flow *asked;   /* the last request's */
extern bool free_on_request; /* the host frees the connection inside the callback */

void alone_setup(void);
void alone_teardown(void);
/* The client's connection, and what its requests go to. */
void alone_begin(enum rig_route, const struct peer_conf *client, const struct peer_conf *origin,
    bool may_answer);
/* HTTP/2 on both sides, between the usual ends. */
void alone_usual(void);
/* The origin's connection only: flows come from ends_flow(). */
void alone_origin(const struct peer_conf *origin);
/* The watch timer's next second. */
void watch_now(struct h2 *);
/* For tests that are about something else than what is recorded. */
void drop_entries(void);

#endif
