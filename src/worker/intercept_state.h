/* SPDX-License-Identifier: ISC */
/*
 * intercept_state.h - what the files that make up an intercept share:
 * intercept.c (origin's connection, first bytes, tunnels, ends), intercept_tls.c
 * (the origin's handshake, verdict, leaf), intercept_client.c (the client's, and
 * the first bytes inside) and intercept_http.c (HTTP inside).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_INTERCEPT_STATE_H
#define MITMD_WORKER_INTERCEPT_STATE_H

#include "conf/policy.h"
#include "proc/counters.h"
#include "tls/hello.h"
#include "worker/conn.h"
#include "worker/flow.h"
#include "worker/front_state.h"
#include "worker/intercept.h"
#include "worker/leaf.h"
#include "worker/trust_told.h"
#include "worker/worker_state.h"

enum intercept_state { DIAL, SNIFF, ORIGIN_TLS, LEAF, CLIENT_TLS, INNER, HTTP, HTTP2, TUNNEL };

struct intercept {
	struct worker *worker;
	struct front *front;
	enum intercept_state state;
	bool dead;
	struct flow *connect; /* the CONNECT exchange; an entry only if nothing comes of it */
	char tag[TAG_MAX + 1];
	struct host_port target;	/* of CONNECT */
	struct host_port name;		/* SNI, else the target */
	struct buf authority;		/* the same, for requests that name none */
	struct dial *dial;
	struct conn *client, *origin;
	struct addr server;
	uint64_t client_id, origin_id;
	struct buf first; /* what the client sent before its bytes were understood */
	struct policy policy;		/* of target and name */
	struct tls_hello *hello;	/* until something comes of the connection */
	struct trust_id trust_id;	/* with hello */
	struct tls_info *tls;
	struct leaf_ask *ask;
	struct tls_leaf *leaf;
	struct leaf_want want;
	int custom;			/* which of certs is for this host; -1: none */
	bool is_custom;			/* leaf is that */
	struct flow_connect times;
	uint64_t tls_begun;		/* the handshake under way, or the last one */
	bool mode_counted;
	struct front_h1 *h1;
	struct back *back;
	struct h2 *h2_client, *h2_origin;	/* instead of both, in HTTP2 */
	bool origin_gone;
	enum conn_end origin_end;
	struct tunnel *tunnel;
	bool first_flow_told;
};

/* ---- intercept.c ---- */
/* Both connections end, each in its way, and so does the front. */
void intercept_end(struct intercept *, enum conn_end client, enum conn_end origin);
/* The CONNECT becomes a failed entry, or leaves no trace. */
void intercept_record_failure(struct intercept *, const char *fmt, ...) PRINTF(2, 3);
void intercept_forget_connect(struct intercept *);
/* What becomes of the CONNECT; the first one counts. */
void intercept_mode(struct intercept *, enum counter_mode);
void intercept_go_tunnel(struct intercept *, const char *reason);
void intercept_on_tunnel_done(void *intercept);
/* For conn_ops of connections that neither write nor shake hands. */
void intercept_no_writable(void *intercept, struct conn *);
void intercept_no_secured(void *intercept, struct conn *);

/* ---- intercept_tls.c ---- */
/* The ClientHello is read: the origin's handshake, then the client's. */
void intercept_start_tls(struct intercept *);
void intercept_send_alert(struct intercept *, uint8_t description);
const char *intercept_about_cert(SSL *);
size_t intercept_held_data(void *intercept, struct conn *, const uint8_t *p, size_t n);
/* RFC 8446 6 */
enum { ALERT_HANDSHAKE_FAILURE = 40, ALERT_ACCESS_DENIED = 49, ALERT_INTERNAL_ERROR = 80 };

/* ---- intercept_client.c ---- */
/* With it->leaf, as it->want says. */
void intercept_start_client_tls(struct intercept *);

/* ---- intercept_http.c ---- */
void intercept_go_http(struct intercept *);
/* Whose a flow is, what it is part of. */
void intercept_describe(void *intercept, struct flow *);
/* The same of one whose request is known; counts it. */
void intercept_describe_request(struct intercept *, struct flow *);

/* ---- intercept_h2.c ---- */
void intercept_go_h2(struct intercept *);
/* While the worker drains: let go of what is idle. */
void intercept_h2_sweep(struct intercept *);
void intercept_h2_cut(struct intercept *, const char *error);

#endif
