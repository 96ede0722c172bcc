/* SPDX-License-Identifier: ISC */
/* test_h2_limits.c - HTTP/2: queues, floods, and what idle ones cost. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2rig.h"
#include "suites.h"
#include "worker/handover.h"


#define MIB (1u << 20)

/* ---- queues ---- */

static const struct peer_conf two_streams = {.server = true, .max_streams = 2};

/* More than the origin takes at a time wait, and their times say so. */
START_TEST(max_concurrent_streams)
{
	struct flow *third;
	uint64_t begun;

	alone_begin(TO_H2, &usual_client, &two_streams, false);
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	peer_ask(c, LINES_POST, "x");
	settle();
	third = asked;
	begun = third->times.request_begun;
	ck_assert(peer_has_seen(o, "H3("));
	ck_assert(!peer_has_seen(o, "H5("));
	(void)usleep(5000);
	peer_forget(o);
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(o, "H5(" SAW_POST ") D5(x) ");
	ck_assert_uint_ge(third->times.request_sent, begun + 5000);
	SAYS(only_entry(), "\"status\":200");
}
END_TEST

/* A place becomes free by a reset of ours, a reset of theirs. */
START_TEST(places_that_resets_make_free)
{
	alone_begin(TO_H2, &usual_client, &two_streams, false);
	while (peer_ask(c, NULL, NULL) < 7)
		continue;
	settle();
	peer_reset(c, 1, NGHTTP2_CANCEL);
	settle();
	ck_assert(peer_has_seen(o, "H5("));
	peer_reset(o, 3, NGHTTP2_CANCEL);
	settle();
	ck_assert(peer_has_seen(o, "H7("));
	ck_assert_uint_eq(h2_origin->nopen, 2);
	drop_entries();
}
END_TEST

/* A request that waits is given up, or is not the first to wait. */
START_TEST(reset_while_waiting)
{
	alone_begin(TO_H2, &usual_client, &two_streams, false);
	while (peer_ask(c, NULL, NULL) < 9)
		continue;
	settle();
	peer_reset(c, 5, NGHTTP2_CANCEL);
	peer_reset(c, 9, NGHTTP2_CANCEL);
	settle();
	ck_assert(!peer_has_seen(o, "R"));
	peer_answer(o, 1, ":status: 200\n", NULL);
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(o, "H5("));
	peer_answer(o, 5, ":status: 204\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H7(:status=204). "));
	ck_assert_uint_eq(h2_origin->nopen, 0);
	ck_assert(h2_idle(h2_origin));
	drop_entries();
}
END_TEST

/* RFC 9113 6.8: those that wait when the origin lets go may be repeated elsewhere. */
START_TEST(origin_lets_go_of_those_that_wait)
{
	alone_begin(TO_H2, &usual_client, &two_streams, false);
	while (peer_ask(c, NULL, NULL) < 7)
		continue;
	settle();
	peer_goaway(o, 3, NGHTTP2_NO_ERROR);
	settle();
	SAW(c, "R5(REFUSED_STREAM) R7(REFUSED_STREAM) ");
	TOLD("origin goaway ");
	peer_answer(o, 1, ":status: 200\n", NULL);
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(c, "H1(:status=200). H3(:status=200). ");
	TOLD("origin ended(0) client idle ");
	drop_entries();
}
END_TEST

START_TEST(nothing_is_attached_behind_goaway)
{
	alone_usual();
	peer_ask(c, NULL, NULL);
	settle();
	peer_goaway(o, 1, NGHTTP2_NO_ERROR);
	settle();
	peer_forget(c);
	peer_ask(c, NULL, NULL);
	settle();
	SAW(c, "R3(INTERNAL_ERROR) ");
	drop_entries();
}
END_TEST

/* ---- floods ---- */

