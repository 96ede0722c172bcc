/* SPDX-License-Identifier: ISC */
/*
 * h2_read.h - the fields of one HTTP/2 header block become a message, or the
 * trailers of one (RFC 9113 8).  Sans-I/O.  What the library before it has
 * checked already is not trusted where it decides routing or framing of a next
 * hop that may speak HTTP/1.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HTTP_H2_READ_H
#define MITMD_HTTP_H2_READ_H

#include "base/err.h"
#include "http/message.h"

enum h2_block { H2_REQUEST, H2_RESPONSE, H2_TRAILERS };

struct h2_limits {
	size_t header_size;	/* names and values, and 32 for each (RFC 9113 6.5.2) */
	unsigned header_count;	/* without the pseudo-header fields */
};

/* One block being read. Plain data: starts with h2_read_begin(). */
struct h2_read {
	struct message *m;
	enum h2_block block;
	struct h2_limits limits;
	size_t size;
	unsigned count;
	bool pseudo_over;	/* a regular field has come */
	bool has_host;		/* the peer sent one */
	/* Offset and length in m->line; length -1: not there. */
	struct h2_pseudo {
		size_t at;
		ssize_t n;
	} method, scheme, authority, path, protocol;
	unsigned error_status;	/* 400, 431 */
	const char *error;	/* static sentence; NULL while all is well */
};

/* m is clear (H2_TRAILERS: has its head) and borrowed until h2_read_end(). */
void h2_read_begin(struct h2_read *, enum h2_block, struct message *m,
    const struct h2_limits *) NONNULL(1, 3, 4);
/*
 * 0; ERR_SYNTAX or ERR_LIMIT with r->error, once: what follows is not looked at
 * any more, so a caller may go on feeding the block.
 */
int h2_read_field(struct h2_read *, struct str name, struct str value) NONNULL(1);
/* The block is complete; last: nothing follows on the stream (END_STREAM). */
int h2_read_end(struct h2_read *, bool last) NONNULL(1) MUSTCHECK;

#endif
