/* SPDX-License-Identifier: ISC */
/* test_ws.c - a WebSocket is watched: whatever frames it is made of, however they come. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "har/json.h"
#include "har/ws.h"
#include "help.h"
#include "suites.h"

#define FIN 0x80u
#define RSV1 0x40u
#define NOW UINT64_C(1700000000123456)
#define KEPT 65536

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

static struct ws *ws;
static struct buf wire, text, plain;
static z_stream deflater;

static void
start(void)
{
	struct ws_conf conf = {.message_max = KEPT};

	ws = ws_new(&conf);
}

static void
start_deflate(const char *extensions, size_t kept)
{
	struct ws_conf conf = {.message_max = kept};

	ws_free(&ws);
	ws_conf_extensions(&conf, str_z(extensions));
	ws = ws_new(&conf);
	memset(&deflater, 0, sizeof(deflater));
	ck_assert_int_eq(deflateInit2(&deflater, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
}

static void
stop(void)
{
	ws_free(&ws);
	buf_free(&wire);
	buf_free(&text);
	buf_free(&plain);
	(void)deflateEnd(&deflater);
}

/* ---- frames are made ---- */

static void
put_frame(unsigned first, bool masked, struct str data)
{
	static const uint8_t mask[4] = {0x12, 0xfe, 0x00, 0x9d};
	unsigned bit = masked ? 0x80 : 0;
	size_t i;
	int shift;

	buf_putc(&wire, (char)first);
	if (data.n < 126) {
		buf_putc(&wire, (char)(bit | data.n));
	} else if (data.n < 65536) {
		buf_putc(&wire, (char)(bit | 126));
		buf_putc(&wire, (char)(data.n >> 8));
		buf_putc(&wire, (char)data.n);
	} else {
		buf_putc(&wire, (char)(bit | 127));
		for (shift = 56; shift >= 0; shift -= 8)
			buf_putc(&wire, (char)((uint64_t)data.n >> shift));
	}
	if (masked)
		buf_put(&wire, mask, 4);
	for (i = 0; i < data.n; i++)
		buf_putc(&wire, (char)(data.p[i] ^ (masked ? mask[i & 3] : 0)));
}

/* RFC 7692 7.2.1: without the last four bytes. */
static void
put_deflated(unsigned first, struct str data)
{
	size_t room = 2 * data.n + 64;
	uint8_t *out = mem_grow(NULL, room, 1);

	deflater.next_in = (uint8_t *)(uintptr_t)data.p;
	deflater.avail_in = (unsigned)data.n;
	deflater.next_out = out;
	deflater.avail_out = (unsigned)room;
	ck_assert_int_eq(deflate(&deflater, Z_SYNC_FLUSH), Z_OK);
	ck_assert_uint_gt(deflater.avail_out, 0);
	put_frame(first | RSV1, false,
	    str_of(out, room - deflater.avail_out - ((first & FIN) != 0 ? 4 : 0)));
	free(out);
}

static void
feed(enum ws_side side)
{
	ws_feed(ws, side, buf_data(&wire), wire.len, NOW);
	buf_clear(&wire);
}

static void
frame(enum ws_side side, unsigned first, struct str data)
{
	put_frame(first, side == WS_SEND, data);
	feed(side);
}

/* ---- what was written down ---- */

/* It is JSON at all times. */
static const char *
written(void)
{
	struct json_check c;

	buf_clear(&text);
	buf_putz(&text, "{\"m\":[");
	buf_puts(&text, ws_text(ws));
	buf_putz(&text, "]}");
	json_check_init(&c);
	ck_assert(json_check_feed(&c, buf_data(&text), text.len) && json_check_end(&c));
	buf_clear(&text);
	buf_puts(&text, ws_text(ws));
	buf_putc(&text, '\0');
	return (const char *)buf_data(&text);
}

#define MESSAGE(type, opcode, data) \
	"{\"type\":\"" type "\",\"time\":1700000000.123456,\"opcode\":" #opcode \
	",\"data\":\"" data "\"}"