static void
frames(struct peer *p, unsigned n, uint8_t type, uint8_t flags, int32_t id, struct str payload)
{
	unsigned i;

	for (i = 0; i < n && p->fd != -1; i++) {
		peer_frame(p, type, flags, id, payload.p, payload.n);
		if (i % 100 == 99)
			settle();
	}
	settle();
}

/*
 * The buckets fill again while a slow machine sends, so how many are too many is
 * only known where no time passes.
 */
static void
frames_until_cut(struct peer *p, unsigned n, uint8_t type, uint8_t flags, int32_t id,
    struct str payload)
{
	unsigned round;

	for (round = 0; round < 100 && !peer_has_seen(p, "ENHANCE_YOUR_CALM"); round++)
		frames(p, n, type, flags, id, payload);
}

static const struct flood {
	const char *what;
	uint8_t type, flags;
	int32_t id;
	struct str payload;
	unsigned passes, fails;
} floods[] = {
    {"PING", NGHTTP2_PING, 0, 0, STR("12345678"), 190, 300},
    {"SETTINGS", NGHTTP2_SETTINGS, 0, 0, STR(""), 40, 80},
    {"PRIORITY", NGHTTP2_PRIORITY, 0, 1, STR("\0\0\0\0\1"), 900, 1500},
    {"PRIORITY of nothing", NGHTTP2_PRIORITY, 0, 99, STR("\0\0\0\0\1"), 900, 1500},
    {"WINDOW_UPDATE", NGHTTP2_WINDOW_UPDATE, 0, 1, STR("\0\0\0\1"), 900, 1500},
    {"WINDOW_UPDATE of the connection", NGHTTP2_WINDOW_UPDATE, 0, 0, STR("\0\0\0\1"), 900,
	1500},
    {"unknown", 0x42, 0, 0, STR("x"), 900, 1500},
    {"PRIORITY_UPDATE", 0x10, 0, 0, STR("\0\0\0\1u=1"), 900, 1500},
    {"ALTSVC", 0x0a, 0, 0, STR("\0\0x"), 900, 1500},
    {"empty DATA", NGHTTP2_DATA, 0, 1, STR(""), 900, 1500},
    {"padding alone", NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, STR("\0"), 900, 1500},
};

START_TEST(flood_of_a_client)
{
	const struct flood *f = &floods[_i];

	alone_begin(TO_FAKE, &usual_client, NULL, false);
	peer_ask(c, LINES_POST, "");
	settle();
	/* The library there trips over an answer to SETTINGS of which it knows nothing. */
	c->deaf = f->type == NGHTTP2_SETTINGS;
	frames(c, f->passes, f->type, f->flags, f->id, f->payload);
	SAW(c, "");
	frames(c, f->fails - f->passes, f->type, f->flags, f->id, f->payload);
	if (!c->deaf)
		ck_assert_msg(peer_has_seen(c, "G(1,ENHANCE_YOUR_CALM) "), "%s", f->what);
	if (f->type == NGHTTP2_SETTINGS)
		TOLD("client settings client ended(0) ");
	else
		TOLD("client ended(0) ");
	SAYS(entry_last(), "\"_error\":\"client sent too many ");
}
END_TEST

START_TEST(flood_of_an_origin)
{
	const struct flood *f = &floods[_i];

	if (f->type == NGHTTP2_DATA)
		return; /* comes behind a head only */
	alone_usual();
	peer_ask(c, LINES_POST, "");
	settle();
	peer_forget(o);
	o->deaf = f->type == NGHTTP2_SETTINGS;
	frames(o, f->passes, f->type, f->flags, f->id, f->payload);
	SAW(o, "");
	frames(o, f->fails - f->passes, f->type, f->flags, f->id, f->payload);
	if (!o->deaf)
		ck_assert_msg(peer_has_seen(o, "G(0,ENHANCE_YOUR_CALM) "), "%s", f->what);
	if (f->type == NGHTTP2_SETTINGS)
		TOLD("origin settings origin ended(0) client idle ");
	else
		TOLD("origin ended(0) client idle ");
	SAW(c, "R1(INTERNAL_ERROR) ");
	drop_entries();
}
END_TEST

