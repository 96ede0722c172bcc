/* SPDX-License-Identifier: ISC */
/*
 * view.h - one HAR entry, looked at in place: where its members stand, and those
 * that filters, tables and lines for people want as plain text and numbers.
 * Anybody's HAR will do, not only ours; whatever is missing or of another type
 * is empty or -1.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_CTL_VIEW_H
#define MITMD_CTL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct view {
	struct str text;		/* the entry, as view_parse() was given it */

	/* Plain text. */
	struct str method, url;
	struct str scheme, host;	/* of the URL; IPv6 without brackets */
	struct str started;		/* startedDateTime */
	struct str request_version, response_version;
	struct str request_type;	/* Content-Type, else postData.mimeType */
	struct str response_type;	/* Content-Type, else content.mimeType */
	struct str server, server_port;	/* an address; "" where it never connected */
	struct str client;		/* address:port */
	struct str tag, error, resource_type, comment, pageref;
	struct str tunnel;		/* why nothing was decrypted; "": it was */

	/* Numbers; -1: not there. */
	int64_t status;			/* 0 or -1: no answer came */
	int64_t started_us;		/* since 1970 */
	int64_t time_us, wait_us;
	int64_t sent, received;		/* bytes on the wire, as far as the entry tells */

	bool websocket;
	bool tls_failed;		/* the client did not take our certificate */

	/* JSON as it stands, STR_NONE where it is missing. Strings without their quotes. */
	struct str request_headers, response_headers;	/* arrays */
	struct str request_text, response_text;
	bool request_base64, response_base64;
	struct str messages;		/* _webSocketMessages, an array */
	struct str tls_error;		/* _tlsError, an object */
	struct str pageref_raw;

	struct buf plain;		/* what some of the above point into */
};

/* A zeroed view is good for view_parse(), which may be called again and again. */
void view_free(struct view *) NONNULL(1);
/*
 * entry: one JSON object with or without white space, which must stay as long as the
 * view is used. false: it is no JSON object (the members are then as if it were empty).
 */
bool view_parse(struct view *, struct str entry) NONNULL(1);
/* There was an answer. */
bool view_answered(const struct view *) NONNULL(1);

/*
 * The next {name, value} of an array of headers; *rest begins as request_headers
 * or response_headers. JSON text, without quotes.
 */
bool view_next_header(struct str *rest, struct str *name, struct str *value)
    NONNULL(1, 2, 3);

struct view_message {
	bool sent;		/* by the client */
	bool base64;
	struct str data;	/* JSON text, without quotes */
};
/* The next message of a WebSocket; *rest begins as messages. */
bool view_next_message(struct str *rest, struct view_message *) NONNULL(1, 2);

#endif