#define SENT(opcode, data) MESSAGE("send", opcode, data)
#define RECEIVED(opcode, data) MESSAGE("receive", opcode, data)

/* ---- messages ---- */

static const struct {
	unsigned first;
	struct str data;
	const char *want;
} messages[] = {
	{FIN | TEXT, STR("hello"), SENT(1, "hello")},
	{FIN | TEXT, STR(""), SENT(1, "")},
	{FIN | BINARY, STR(""), SENT(2, "")},
	{FIN | BINARY, STR("\0\1\2\xff"), SENT(2, "AAEC/w==")},
	{FIN | TEXT, STR("\"\\\n\xc3\xa4"), SENT(1, "\\\"\\\\\\n\xc3\xa4")},
	{FIN | TEXT, STR("\0\x7f"), SENT(1, "\\u0000\x7f")},
	/* No UTF-8 (RFC 6455 8.1 forbids it): nothing of it is lost. */
	{FIN | TEXT, STR("\xff"), SENT(1, "\xc3\xbf")},
	{FIN | TEXT, STR("ab\xe2\x82"), SENT(1, "ab\xc3\xa2\xc2\x82")},
	{FIN | PING, STR("are you there"), SENT(9, "are you there")},
	{FIN | PONG, STR(""), SENT(10, "")},
};

START_TEST(message)
{
	frame(WS_SEND, messages[_i].first, messages[_i].data);
	ck_assert_str_eq(written(), messages[_i].want);
	ck_assert_uint_eq(ws_messages(ws), 1);
	ck_assert_ptr_null(ws_broken(ws));
	ck_assert(!ws_truncated(ws));
}
END_TEST

START_TEST(either_side_may_mask_or_not)
{
	put_frame(FIN | TEXT, false, STR("a"));
	feed(WS_SEND);
	put_frame(FIN | TEXT, true, STR("bcdefghijklmnopqrstu"));
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), SENT(1, "a") "," RECEIVED(1, "bcdefghijklmnopqrstu"));
}
END_TEST

START_TEST(length_of_every_form)
{
	static const size_t sizes[] = {125, 126, 127, 65535, 65536, 70000};
	size_t i;

	for (i = 0; i < NELEM(sizes); i++) {
		buf_clear(&plain);
		help_binary(&plain, sizes[i]);
		put_frame(FIN | BINARY, i & 1, buf_str(&plain));
		feed(WS_SEND);
	}
	ck_assert_uint_eq(ws_messages(ws), NELEM(sizes));
	ck_assert(ws_truncated(ws));	/* the last is longer than what is kept */
	ck_assert_ptr_nonnull(strstr(written(), "\"_truncated\":70000"));
	ck_assert_ptr_null(ws_broken(ws));
}
END_TEST

START_TEST(fragments_with_control_frames_between)
{
	frame(WS_SEND, TEXT, STR("one "));
	frame(WS_SEND, FIN | PING, STR("p"));
	frame(WS_SEND, CONTINUATION, STR(""));
	frame(WS_RECEIVE, FIN | TEXT, STR("meanwhile"));
	frame(WS_SEND, CONTINUATION, STR("two "));
	frame(WS_SEND, FIN | CONTINUATION, STR("three"));
	frame(WS_SEND, FIN | TEXT, STR("next"));
	ck_assert_str_eq(written(), SENT(9, "p") "," RECEIVED(1, "meanwhile") ","
	    SENT(1, "one two three") "," SENT(1, "next"));
}
END_TEST

/* A character may lie in two fragments. */
START_TEST(fragments_cut_characters)
{
	frame(WS_SEND, TEXT, STR("\xe2"));
	frame(WS_SEND, FIN | CONTINUATION, STR("\x82\xac"));
	ck_assert_str_eq(written(), SENT(1, "\xe2\x82\xac"));
}
END_TEST