static const struct flood late[] = {
    {"DATA", NGHTTP2_DATA, 0, 1, STR("x"), 4900, 5100},
    {"DATA that says it is the end", NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, STR(""), 4900,
	5100},
    /* :method: GET from the static table */
    {"HEADERS", NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, STR("\x82"), 900, 1100},
    {"RST_STREAM", NGHTTP2_RST_STREAM, 0, 1, STR("\0\0\0\x08"), 750, 850},
    {"WINDOW_UPDATE", NGHTTP2_WINDOW_UPDATE, 0, 1, STR("\0\0\0\1"), 900, 1100},
};

/* What is read over costs its sender as much as what is read. */
START_TEST(flood_for_a_stream_that_is_over)
{
	const struct flood *f = &late[_i];

	alone_begin(TO_FAKE, &usual_client, NULL, false);
	peer_ask(c, LINES_POST, "");
	settle();
	peer_reset(c, 1, NGHTTP2_CANCEL);
	settle();
	drop_entries();
	peer_forget(c);
	frames(c, f->passes, f->type, f->flags, f->id, f->payload);
	ck_assert_msg(!peer_has_seen(c, "ENHANCE_YOUR_CALM"), "%s", f->what);
	frames_until_cut(c, f->fails - f->passes, f->type, f->flags, f->id, f->payload);
	ck_assert_msg(peer_has_seen(c, "ENHANCE_YOUR_CALM"), "%s", f->what);
}
END_TEST

/* CVE-2023-44487, also with a code that looks like a good end. */
START_TEST(rapid_reset)
{
	static const uint32_t codes[] = {NGHTTP2_CANCEL, NGHTTP2_NO_ERROR};
	unsigned n;

	alone_begin(TO_NOBODY, &usual_client, NULL, false);
	for (n = 0; n < 300 && c->fd != -1; n++) {
		int32_t id = peer_ask(c, NULL, NULL);

		(void)peer_pump(c);
		peer_reset(c, id, codes[_i]);
		settle();
	}
	ck_assert_uint_ge(n, 200);
	ck_assert_uint_lt(n, 300);
	ck_assert(peer_has_seen(c, "ENHANCE_YOUR_CALM"));
	drop_entries();
}
END_TEST

/* CVE-2025-8671: the client makes us reset, by content that is not as long as it said. */
START_TEST(made_you_reset)
{
	unsigned n;

	alone_begin(TO_NOBODY, &usual_client, NULL, false);
	for (n = 0; n < 200 && c->fd != -1; n++) {
		peer_ask(c, LINES_POST "content-length: 1\n", "12345");
		settle();
	}
	ck_assert_uint_ge(n, 100);
	ck_assert_uint_lt(n, 130);
	ck_assert(peer_has_seen(c, "ENHANCE_YOUR_CALM"));
	drop_entries();
}
END_TEST

