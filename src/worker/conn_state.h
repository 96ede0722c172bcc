/* SPDX-License-Identifier: ISC */
/*
 * conn_state.h - what the files that make up a connection share: conn.c (the
 * interface), conn_in.c (the way in), conn_out.c (the way out), conn_pace.c (who is
 * too slow) and conn_hub.c (the loop's turns, lists).
 * Runs in: worker.
 */
#ifndef MITMD_WORKER_CONN_STATE_H
#define MITMD_WORKER_CONN_STATE_H

#include "worker/conn.h"
#include "worker/worker_state.h"

#define CONN_INPUT_BYTES (256u << 10)
#define CONN_RECORD_BYTES 16384u
#define CONN_POOL_MAX 32	/* output buffers kept for reuse */
#define CONN_LINGER_SECONDS 2.0	/* how long we wait for the peer to read the last bytes */
#define CONN_FLUSH_SECONDS 20.0	/* ... and to be slow with those before, see conn_pace.c */

enum { LIST_NONE = 0, LIST_DIRTY = 1, LIST_READY = 2 };

struct conn {
	struct conn_hub *hub;
	int fd;
	struct addr peer;
	uint64_t id;
	enum counter_side side;
	_Atomic uint64_t *bytes;	/* of that side, by direction */
	struct conn_count *count;	/* of this one; NULL: nobody wants to know */
	const struct conn_ops *ops;	/* NULL: let go of, lingering */
	void *owner;
	SSL *ssl;
	void (*ssl_stop)(SSL **);
	bool handshaking;
	bool tls_failed;
	unsigned alert;
	char tls_error[96];

	ev_io reader, writer;
	struct buf held;	/* plaintext, not taken by the owner */
	struct buf cipher;	/* records behind it, not decrypted yet */
	struct buf out;
	bool paused;
	bool held_up;		/* ... by its owner: somebody else is the slow one */
	bool wants_fill;
	bool full;		/* the owner was told, or asked and heard */
	bool eof;		/* no more will be read from the socket */
	bool eof_told;
	enum conn_end eof_kind;
	bool shut_wanted, shut_done;
	enum conn_end shut_how;
	bool broken;		/* the socket takes nothing any more */
	bool overflow;		/* ... because the peer did not read for too long */
	bool freed;
	bool trimmed;		/* TLS's buffers were given back since the last byte in */
	unsigned lists;
	enum counter_timeout waited;	/* what the deadline is for */
	enum counter_timeout late;	/* what the last one was for that has passed */
	double deadline;	/* loop time; 0: none */
	double idle_s;		/* > 0: the deadline moves with every byte */
	double active;
	/* How far the peer keeps pace: loop time, which each byte moves on a little. */
	double taking;		/* with what waits for it; 0: nothing does, or not looked yet */
	double sending;		/* with what it owes; 0: nothing */
	uint64_t sent;		/* to the kernel */
	uint64_t taken;		/* of that, when `taking` was moved last */
	bool gave;		/* the last read had something for the owner */

	LIST_ENTRY(conn) link;
	TAILQ_ENTRY(conn) dirty_link, ready_link;
};

struct conn_hub {
	struct worker *worker;
	struct ev_loop *loop;
	uint8_t *input;
	uint8_t *plain;
	/* What the BIO of the connection being fed reads from. */
	const struct conn *feeding;
	const uint8_t *feed;
	size_t feed_len;
	/* Small writes of one connection. */
	struct conn *corked;
	size_t cork_len;
	uint8_t cork[CONN_RECORD_BYTES];

	LIST_HEAD(, conn) all;
	LIST_HEAD(, conn) graveyard;
	TAILQ_HEAD(conn_list, conn) dirty, ready;
	size_t count;
	uint64_t last_id;
	struct buf pool[CONN_POOL_MAX];
	size_t pooled;
	BIO_METHOD *bio;
	ev_prepare turn;
	ev_idle busy;
	ev_timer sweep;
};

/* ---- conn_hub.c ---- */
void conn_mark_dirty(struct conn *);	/* to be sent when the turn ends */
void conn_mark_ready(struct conn *);	/* what is held is to be offered again */
void conn_bury(struct conn *);		/* everything but the memory is given back */

/* ---- conn_in.c ---- */
void conn_on_readable(struct ev_loop *, ev_io *, int events);
void conn_deliver(struct conn *);	/* from the ready list */
void conn_tell_end(struct conn *);
void conn_note_end(struct conn *, enum conn_end);
void conn_note_tls_failure(struct conn *);
void conn_trim(struct conn *);		/* quiet: TLS gives its buffers back */

/* ---- conn_out.c ---- */
BIO_METHOD *conn_make_bio_method(void);
void conn_on_writable(struct ev_loop *, ev_io *, int events);
void conn_uncork(struct conn_hub *);
void conn_flush(struct conn *);
void conn_tell_writable(struct conn *);
void conn_give_out_buffer(struct conn *);

/* ---- conn_pace.c ---- */
/* A step of a clock that n bytes move, and that is not ahead. */
double conn_pace(double clock, size_t n, double now);
/* Which deadline has passed; COUNT_timeout: none. Called now and then. */
enum counter_timeout conn_look(struct conn *, double now);

/* ---- conn.c ---- */
void conn_discard(struct conn *);	/* lingering, and the peer has ended */

#endif