START_TEST(time_is_when_the_last_byte_passed)
{
	put_frame(FIN | TEXT, false, STR("ab"));
	ws_feed(ws, WS_RECEIVE, buf_data(&wire), wire.len - 1, NOW);
	ws_feed(ws, WS_RECEIVE, buf_data(&wire) + wire.len - 1, 1, UINT64_C(1700000007000009));
	ck_assert_ptr_nonnull(strstr(written(), "\"time\":1700000007.000009,"));
}
END_TEST

/* ---- cuts ---- */

static void
a_conversation(void)
{
	put_frame(FIN | TEXT, true, STR("first"));
	put_frame(BINARY, true, STR("\1\2\3\4\5\6\7\10\11\12\13"));
	put_frame(FIN | PING, true, STR("ping"));
	buf_clear(&plain);
	help_text(&plain, 300);
	put_frame(CONTINUATION, false, buf_str(&plain));
	put_frame(FIN | CONTINUATION, true, STR(""));
	put_deflated(FIN | TEXT, STR("deflated deflated deflated"));
	put_deflated(FIN | TEXT, STR("deflated deflated deflated"));
	put_frame(FIN | CLOSE, true, STR("\x03\xe8" "bye"));
}

START_TEST(frames_cut_at_every_byte)
{
	struct buf whole = {0};
	size_t at;

	start_deflate("permessage-deflate", KEPT);
	a_conversation();
	ws_feed(ws, WS_SEND, buf_data(&wire), wire.len, NOW);
	buf_puts(&whole, ws_text(ws));
	ck_assert_uint_eq(ws_messages(ws), 5);
	ck_assert_uint_eq(ws_close(ws).code, 1000);
	for (at = 0; at <= wire.len; at++) {
		struct ws_conf conf = {.message_max = KEPT, .deflate = true};

		ws_free(&ws);
		ws = ws_new(&conf);
		ws_feed(ws, WS_SEND, buf_data(&wire), at, NOW);
		ws_feed(ws, WS_SEND, buf_data(&wire) + at, wire.len - at, NOW);
		ck_assert(str_eq(ws_text(ws), buf_str(&whole)));
		ck_assert(ws_close(ws).seen);
	}
	buf_free(&whole);
}
END_TEST

START_TEST(byte_by_byte)
{
	struct buf whole = {0};
	size_t at;
	struct ws_conf conf = {.message_max = KEPT, .deflate = true};

	start_deflate("permessage-deflate", KEPT);
	a_conversation();
	ws_feed(ws, WS_RECEIVE, buf_data(&wire), wire.len, NOW);
	buf_puts(&whole, ws_text(ws));
	ws_free(&ws);
	ws = ws_new(&conf);
	for (at = 0; at < wire.len; at++)
		ws_feed(ws, WS_RECEIVE, buf_data(&wire) + at, 1, NOW);
	ck_assert(str_eq(ws_text(ws), buf_str(&whole)));
	buf_free(&whole);
}
END_TEST

/* ---- permessage-deflate ---- */

static const struct {
	const char *extensions;
	bool deflate, send_alone, receive_alone;
} handshakes[] = {
	{"", false, false, false},
	{"permessage-deflate", true, false, false},
	{"Permessage-Deflate; Server_No_Context_Takeover", true, false, true},
	{"permessage-deflate;client_no_context_takeover", true, true, false},
	{"permessage-deflate ; server_max_window_bits=10 ; client_max_window_bits=\"9\"", true, false,
	    false},
	{"permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
	 "server_max_window_bits=12", true, true, true},
	{"x-other; a=b, permessage-deflate; client_no_context_takeover", true, true, false},
	{"x-webkit-deflate-frame", false, false, false},
	{"permessage-deflated", false, false, false},
	{";;,,;permessage-deflate", false, false, false},
};

START_TEST(handshake)
{
	struct ws_conf conf = {.message_max = 1};

	ws_conf_extensions(&conf, str_z(handshakes[_i].extensions));
	ck_assert_int_eq(conf.deflate, handshakes[_i].deflate);
	ck_assert_int_eq(conf.no_takeover[WS_SEND], handshakes[_i].send_alone);
	ck_assert_int_eq(conf.no_takeover[WS_RECEIVE], handshakes[_i].receive_alone);
}
END_TEST