/* ... by a window that overflows. */
START_TEST(made_you_reset_by_windows)
{
	unsigned n;

	alone_begin(TO_NOBODY, &usual_client, NULL, false);
	for (n = 0; n < 200 && c->fd != -1; n++) {
		int32_t id = peer_ask(c, NULL, NULL);

		(void)peer_pump(c);
		peer_frame(c, NGHTTP2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff", 4);
		settle();
	}
	ck_assert_uint_ge(n, 100);
	ck_assert_uint_lt(n, 130);
	drop_entries();
}
END_TEST

/* Resets that the origin answers with belong to it: the client is not cut off. */
START_TEST(an_origin_that_refuses_all)
{
	unsigned n;

	alone_usual();
	for (n = 0; n < 300; n++) {
		int32_t id = peer_ask(c, NULL, NULL);

		settle();
		peer_reset(o, id, NGHTTP2_REFUSED_STREAM);
		settle();
		drop_entries();
	}
	ck_assert(h2_client != NULL && h2_origin != NULL);
}
END_TEST

/* RFC 9113 8.1: 1xx without end. */
START_TEST(informational_without_end)
{
	unsigned n;

	alone_usual();
	peer_ask(c, NULL, NULL);
	settle();
	for (n = 0; n < 102; n++) {
		peer_informational(o, 1, ":status: 103\n");
		settle();
	}
	ck_assert(peer_has_seen(o, "R1(ENHANCE_YOUR_CALM)"));
	ck_assert(peer_has_seen(c, "R1(ENHANCE_YOUR_CALM)"));
	SAYS(only_entry(), "\"_error\":\"bad response: no end of 1xx\"");
}
END_TEST

/* It does not read, so it cannot be told: reset after a second. */
START_TEST(cut_off_and_deaf)
{
	static const struct peer_conf wide = {.window = 16 * MIB};
	static char much[2 * MIB];

	alone_begin(TO_FAKE, &wide, NULL, false);
	ck_assert_int_eq(
	    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, 16 * MIB), 0);
	peer_ask(c, LINES_POST, "");
	settle();
	c->deaf = true;
	ends_response(asked, 200, -1);
	flow_body(asked, FLOW_BACK, (const uint8_t *)much, sizeof(much));
	settle();
	ck_assert(conn_full(h2_client->conn));
	frames(c, 300, NGHTTP2_PING, 0, 0, STR("12345678"));
	ck_assert_ptr_nonnull(h2_client->cut);
	TOLD("");
	h2_client->cut_since -= 1.5;
	watch_now(h2_client);
	TOLD("client ended(2) ");
	drop_entries();
}
END_TEST

/* A head that comes too slowly; and one that nobody waits for does no harm. */
START_TEST(slow_head)
{
	alone_begin(TO_FAKE, &usual_client, NULL, false);
	peer_frame(c, NGHTTP2_HEADERS, 0, 1, "\x82", 1);
	settle();
	watch_now(h2_client);
	SAW(c, "");
	h2_client->block_begun -= 11;
	watch_now(h2_client);
	ck_assert(peer_has_seen(c, "G(1,ENHANCE_YOUR_CALM) "));
	SAYS(only_entry(), "\"_error\":\"client was too slow with a head\"");
	ck_assert_uint_eq(world.counters.timeouts[SIDE_CLIENT][TIMEOUT_HEADER], 1);
}
END_TEST

START_TEST(block_of_a_dead_stream)
{
	alone_begin(TO_H2, &usual_client, &usual_origin, _i == 1);
	peer_ask(c, LINES_POST, "a");
	settle();
	peer_frame(c, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, "\0\1a", 3);
	settle();
	ck_assert(h2_client->block_begun > 0);
	peer_reset(o, 1, NGHTTP2_CANCEL);
	settle();
	/* It would be read into a message that is another's by now. */
	ck_assert_ptr_null(h2_client->reading);
	peer_frame(c, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "\1b", 2);
	settle();
	ck_assert(h2_client->block_begun == 0);
	ck_assert(peer_has_seen(c, _i == 0 ? "R1(CANCEL) " : "D1. R1(NO_ERROR) "));
	drop_entries();
}
END_TEST

START_TEST(head_too_large)
{
	char *lines = malloc(200000);
	size_t n = 0;
	int i;

	alone_begin(TO_FAKE, &usual_client, NULL, _i == 1);
	n += (size_t)sprintf(lines, "%s", LINES_GET);
	for (i = 0; i < 40; i++) {
		n += (size_t)sprintf(lines + n, "a%d: ", i);
		memset(lines + n, 'x', 2000);
		n += 2000;
		n += (size_t)sprintf(lines + n, "\n");
	}
	peer_ask(c, lines, NULL);
	settle();
	if (_i == 0)
		SAW(c, "R1(ENHANCE_YOUR_CALM) ");
	else
		ck_assert(peer_has_seen(c, "H1(:status=431,"));
	drop_entries();
	SAYS(entry_last(), "\"_error\":\"bad request: the head is too large\"");
	free(lines);
}
END_TEST

