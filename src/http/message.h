/* SPDX-License-Identifier: ISC */
/*
 * message.h - a request or a response as a value: what HTTP/1 and HTTP/2,
 * the client's side and the origin's side have in common (RFC 9110 6).
 * Plain data.  A message is owned by one flow and recycled with it.
 * Runs in: worker, tests.
 */
#ifndef MITMD_HTTP_MESSAGE_H
#define MITMD_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "http/fields.h"

enum http_version { HTTP_VERSION_NONE, HTTP_VERSION_1_0, HTTP_VERSION_1_1, HTTP_VERSION_2 };
/* "HTTP/1.1"; HAR spells version 2 "HTTP/2". */
const char *http_version_text(enum http_version);

/* How the request target was written (RFC 9112 3.2). */
enum target_form { TARGET_ORIGIN, TARGET_ABSOLUTE, TARGET_AUTHORITY, TARGET_ASTERISK };

struct message {
	bool is_request;
	enum http_version version;

	/* Request. method and target are as sent; authority is "host[:port]" as it
	 * was meant (absolute-form, else Host; RFC 9112 3.3); path is the origin-form
	 * of the target ("/x?y", or "*"). Offsets live in `line`. */
	struct str method;
	struct str target;
	struct str scheme;	/* of absolute-form, "http"/"https"; else STR_NONE */
	struct str authority;
	struct str path;
	enum target_form form;
	bool is_head, is_connect;
	struct str protocol;	/* of an extended CONNECT (RFC 8441); else STR_NONE */

	/* Response. */
	unsigned status;
	struct str reason;

	struct fields fields;
	struct fields trailers;

	/* Framing as it was read: length >= 0 for a known length, -1 when the body
	 * is chunked or ends with the connection (or the stream). */
	bool has_body;
	int64_t length;
	bool chunked;
	bool until_close;
	bool keep_alive;	/* what the sender said of its connection (RFC 9112 9.3) */
	bool expect_continue;
	bool upgrade;		/* Connection: upgrade with an Upgrade field */

	/* Bytes on the wire: start line and fields through the blank line; content
	 * without chunk framing; everything. -1: not known (HTTP/2 heads). */
	int64_t head_bytes;
	int64_t body_bytes;
	int64_t wire_bytes;

	struct buf line;	/* memory behind method, target, reason ... */
};

void message_init(struct message *) NONNULL(1);
size_t message_held(const struct message *) NONNULL(1);	/* bytes of memory */
void message_clear(struct message *) NONNULL(1);	/* for the next one, memory kept */
void message_free(struct message *) NONNULL(1);

#endif
