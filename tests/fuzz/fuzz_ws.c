/* SPDX-License-Identifier: ISC */
/*
 * fuzz_ws.c - both directions of a WebSocket with any bytes: what is written
 * down is JSON, bounded, and does not depend on the pieces the bytes came in.
 * First byte: the extensions; second: size of the pieces; third: how long the
 * client's direction is, the rest being the origin's.
 */
#include "config.h"

#include "base/err.h"
#include "har/json.h"
#include "har/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT 512
#define WALL UINT64_C(1700000000000000)

static void
feed(struct ws *ws, enum ws_side side, const uint8_t *p, size_t n, size_t piece)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = MIN(n, piece);
		ws_feed(ws, side, p, k, WALL);
	}
}

static void
check(const struct ws *ws, size_t fed)
{
	struct json_check c;
	struct ws_close closed = ws_close(ws);

	json_check_init(&c);
	CHECK(json_check_feed(&c, "{\"m\":[", 6));
	CHECK(json_check_feed(&c, ws_text(ws).p, ws_text(ws).n));
	CHECK(json_check_feed(&c, "]}", 2) && json_check_end(&c));
	CHECK(closed.reason.n <= 123);
	/* Of two bytes at least each, and two under way. */
	CHECK(ws_messages(ws) <= fed / 2 + 2);
	CHECK(ws_text(ws).n <= ws_messages(ws) * (160 + 6 * KEPT));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_conf conf = {.message_max = KEPT};
	struct ws *pieces, *whole;
	size_t sent;

	if (size < 3)
		return 0;
	conf.deflate = data[0] & 1;
	conf.no_takeover[WS_SEND] = data[0] & 2;
	conf.no_takeover[WS_RECEIVE] = data[0] & 4;
	sent = MIN(size - 3, data[2] * 16u);
	pieces = ws_new(&conf);
	whole = ws_new(&conf);
	feed(pieces, WS_SEND, data + 3, sent, 1 + data[1]);
	feed(whole, WS_SEND, data + 3, sent, SIZE_MAX);
	feed(pieces, WS_RECEIVE, data + 3 + sent, size - 3 - sent, 1 + data[1]);
	feed(whole, WS_RECEIVE, data + 3 + sent, size - 3 - sent, SIZE_MAX);
	ws_end(pieces, WALL);
	ws_end(whole, WALL);
	check(pieces, size);
	check(whole, size);
	/* Broken compression is noticed sooner or later; all else has no such excuse. */
	if (!conf.deflate || (ws_broken(pieces) == NULL && ws_broken(whole) == NULL)) {
		CHECK(str_eq(ws_text(pieces), ws_text(whole)));
		CHECK(ws_broken(pieces) == ws_broken(whole));
	}
	ws_free(&pieces);
	ws_free(&whole);
	return 0;
}