/* A request that names one field of 4,000 bytes again and again: 48 MB. */
static size_t
make_bomb(uint8_t out[16384])
{
	static const uint8_t begin[] = {0x82, 0x84, 0x87, 0x41, 1, 'o', 0x40, 1, 'x', 127,
	    (4000 - 127) % 128 | 128, (4000 - 127) / 128};
	size_t n = sizeof(begin);

	memcpy(out, begin, n);
	memset(out + n, 'v', 4000);
	memset(out + n + 4000, 0x80 | 62, 12000);	/* the newest entry of the table */
	return n + 4000 + 12000;
}

/* RFC 7541 7.3: what a few bytes are made to cost is paid by what it was. */
START_TEST(heads_far_too_large)
{
	uint8_t block[16384];
	size_t n = make_bomb(block);
	int32_t id;

	alone_begin(TO_FAKE, &usual_client, NULL, false);
	c->deaf = true;
	for (id = 1; id < 20 && h2_client != NULL; id += 2) {
		peer_frame(c, NGHTTP2_HEADERS,
		    NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, block, n);
		settle();
		ck_assert(id != 1 || (h2_client != NULL && h2_client->cut == NULL));
	}
	ck_assert_ptr_null(h2_client);
	drop_entries();
	SAYS(entry_last(), "client sent heads that were far too large");
}
END_TEST

/* ---- idle ---- */

START_TEST(no_timer_and_little_memory_while_idle)
{
	alone_usual();
	ck_assert(!ev_is_active(&h2_client->watch) && !ev_is_active(&h2_origin->watch));
	peer_ask(c, NULL, NULL);
	settle();
	ck_assert(ev_is_active(&h2_client->watch) && ev_is_active(&h2_origin->watch));
	peer_answer(o, 1, ":status: 200\n", "hi");
	peer_end(o, 1, NULL);
	settle();
	TOLD("origin idle client idle ");
	watch_now(h2_client);
	watch_now(h2_origin);
	ck_assert(!ev_is_active(&h2_client->watch) && !ev_is_active(&h2_origin->watch));
	ck_assert_ptr_null(h2_client->block.v);
	ck_assert_ptr_null(h2_origin->nv);
	drop_entries();
}
END_TEST

Suite *
h2_limits_suite(void)
{
	Suite *s = suite_create("h2_limits");
	TCase *tc = tcase_create("queues");

	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_add_test(tc, max_concurrent_streams);
	tcase_add_test(tc, places_that_resets_make_free);
	tcase_add_test(tc, reset_while_waiting);
	tcase_add_test(tc, origin_lets_go_of_those_that_wait);
	tcase_add_test(tc, nothing_is_attached_behind_goaway);
	suite_add_tcase(s, tc);
	tc = tcase_create("floods");
	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, flood_of_a_client, 0, NELEM(floods));
	tcase_add_loop_test(tc, flood_of_an_origin, 0, NELEM(floods));
	tcase_add_loop_test(tc, flood_for_a_stream_that_is_over, 0, NELEM(late));
	tcase_add_loop_test(tc, rapid_reset, 0, 2);
	tcase_add_test(tc, made_you_reset);
	tcase_add_test(tc, made_you_reset_by_windows);
	tcase_add_test(tc, an_origin_that_refuses_all);
	tcase_add_test(tc, informational_without_end);
	tcase_add_test(tc, cut_off_and_deaf);
	tcase_add_test(tc, slow_head);
	tcase_add_loop_test(tc, block_of_a_dead_stream, 0, 2);
	tcase_add_loop_test(tc, head_too_large, 0, 2);
	tcase_add_test(tc, heads_far_too_large);
	tcase_add_test(tc, no_timer_and_little_memory_while_idle);
	suite_add_tcase(s, tc);
	return s;
}