START_TEST(context_is_taken_over)
{
	size_t alone;

	start_deflate("permessage-deflate", KEPT);
	put_deflated(FIN | TEXT, STR("the quick brown fox"));
	alone = wire.len;
	feed(WS_RECEIVE);
	put_deflated(FIN | TEXT, STR("the quick brown fox"));
	ck_assert_uint_lt(wire.len, alone / 2);	/* it does refer to the first */
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), RECEIVED(1, "the quick brown fox") ","
	    RECEIVED(1, "the quick brown fox"));
}
END_TEST

START_TEST(context_starts_anew)
{
	start_deflate("permessage-deflate; server_no_context_takeover", KEPT);
	put_deflated(FIN | TEXT, STR("quick brown fox"));
	feed(WS_RECEIVE);
	(void)deflateReset(&deflater);
	put_deflated(FIN | TEXT, STR("quick brown fox"));
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), RECEIVED(1, "quick brown fox") ","
	    RECEIVED(1, "quick brown fox"));
	/* What refers to a context that was not to be kept is broken, not invented. */
	put_deflated(FIN | TEXT, STR("quick brown fox"));
	feed(WS_RECEIVE);
	ck_assert_str_eq(ws_broken(ws), "a compressed message cannot be read");
}
END_TEST

START_TEST(plain_messages_among_deflated_ones)
{
	start_deflate("permessage-deflate", KEPT);
	put_deflated(FIN | TEXT, STR("abc"));
	put_frame(FIN | TEXT, false, STR("plain"));
	put_frame(FIN | PONG, false, STR("\xfc\xfe"));
	put_deflated(FIN | BINARY, STR("abc"));
	put_frame(FIN | RSV1 | TEXT, false, STR("\0"));	/* RFC 7692 7.2.3.6: empty */
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), RECEIVED(1, "abc") "," RECEIVED(1, "plain") ","
	    RECEIVED(10, "\xc3\xbc\xc3\xbe") "," RECEIVED(2, "YWJj") "," RECEIVED(1, ""));
}
END_TEST

/* RFC 7692 7.2.3.4: a block with BFINAL, and the byte behind it. */
START_TEST(final_block)
{
	start_deflate("permessage-deflate", KEPT);
	put_frame(FIN | RSV1 | TEXT, false, STR("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"));
	put_frame(FIN | RSV1 | TEXT, false, STR("\xf2\x48\xcd\xc9\xc9\x07\x00"));
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), RECEIVED(1, "Hello") "," RECEIVED(1, "Hello"));
}
END_TEST

START_TEST(deflated_fragments)
{
	uint8_t out[256];

	start_deflate("permessage-deflate", KEPT);
	deflater.next_in = (uint8_t *)(uintptr_t)"in two pieces";
	deflater.avail_in = 13;
	deflater.next_out = out;
	deflater.avail_out = sizeof(out);
	ck_assert_int_eq(deflate(&deflater, Z_SYNC_FLUSH), Z_OK);
	put_frame(RSV1 | TEXT, false, str_of(out, 5));
	put_frame(FIN | PING, false, STR(""));
	put_frame(FIN | CONTINUATION, false,
	    str_of(out + 5, sizeof(out) - deflater.avail_out - 4 - 5));
	feed(WS_RECEIVE);
	ck_assert_str_eq(written(), RECEIVED(9, "") "," RECEIVED(1, "in two pieces"));
}
END_TEST

START_TEST(broken_deflate_ends_its_direction)
{
	start_deflate("permessage-deflate", KEPT);
	put_frame(FIN | RSV1 | TEXT, false, STR("\xff\xff\xff\xff"));
	feed(WS_RECEIVE);
	ck_assert_str_eq(ws_broken(ws), "a compressed message cannot be read");
	frame(WS_SEND, FIN | TEXT, STR("on"));
	ck_assert_ptr_nonnull(strstr(written(), SENT(1, "on")));
}
END_TEST

