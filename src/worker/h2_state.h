/* SPDX-License-Identifier: ISC */
/*
 * h2_state.h - what the files that make up an HTTP/2 connection share: h2.c
 * (connection, limits, ends), h2_stream.c (streams), h2_in.c (frames that came),
 * h2_out.c (flows that go out), h2_pace.c (who is too slow).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_H2_STATE_H
#define MITMD_WORKER_H2_STATE_H

#include <nghttp2/nghttp2.h>

#include "http/h2_guard.h"
#include "http/h2_heads.h"
#include "http/h2_read.h"
#include "http/h2_write.h"
#include "worker/h2.h"

#define H2_STREAMS_MAX 100		/* of a client at a time */
#define H2_STREAM_WINDOW (256 << 10)	/* bytes a peer may send before they are taken */
#define H2_CONN_WINDOW (1 << 20)
#define H2_WITHHELD_MAX (4u << 20) /* taken in, not passed on: then all streams wait */
#define H2_OUT_HIGH (64u << 10)		/* of one stream's output: no room for more */
#define H2_OUT_LOW (16u << 10)
#define H2_OUT_CROWDED (1u << 20)	/* of all streams: then H2_OUT_LOW is as much as one may */
#define H2_INFORMATIONAL_MAX 100

/* One flow's end. */
struct h2_stream {
	TAILQ_ENTRY(h2_stream) link, pending_link;
	struct h2 *h2;
	int32_t id;			/* -1: waits for a free stream */
	struct flow *flow;		/* NULL: over, and only output is left */
	bool waiting;			/* on h2->pending */
	bool head_in, ended_in;		/* of what the peer sends */
	bool reading_trailers;
	bool head_ready, head_out;	/* told by the flow; submitted */
	bool deferred;			/* the library waits for more content */
	bool end_out;			/* nothing follows what is in `out` */
	bool ended_out;			/* ... and that was sent */
	bool no_content;		/* our head ends our side */
	bool full;
	bool paused;
	bool closed;			/* by the library: its number means nothing now */
	bool answer;			/* our own words: the hop is ours */
	bool broke;			/* the library ended it for what the peer did */
	bool cut_short;			/* the peer ended its content before its length */
	bool own_reset;			/* we end it, for another reason */
	bool reset_after;		/* ... when all of our side is out */
	bool reset_late;		/* it is out now */
	size_t owed;			/* bytes taken in, credit not given back yet */
	unsigned informational;
	uint64_t informational_bytes;	/* of their fields */
	struct buf out;
	struct fields trailers;		/* ours, to be sent last */
	/* Of conn_pace(): how far the peer keeps up with `out`, and with its own content. */
	double taking, sending;
	uint64_t given;			/* conn_given() behind its last content */
};

struct h2 {
	struct worker *worker;
	struct conn *conn;
	struct h2_conf conf;
	const struct h2_ops *ops;
	void *host;
	nghttp2_session *session;
	struct h2_guard guard;
	struct h2_heads heads;		/* of all that came */
	uint64_t ndata;			/* DATA frames that the library told us of, or paid for */
	struct h2_read read;		/* the block being read */
	struct h2_stream *reading;	/* whose block that is; NULL: nobody's any more */
	double block_begun;		/* loop time; 0: no block is under way */
	int32_t block_id;		/* its stream */
	size_t block_size;		/* of its fields, as far as they came */
	size_t excess;			/* of all blocks, behind what a head may have; unpaid */
	struct h2_block_out block;
	TAILQ_HEAD(, h2_stream) streams, pending;
	size_t nstreams;		/* with a flow or with output left */
	size_t withheld;		/* taken in for flows that wait, all streams */
	size_t owed;			/* the connection's credit, kept back */
	size_t outgoing;		/* in `out` of all streams */
	double taking;			/* ... of all streams together */
	uint64_t under_way;		/* of content, to the peer's kernel */
	uint64_t taken;			/* conn_taken(), lately */
	unsigned nlate;			/* streams with reset_late */
	unsigned nopen;			/* streams we opened at the origin */
	nghttp2_nv *nv;
	bool busy;			/* inside the library: not to be entered again */
	bool dead;
	bool ended;			/* the peer is gone */
	bool goaway_in, settings_in, offers_connect;
	bool told_ended, told_idle;
	bool draining, final_goaway;
	const char *cut;		/* why the peer is cut off */
	double cut_since;
	double idle_since, drain_since;
	ev_timer watch;
	ev_timer last_goaway;
};

/* ---- h2_pace.c ---- */
/* n bytes more wait for the peer, and are in `out`. */
void h2_put(struct h2_stream *, size_t n);
/* The peer's windows had room for n bytes: they are the connection's. */
void h2_took(struct h2_stream *, size_t n);
/* n bytes of a client's content came; 0: that is now owed. */
void h2_came(struct h2_stream *, size_t n);
/* Now and then: who is too slow is ended. */
void h2_check_pace(struct h2 *);
/* Its number: a stream's or a block's deadline has passed. */
void h2_late(struct h2 *, enum counter_timeout);

/* ---- h2.c ---- */
/* The timer runs until nothing is open. */
void h2_watch(struct h2 *);
/* Output is to be made when the turn ends. */
void h2_want_fill(struct h2 *);
/* The peer only makes work: the connection ends. */
void h2_pay(struct h2 *, enum h2_cost);
/* Waiting flows get streams that have become free. */
void h2_open_pending(struct h2 *);
/* For letting go. */
void h2_goaway_sent(struct h2 *);
void h2_pong(struct h2 *, const uint8_t data[8]);

/* ---- h2_stream.c ---- */
struct h2_stream *h2_stream_new(struct h2 *, int32_t id);
struct h2_stream *h2_stream_find(struct h2 *, int32_t id);
/* Out of the list; freed when the loop turn ends. */
void h2_stream_gone(struct h2_stream *);
void h2_reset(struct h2_stream *, uint32_t code);
void h2_forget_output(struct h2_stream *);
/* The flow cannot go on; whose it is may not have been told yet. */
void h2_fail(struct h2_stream *, enum conn_end how, const char *fmt, ...) PRINTF(3, 4);
/* A header block is under way: it has timeouts.header. */
void h2_block_begins(struct h2 *, int32_t id);
/* Its block is of no more interest, and no callback will tell of its end. */
void h2_forget_block(struct h2_stream *);
/* Give back what the flow has taken, as far as it may be. */
void h2_credit(struct h2_stream *, size_t n);
void h2_settle_credit(struct h2 *);
/* The flow takes more, or nobody asks any more. */
void h2_unpause(struct h2_stream *);

/* Which end of its flows this connection is. */
static inline enum flow_side
h2_side(const struct h2 *h2)
{
	return h2->conf.role == H2_CLIENTS ? FLOW_FRONT : FLOW_BACK;
}

static inline const char *
h2_peer(const struct h2 *h2)
{
	return h2->conf.role == H2_CLIENTS ? "client" : "origin";
}

/* ---- h2_in.c ---- */
/* Bytes of the peer. 0, or the library's error. */
ssize_t h2_read_bytes(struct h2 *, const uint8_t *p, size_t n);
void h2_set_callbacks(nghttp2_session_callbacks *);

/* ---- h2_out.c ---- */
extern const struct flow_end_ops h2_end_ops;	/* end: struct h2_stream */
void h2_submit_request(struct h2_stream *);
int h2_send_data(nghttp2_session *, nghttp2_frame *, const uint8_t *framehd, size_t length,
    nghttp2_data_source *, void *arg);
int h2_on_frame_send(nghttp2_session *, const nghttp2_frame *, void *arg);

#endif
