/* SPDX-License-Identifier: ISC */
/*
 * h1_read.h - HTTP/1 bytes in, a message out (RFC 9112).  Sans-I/O.
 * The parser library is lax in what decides framing; a strict layer stands in
 * front of it, and a head is only given on when both agree.  The only module
 * that knows http_parser.h.
 * Runs in: worker, tests, fuzzers.
 *
 *	h1_reader_next(r, &m)		where the next message goes
 *	h1_reader_feed(r, bytes, n, &used)
 *		-> on_head, on_body*, on_end
 * Feeding stops behind the end of a message: used < n then, and the next
 * call of feed is allowed only after h1_reader_next().
 */
#ifndef MITMD_HTTP_H1_READ_H
#define MITMD_HTTP_H1_READ_H

#include "http/message.h"

struct h1_reader;

enum h1_role { H1_REQUESTS, H1_RESPONSES };

struct h1_limits {
	size_t header_size;	/* start line and fields, and again for the trailers */
	unsigned header_count;
	bool relaxed;		/* http.relaxed: tolerate what real origins need */
};

/* What on_head answers. */
enum h1_body {
	H1_BODY_AS_FRAMED,	/* as the fields say */
	H1_BODY_NONE,		/* answer to HEAD, 204, 304, 1xx: nothing follows */
	H1_BODY_TUNNEL,		/* CONNECT, 101: no HTTP behind it; ends the message */
};

enum h1_state { H1_IDLE, H1_IN_HEAD, H1_IN_BODY, H1_DONE, H1_FAILED };

struct h1_reader_ops {
	/* The head is complete. For responses the callee knows the request. */
	enum h1_body (*on_head)(void *arg, struct message *);
	void (*on_body)(void *arg, const uint8_t *p, size_t n);
	/* Complete; m->trailers is filled. */
	void (*on_end)(void *arg, struct message *);
};

struct h1_reader *h1_reader_new(enum h1_role, const struct h1_limits *,
    const struct h1_reader_ops *, void *arg) NONNULL(2, 3);
void h1_reader_free(struct h1_reader **);	/* NULL and *NULL are fine */
/* m (cleared by the caller) is borrowed until the message's end or failure. */
void h1_reader_next(struct h1_reader *, struct message *m) NONNULL(1, 2);
/*
 * 0, or ERR_SYNTAX / ERR_LIMIT with h1_reader_error().  *out_used: bytes taken
 * (also on failure: up to the offending line).  Works with any cut of the
 * bytes, one at a time too.
 */
int h1_reader_feed(struct h1_reader *, const uint8_t *, size_t n, size_t *out_used)
    NONNULL(1, 4) MUSTCHECK;
/*
 * The connection ended: 0 when that completes a message (until_close) or
 * nothing had begun, ERR_CLOSED when it cuts one off.
 */
int h1_reader_eof(struct h1_reader *) NONNULL(1) MUSTCHECK;
enum h1_state h1_reader_state(const struct h1_reader *) NONNULL(1);
/* Bytes of an unfinished head, so that what was read is recorded when it is broken. */
struct str h1_reader_pending(const struct h1_reader *) NONNULL(1);

struct h1_error {
	unsigned status;	/* what a client should be told: 400, 414, 431, 501, 505 */
	const char *text;	/* one static sentence, "space before the colon of a field" */
};
const struct h1_error *h1_reader_error(const struct h1_reader *) NONNULL(1);

#endif