/* What is cut is inflated all the same: the next message refers to it. */
START_TEST(cut_message_leaves_its_context)
{
	start_deflate("permessage-deflate", 4);
	put_deflated(FIN | TEXT, STR("0123456789 0123456789"));
	put_deflated(FIN | TEXT, STR("789 0123"));
	feed(WS_SEND);
	ck_assert_str_eq(written(),
	    "{\"type\":\"send\",\"time\":1700000000.123456,\"opcode\":1,\"data\":\"0123\","
	    "\"_truncated\":21},"
	    "{\"type\":\"send\",\"time\":1700000000.123456,\"opcode\":1,\"data\":\"789 \","
	    "\"_truncated\":8}");
}
END_TEST

/* ---- caps ---- */

START_TEST(long_message_is_cut_in_a_character)
{
	struct ws_conf conf = {.message_max = 4};

	ws_free(&ws);
	ws = ws_new(&conf);
	frame(WS_SEND, FIN | TEXT, STR("ab\xe2\x82\xac"));
	ck_assert_str_eq(written(),
	    "{\"type\":\"send\",\"time\":1700000000.123456,\"opcode\":1,\"data\":\"ab\","
	    "\"_truncated\":5}");
	ck_assert(ws_truncated(ws));
	ws_clear(ws);
	ck_assert(!ws_truncated(ws));
}
END_TEST

START_TEST(cut_text_that_is_none)
{
	struct ws_conf conf = {.message_max = 4};

	ws_free(&ws);
	ws = ws_new(&conf);
	frame(WS_SEND, FIN | TEXT, STR("\xff\xff\xff\xff\xff"));
	ck_assert_ptr_nonnull(strstr(written(), "\"data\":\"\xc3\xbf\xc3\xbf\xc3\xbf\xc3\xbf\""));
}
END_TEST

START_TEST(nothing_is_kept)
{
	struct ws_conf conf = {.message_max = 0};

	ws_free(&ws);
	ws = ws_new(&conf);
	frame(WS_SEND, FIN | TEXT, STR("abc"));
	frame(WS_SEND, FIN | BINARY, STR(""));
	ck_assert_ptr_nonnull(strstr(written(), "\"data\":\"\",\"_truncated\":3}"));
}
END_TEST

START_TEST(surplus_costs_no_memory)
{
	static uint8_t block[1 << 20];
	int i;

	buf_put(&wire, "\x82\xff\0\0\0\0\x40\0\0\0abcd", 14);
	feed(WS_SEND);
	for (i = 0; i < 1024; i++)
		ws_feed(ws, WS_SEND, block, sizeof(block), NOW);
	ck_assert_uint_eq(ws_messages(ws), 1);
	ck_assert_uint_lt(ws_text(ws).n, 2 * KEPT);
	ck_assert_ptr_nonnull(strstr(written(), "\"_truncated\":1073741824"));
}
END_TEST

/* A few kilobytes a second must not keep a worker busy. */
START_TEST(bomb_is_given_up)
{
	static char zeros[1 << 20];
	uint64_t fed = 0;
	int i;

	start_deflate("permessage-deflate", KEPT);
	for (i = 0; i < 64 && ws_broken(ws) == NULL; i++) {
		put_deflated(i == 0 ? TEXT : CONTINUATION, str_of(zeros, sizeof(zeros)));
		if (i > 0)
			buf_data(&wire)[0] &= (uint8_t)~RSV1;
		fed += wire.len;
		feed(WS_RECEIVE);
	}
	ck_assert_str_eq(ws_broken(ws), "a compressed message is too large");
	ck_assert_int_le(i, 19);
	ws_end(ws, NOW);
	ck_assert_ptr_nonnull(strstr(written(), "\"_incomplete\":true"));
	ck_assert_uint_lt(ws_text(ws).n, 6 * KEPT + 200);
	ck_assert_uint_lt(fed, 1 << 20);
}
END_TEST

