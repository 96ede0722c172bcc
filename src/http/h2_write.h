/* SPDX-License-Identifier: ISC */
/*
 * h2_write.h - a message as the fields of an HTTP/2 header block, made anew
 * (RFC 9113 8): pseudo-header fields first, names in lower case, nothing that
 * belongs to one connection.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_H2_WRITE_H
#define MITMD_HTTP_H2_WRITE_H

#include "http/message.h"

struct h2_pair {
	struct str name, value;
	bool secret;		/* never indexed (RFC 7541 7.1.3): credentials */
};

/* Reused from one block to the next. Zeroed is empty. */
struct h2_block_out {
	struct h2_pair *v;	/* views into text and into the message */
	size_t n, cap;
	struct buf text;
};

void h2_block_free(struct h2_block_out *) NONNULL(1);

/* scheme: what our hop uses, where the message does not say ("http", "https"). */
void h2_write_request(struct h2_block_out *, const struct message *, struct str scheme)
    NONNULL(1, 2);
void h2_write_response(struct h2_block_out *, const struct message *) NONNULL(1, 2);
/* One more field of our own, whatever it is. Both views are kept; the name is in lower case. */
void h2_write_own(struct h2_block_out *, struct str name, struct str value) NONNULL(1);
/* Framing and routing fields are dropped. */
void h2_write_trailers(struct h2_block_out *, const struct fields *) NONNULL(1, 2);

#endif
