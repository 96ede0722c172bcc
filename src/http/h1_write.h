/* SPDX-License-Identifier: ISC */
/*
 * h1_write.h - a message as HTTP/1 bytes, serialised anew (RFC 9112).  No byte
 * of what was received is copied as a line; hop-by-hop and Proxy-* fields
 * (RFC 9110 7.6.1, and those Connection names) are left out.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_H1_WRITE_H
#define MITMD_HTTP_H1_WRITE_H

#include "http/message.h"

enum h1_framing { H1_FRAME_NONE, H1_FRAME_LENGTH, H1_FRAME_CHUNKED, H1_FRAME_CLOSE };

struct h1_write {
	enum h1_framing framing;
	enum http_version version;	/* what our start line says */
	/* Connection field: -1 none, 0 "close", 1 "keep-alive" (to HTTP/1.0). */
	int connection;
	/* Upgrade: h1 connections only; keeps Upgrade and "Connection: upgrade". */
	bool upgrade;
	/* Request target in absolute-form (to a parent proxy), else origin-form. */
	bool absolute;
	/* Our own 407, our own request to a parent proxy: Proxy-Auth* fields stay. */
	bool own_proxy_auth;
};

/*
 * Choose the framing for m towards a peer of that version. For a response,
 * `to_head`/status rules of RFC 9110 6.4.1 and 8.6 apply (HEAD and 304 keep the
 * Content-Length they came with).
 */
enum h1_framing h1_write_framing(const struct message *m, enum http_version peer,
    bool answers_head) NONNULL(1);
/* Append the whole head with its blank line. out has no maximum. */
void h1_write_head(struct buf *out, const struct message *m, const struct h1_write *)
    NONNULL(1, 2, 3);
/* "1f4\r\n" into out (at least 20 bytes); returns its length. */
size_t h1_write_chunk_head(char out[20], size_t n);
/* "0\r\n" trailers "\r\n"; trailers may be NULL. Framing and routing fields are dropped. */
void h1_write_last_chunk(struct buf *out, const struct fields *trailers) NONNULL(1);

#endif