START_TEST(many_small_bombs_are_one)
{
	static char zeros[1 << 20];
	int i;

	start_deflate("permessage-deflate; server_no_context_takeover", 16);
	put_deflated(FIN | TEXT, str_of(zeros, sizeof(zeros)));
	for (i = 0; i < 64 && ws_broken(ws) == NULL; i++)
		ws_feed(ws, WS_RECEIVE, buf_data(&wire), wire.len, NOW);
	ck_assert_int_lt(i, 20);
}
END_TEST

/* What compresses well all day long is none. */
START_TEST(honest_repetition_is_no_bomb)
{
	int i;

	start_deflate("permessage-deflate", 16);
	buf_clear(&plain);
	help_text(&plain, 4096);
	for (i = 0; i < 10000; i++) {
		buf_data(&plain)[(unsigned)i * 37 % 4096] ^= 1;
		put_deflated(FIN | TEXT, buf_str(&plain));
		feed(WS_SEND);
		ck_assert_ptr_null(ws_broken(ws));
		ws_clear(ws);
	}
	ck_assert_uint_eq(ws_messages(ws), 10000);
}
END_TEST

/* ---- what breaks the rules ---- */

static const struct {
	struct str bytes;
	const char *why;
} broken[] = {
	{STR("\xa1\x00"), "a frame with reserved bits"},
	{STR("\x91\x00"), "a frame with reserved bits"},
	{STR("\xc1\x01x"), "a frame that must not be compressed"},
	{STR("\x83\x00"), "an unknown kind of frame"},
	{STR("\x8b\x00"), "an unknown kind of frame"},
	{STR("\x80\x00"), "a continuation of nothing"},
	{STR("\x01\x01x\x81\x01y"), "a message inside a message"},
	{STR("\x09\x00"), "a control frame that is cut or too long"},
	{STR("\x89\x7e\x00\x7e"), "a control frame that is cut or too long"},
	{STR("\x88\x7f\0\0\0\0\0\0\0\x7e"), "a control frame that is cut or too long"},
	{STR("\x82\x7f\x80\0\0\0\0\0\0\0"), "an impossible length"},
};

START_TEST(broken_frame_ends_its_direction)
{
	frame(WS_RECEIVE, FIN | TEXT, STR("before"));
	ws_feed(ws, WS_RECEIVE, (const uint8_t *)broken[_i].bytes.p, broken[_i].bytes.n, NOW);
	ck_assert_str_eq(ws_broken(ws), broken[_i].why);
	frame(WS_RECEIVE, FIN | TEXT, STR("behind"));
	frame(WS_SEND, FIN | TEXT, STR("other side"));
	ck_assert_str_eq(written(), RECEIVED(1, "before") "," SENT(1, "other side"));
}
END_TEST

START_TEST(compressed_control_and_continuation_are_broken)
{
	static const unsigned first[] = {FIN | RSV1 | PING, RSV1 | CONTINUATION};
	size_t i;

	for (i = 0; i < NELEM(first); i++) {
		start_deflate("permessage-deflate", KEPT);
		frame(WS_SEND, TEXT, STR("x"));
		frame(WS_SEND, first[i], STR(""));
		ck_assert_str_eq(ws_broken(ws), "a frame that must not be compressed");
		(void)deflateEnd(&deflater);
	}
	memset(&deflater, 0, sizeof(deflater));
}
END_TEST

/* ---- ends ---- */

static const struct {
	struct str payload;
	unsigned code;
	const char *reason;
} closes[] = {
	{STR(""), 1005, ""},
	{STR("\x03"), 1005, ""},
	{STR("\x03\xe8"), 1000, ""},
	{STR("\x03\xe9going away"), 1001, "going away"},
	{STR("\x0f\xa0\xff\0"), 4000, "\xff"},
};

START_TEST(close_code_and_reason)
{
	struct ws_close c;

	frame(WS_RECEIVE, FIN | CLOSE, closes[_i].payload);
	frame(WS_SEND, FIN | CLOSE, STR("\x03\xea" "echo"));
	c = ws_close(ws);
	ck_assert(c.seen);
	ck_assert_int_eq(c.by, WS_RECEIVE);
	ck_assert_uint_eq(c.code, closes[_i].code);
	ck_assert_uint_eq(c.reason.n, closes[_i].payload.n > 2 ? closes[_i].payload.n - 2 : 0);
	ck_assert_int_eq(memcmp(c.reason.n > 0 ? c.reason.p : "", closes[_i].reason,
	    strlen(closes[_i].reason)), 0);
	ck_assert_uint_eq(ws_text(ws).n, 0);	/* no message */
}
END_TEST

