/* SPDX-License-Identifier: ISC */
/*
 * flow.h - THE meeting point: one exchange of a request and a response between
 * two ends, whatever protocol each of them speaks.  The flow carries heads,
 * bodies, trailers, pauses and failures from one end to the other, lets the
 * capture watch, and keeps the times.  It knows no protocol.
 * Runs in: worker.
 *
 *	front (client side)                      back (origin side, or a reply)
 *	flow_head(REQUEST)        --->  ops->head
 *	flow_body, flow_end       --->  ops->body, ops->end
 *	ops->informational, head  <---  flow_informational, flow_head(RESPONSE)
 *	ops->body, ops->end       <---  flow_body, flow_end
 *
 * An end is told `finished` exactly once and is forgotten then; the flow lives
 * until both ends are, and is recorded once.
 */
#ifndef MITMD_WORKER_FLOW_H
#define MITMD_WORKER_FLOW_H

#include "base/list.h"
#include "http/target.h"
#include "worker/capture.h"
#include "worker/conn.h"
#include "worker/tls_info.h"

struct worker;
struct flow;

enum flow_side { FLOW_FRONT, FLOW_BACK };

struct flow_end_ops {
	/* What the other side sent, in this order. The message stays the flow's. */
	void (*head)(void *end, struct flow *, const struct message *);
	void (*informational)(void *end, struct flow *, const struct message *);
	/* false: full. It was taken; the other side is paused until flow_writable(). */
	bool (*body)(void *end, struct flow *, const uint8_t *p, size_t n);
	void (*end)(void *end, struct flow *, const struct fields *trailers);
	/* Stop or go on producing body bytes. */
	void (*pause)(void *end, struct flow *, bool on);
	/*
	 * Over. whole: both messages went through; otherwise the exchange was cut off
	 * (how says how this end's connection should end, to mirror the other's).
	 */
	void (*finished)(void *end, struct flow *, bool whole, enum conn_end how);
};

/* Microseconds of the monotonic clock; 0: not reached. */
struct flow_times {
	uint64_t started_wall;	/* of request_begun */
	uint64_t request_begun, request_sent, request_done;
	uint64_t response_begun, response_done;
};

/* Times of the connection, in microseconds, of which the first flow tells; -1: none. */
struct flow_connect {
	bool known;
	uint64_t asked_mono, asked_wall;	/* when the client asked for it */
	int64_t dns, connect, ssl;	/* connect includes ssl */
};

/* Who talks to whom; the front fills it, the capture reads it. */
struct flow_facts {
	char tag[TAG_MAX + 1];
	const char *scheme;		/* static */
	struct host_port origin;
	bool has_origin;
	struct addr client;
	struct addr server;		/* len 0: never connected */
	struct tls_info *tls;		/* a reference; NULL: no TLS */
	bool whole_chain;		/* this entry shows the chain in full */
	uint64_t client_id, origin_id;
	struct flow_connect connect;
};

struct flow {
	struct worker *worker;
	struct message request, response, informational;
	struct flow_facts facts;
	struct flow_times times;
	struct capture capture;
	/* First failure: who and what; recorded as _error. */
	char error[192];
	bool aborted;			/* a message broke half-way */
	/* How an HTTP/2 stream was reset (RFC 9113 7), for the other side's stream. */
	bool was_reset;
	uint32_t reset_code;
	unsigned reply_status;		/* what a proxy hop answers on failure; 0: 502 */
	char reply_extra[192];		/* fields of that answer, each with CRLF */
	const struct har_tls_error *tls_error;	/* good until it is recorded; NULL: none */
	struct buf raw_head;		/* of a message that could not be parsed */
	/* After 101 or for an opaque tunnel. */
	const char *tunnel_reason;
	uint64_t bytes_up, bytes_down;
	unsigned open;			/* its row in the table of open flows; 0: none */

	/* ---- flow.c only ---- */
	struct flow_side_state {
		const struct flow_end_ops *ops;
		void *end;
		bool attached, finished;
		bool head_in, head_given; /* this side's message: read; told to the other */
		bool ended_in, ended_given;
		bool paused;
		struct buf held;		/* body read before the other end was there */
	} side[2];
	bool has_response;
	bool over;			/* its ends are being told: nothing can fail any more */
	bool recorded, released;
	TAILQ_ENTRY(flow) link;
};

/* front is told nothing until the back is attached and answers. */
struct flow *flow_new(struct worker *, const struct flow_end_ops *front_ops, void *front);
/* The origin (or a reply) for this flow: gets what was read so far. */
void flow_attach(struct flow *, const struct flow_end_ops *, void *back);
bool flow_attached(const struct flow *);
/*
 * The back that got the request is gone without a byte of an answer, and the
 * request has no body: as if it had never been attached.
 */
void flow_detach(struct flow *);
/*
 * The request's head is there, and the facts say whose it is: from here on the
 * flow has an entry even if this process dies.
 */
void flow_known(struct flow *);
/* Leaves no trace (a connection that closed before its request had begun). */
void flow_drop(struct flow *);
/* It will not be recorded, logged or counted: it is not of our users' making. */
void flow_leave_out(struct flow *);
/* Not served: the front answers with status on a proxy hop. Recorded as a failure. */
void flow_refuse(struct flow *, unsigned status, const char *fmt, ...) PRINTF(3, 4);
/* The same without a trace. */
void flow_turn_away(struct flow *, unsigned status, const char *why);
/* It had not reached its origin when we end: 503. error: of quotable characters. */
void flow_stop(struct flow *, const char *error);

/* From the ends: f->request or f->response is complete up to its body. */
void flow_head(struct flow *, enum flow_side from);
void flow_informational(struct flow *);		/* f->informational */
void flow_body(struct flow *, enum flow_side from, const uint8_t *p, size_t n);
void flow_end(struct flow *, enum flow_side from);	/* trailers are in the message */
void flow_writable(struct flow *, enum flow_side who);	/* `who` can take body bytes again */
/* Cut off. how: the way the failing side's connection ended. Both ends are told. */
void flow_fail(struct flow *, enum flow_side from, enum conn_end how, const char *fmt, ...)
    PRINTF(4, 5);
/*
 * The answer is whole, and one of them wants no more of the request, or has no more
 * (RFC 9113 8.1): over, and nobody has failed.
 */
void flow_answered(struct flow *, enum flow_side from, enum conn_end how);
/*
 * From 101 on the two connections are a tunnel: both ends let go, and the caller
 * owns the flow until flow_tunnel_done().
 */
void flow_become_tunnel(struct flow *, const char *reason);
void flow_tunnel_done(struct flow *);
/* A CONNECT leaves its hop's HTTP: the caller owns it until flow_tunnel_done() or _drop(). */
void flow_adopt(struct flow *);
/* Some end was told `finished` already. */
bool flow_finishing(const struct flow *);
size_t flow_held(const struct flow *);	/* bytes of memory; NULL: 0 */
bool flow_request_whole(const struct flow *);
bool flow_response_whole(const struct flow *);
bool flow_response_begun(const struct flow *);

#endif
