/* SPDX-License-Identifier: ISC */
/*
 * ws.h - watches a WebSocket go by (RFC 6455, and permessage-deflate, RFC 7692)
 * and writes its messages down as Chrome's devtools do.  Passive: what breaks
 * the rules ends the watching of that direction, nothing else.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_WS_H
#define MITMD_HAR_WS_H

#include "base/buf.h"
#include "base/str.h"

struct ws;

enum ws_side { WS_SEND, WS_RECEIVE };	/* as the client sees it */

struct ws_conf {
	size_t message_max;	/* bytes kept of one message; the rest is counted */
	bool deflate;
	bool no_takeover[2];	/* by enum ws_side: the compressor starts anew each time */
};

/* What the answer to the handshake says in Sec-WebSocket-Extensions (a list; may be empty). */
void ws_conf_extensions(struct ws_conf *, struct str extensions) NONNULL(1);

struct ws *ws_new(const struct ws_conf *) NONNULL(1);
void ws_free(struct ws **);	/* NULL and *NULL are fine */

/* Bytes as they passed, cut anywhere. wall_us: when. */
void ws_feed(struct ws *, enum ws_side, const uint8_t *p, size_t n, uint64_t wall_us)
    NONNULL(1);

/* Nothing more will come: what there is of messages under way is written down, too. */
void ws_end(struct ws *, uint64_t wall_us) NONNULL(1);

/*
 * The messages since ws_clear(), as elements of a JSON array without its
 * brackets: {"type":"send","time":1700000000.123456,"opcode":1,"data":"..."},
 * binary ones in base64, cut ones with "_truncated" (their whole size), those
 * whose end never came with "_incomplete".
 */
struct str ws_text(const struct ws *) NONNULL(1);
bool ws_truncated(const struct ws *) NONNULL(1);	/* one of these was cut */
void ws_clear(struct ws *) NONNULL(1);
/* How many since the beginning. */
uint64_t ws_messages(const struct ws *) NONNULL(1);

size_t ws_held(const struct ws *);	/* of memory; NULL: 0 */

/* How it was closed. */
struct ws_close {
	bool seen;
	unsigned code;		/* 1005: the frame had none (RFC 6455 7.1.5) */
	enum ws_side by;	/* who closed first */
	struct str reason;	/* a view, valid as long as the ws */
};
struct ws_close ws_close(const struct ws *) NONNULL(1);
/* Why a direction is not watched any more: a static sentence, or NULL. */
const char *ws_broken(const struct ws *) NONNULL(1);

#endif