START_TEST(end_in_the_middle_of_messages)
{
	frame(WS_SEND, TEXT, STR("half "));
	put_frame(FIN | CONTINUATION, true, STR("a message"));
	ws_feed(ws, WS_SEND, buf_data(&wire), wire.len - 3, NOW);
	buf_clear(&wire);
	frame(WS_RECEIVE, BINARY, STR("\1\2\3"));
	ws_end(ws, NOW);
	ws_end(ws, NOW);	/* once */
	ck_assert_str_eq(written(),
	    "{\"type\":\"send\",\"time\":1700000000.123456,\"opcode\":1,\"data\":\"half a mess\","
	    "\"_incomplete\":true},"
	    "{\"type\":\"receive\",\"time\":1700000000.123456,\"opcode\":2,\"data\":\"AQID\","
	    "\"_incomplete\":true}");
	ck_assert(!ws_close(ws).seen);
}
END_TEST

START_TEST(end_between_messages)
{
	frame(WS_SEND, FIN | TEXT, STR("done"));
	ws_feed(ws, WS_SEND, (const uint8_t *)"\x81", 1, NOW);
	ws_end(ws, NOW);
	ck_assert_str_eq(written(), SENT(1, "done"));
}
END_TEST

START_TEST(pieces_follow_each_other)
{
	frame(WS_SEND, FIN | TEXT, STR("one"));
	ws_clear(ws);
	ck_assert_uint_eq(ws_text(ws).n, 0);
	frame(WS_SEND, FIN | TEXT, STR("two"));
	ck_assert_str_eq(written(), SENT(1, "two"));
	ck_assert_uint_eq(ws_messages(ws), 2);
}
END_TEST

Suite *
ws_suite(void)
{
	Suite *s = suite_create("ws");
	TCase *t = tcase_create("ws");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, message, 0, NELEM(messages));
	tcase_add_test(t, either_side_may_mask_or_not);
	tcase_add_test(t, length_of_every_form);
	tcase_add_test(t, fragments_with_control_frames_between);
	tcase_add_test(t, fragments_cut_characters);
	tcase_add_test(t, time_is_when_the_last_byte_passed);
	tcase_add_test(t, frames_cut_at_every_byte);
	tcase_add_test(t, byte_by_byte);
	tcase_add_loop_test(t, handshake, 0, NELEM(handshakes));
	tcase_add_test(t, context_is_taken_over);
	tcase_add_test(t, context_starts_anew);
	tcase_add_test(t, plain_messages_among_deflated_ones);
	tcase_add_test(t, final_block);
	tcase_add_test(t, deflated_fragments);
	tcase_add_test(t, broken_deflate_ends_its_direction);
	tcase_add_test(t, cut_message_leaves_its_context);
	tcase_add_test(t, long_message_is_cut_in_a_character);
	tcase_add_test(t, cut_text_that_is_none);
	tcase_add_test(t, nothing_is_kept);
	tcase_add_test(t, surplus_costs_no_memory);
	tcase_add_test(t, bomb_is_given_up);
	tcase_add_test(t, many_small_bombs_are_one);
	tcase_add_test(t, honest_repetition_is_no_bomb);
	tcase_add_loop_test(t, broken_frame_ends_its_direction, 0, NELEM(broken));
	tcase_add_test(t, compressed_control_and_continuation_are_broken);
	tcase_add_loop_test(t, close_code_and_reason, 0, NELEM(closes));
	tcase_add_test(t, end_in_the_middle_of_messages);
	tcase_add_test(t, end_between_messages);
	tcase_add_test(t, pieces_follow_each_other);
	suite_add_tcase(s, t);
	return s;
}
