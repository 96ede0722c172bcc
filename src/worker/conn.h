/* SPDX-License-Identifier: ISC */
/*
 * conn.h - a connected socket with optional TLS on the event loop: bytes in,
 * bytes out, endings told apart.  One input buffer per worker, output
 * collected and sent once per loop turn, so that a keep-alive request costs
 * one recv and one send on each side; an idle connection owns no buffer.
 * Runs in: worker.
 *
 * A callback may close any connection, its own too: memory is given back after
 * the loop turn.
 */
#ifndef MITMD_WORKER_CONN_H
#define MITMD_WORKER_CONN_H

#include <ev.h>
#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/list.h"
#include "proc/counters.h"

struct worker;
struct conn;

#define CONN_HIGH (256u << 10)	/* output waiting: conn_full() */
#define CONN_LOW (64u << 10)	/* ... until it is below this */

enum conn_end {
	CONN_END_CLEAN,		/* FIN; under TLS after close_notify */
	CONN_END_TRUNCATED,	/* TLS: FIN without close_notify */
	CONN_END_RESET,		/* RST or another socket error */
	CONN_END_TLS,		/* TLS failure; conn_tls_alert() has the alert if one came */
	CONN_END_TIMEOUT,	/* a deadline has passed: conn_late() */
};

struct conn_ops {
	/*
	 * Bytes (under TLS: plaintext). Returns how many were taken; the rest is
	 * kept, and reading stops until conn_resume().
	 */
	size_t (*data)(void *owner, struct conn *, const uint8_t *p, size_t n);
	/*
	 * The peer will send no more. After RESET and TLS nothing can be sent either;
	 * RESET may still come after CLEAN or TRUNCATED, when sending fails.
	 */
	void (*ended)(void *owner, struct conn *, enum conn_end);
	/* Output fell below CONN_LOW after conn_full() had been true. */
	void (*writable)(void *owner, struct conn *);
	/* The handshake begun with conn_start_tls() is done. */
	void (*secured)(void *owner, struct conn *);
	/* After conn_want_fill(), once, when output is about to be sent. May be NULL. */
	void (*fill)(void *owner, struct conn *);
};

/* fd is taken. peer is copied. Reading starts with the next loop turn. */
struct conn *conn_new(struct worker *, enum counter_side, int fd, const struct addr *peer,
    const struct conn_ops *, void *owner);
/* Hand it to another owner (sniffing is over); conn_resume() offers held bytes again. */
void conn_set_owner(struct conn *, const struct conn_ops *, void *owner);

/*
 * TLS from here on. ssl is taken (stopped by `stop` at the end). Held bytes and
 * `first` are the first records. The client side begins to send with this call.
 */
void conn_start_tls(struct conn *, SSL *ssl, void (*stop)(SSL **), struct str first);
SSL *conn_ssl(const struct conn *);	/* NULL: plain */
/* Fatal alert that the peer sent, or 0; text of what failed otherwise. */
unsigned conn_tls_alert(const struct conn *);
const char *conn_tls_error(const struct conn *);
/* What the peer did by CONN_END_TLS, for people; good until the next call. */
const char *conn_tls_end(const struct conn *);

void conn_write(struct conn *, const void *p, size_t n);
/* The same for bytes that nothing has to precede: they may be out when it returns. */
void conn_relay(struct conn *, const uint8_t *p, size_t n);
bool conn_full(const struct conn *);
/* The owner has output to make: its `fill` is called when the loop turn ends. */
void conn_want_fill(struct conn *);
/*
 * Stop and go on reading; what is held comes first, from the loop, not from this call.
 * Meanwhile the connection is not idle: who stops it watches whom it waits for.
 */
void conn_pause(struct conn *);
void conn_resume(struct conn *);
bool conn_paused(const struct conn *);
bool conn_ended(const struct conn *);	/* its end was told to an owner */
bool conn_pending(const struct conn *);	/* bytes of the peer are there that nobody has read */
/* Bytes that were taken are offered again, before anything else, when the loop turns. */
void conn_unread(struct conn *, struct str);

/*
 * End our sending side after what is written: CLEAN sends close_notify and FIN,
 * TRUNCATED only FIN. Reading goes on.
 */
void conn_shutdown(struct conn *, enum conn_end how);
/*
 * Let go: output still goes out (bounded by a few seconds), what the peer sends
 * is discarded, so that it can read our last bytes (RFC 9112 9.6). No callback
 * comes any more. *conn is NULL afterwards.
 */
void conn_close(struct conn **);
void conn_reset(struct conn **);	/* RST, nothing more goes out */
/* CLEAN/TRUNCATED closes that way, RESET resets. */
void conn_end_like(struct conn **, enum conn_end how);

/*
 * A deadline: `ended` comes with CONN_END_TIMEOUT, once. TIMEOUT_IDLE is counted
 * anew from every byte in or out, the others are for all of what is waited for.
 * Exact to a quarter of a second.
 */
void conn_deadline(struct conn *, enum counter_timeout, uint64_t ms);
void conn_no_deadline(struct conn *);
/*
 * Beside it, and without being asked for: what waits for a peer has to be taken, at
 * CONN_FLOOR bytes a second over timeouts.idle; see conn_pace.c. The same holds for
 * what the peer has said it would send, while it is read: on, until off.
 */
#define CONN_FLOOR 64
void conn_owes(struct conn *, bool on);
/* Bytes for the wire so far, and how many of those the peer's kernel has taken. */
uint64_t conn_given(const struct conn *);
uint64_t conn_taken(const struct conn *);
/* For its `ended`: which deadline it was. */
enum counter_timeout conn_late(const struct conn *);
/* "took less than 64 bytes a second", or NULL: it was not that the peer was too slow. */
const char *conn_slow_text(enum counter_timeout);

const struct addr *conn_peer(const struct conn *);
uint64_t conn_id(const struct conn *);	/* unique among living workers */

struct conn_count {
	uint64_t received, sent;	/* bytes on the wire */
};
/* What comes and goes is counted there until it is let go of. */
void conn_count(struct conn *, struct conn_count *);

size_t conn_held(const struct conn *);	/* bytes of its buffers; NULL: 0 */

/* ---- for worker.c: one per worker ---- */
struct conn_hub;
struct conn_hub *conn_hub_new(struct worker *, struct ev_loop *);
void conn_hub_free(struct conn_hub **);
/* One after the other, those that nobody owns any more but that hold output. */
struct conn *conn_hub_lingering(struct conn_hub *, struct conn *after);
void conn_hub_drop(struct conn **);	/* one of these: the rest stays unsent */
size_t conn_hub_count(const struct conn_hub *);	/* open ones, lingering ones too */

#endif
