/* SPDX-License-Identifier: ISC */
/* test_capture_ws.c - when an open WebSocket is handed over, and what its entries say. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ends.h"
#include "suites.h"
#include "worker/capture.h"

#define HELLO "\x81\x05hello"
#define GOODBYE "\x88\x02\x03\xe8"

/* An upgraded connection, owned by the test until flow_tunnel_done(). */
static struct flow *
open_ws(const char *extensions)
{
	struct flow *f = ends_flow();

	f->facts.scheme = "https";
	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	fields_add(&f->response.fields, STR("Upgrade"), STR("WebSocket"));
	if (extensions != NULL)
		fields_add(&f->response.fields, STR("Sec-WebSocket-Extensions"),
		    str_z(extensions));
	ends_response(f, 101, 0);
	flow_become_tunnel(f, "upgrade");
	trace_clear();
	return f;
}

static void
passes(struct flow *f, enum flow_side from, struct str bytes)
{
	capture_tunnel(f, from, (const uint8_t *)bytes.p, bytes.n);
}

static void
nothing_recorded(void)
{
	ck_assert_ptr_null(world_entry(&world));
}

START_TEST(closed_ws_is_one_entry)
{
	struct flow *f = open_ws(NULL);
	const char *e;

	passes(f, FLOW_FRONT, STR(HELLO));
	passes(f, FLOW_BACK, STR(HELLO GOODBYE));
	f->bytes_down = 11;
	f->response.wire_bytes = 100;
	nothing_recorded();
	flow_tunnel_done(f);
	e = entry_next();
	SAYS(e, "\"url\":\"wss://o.test:80/a\"");
	SAYS(e, "\"status\":101");
	SAYS(e, "\"_resourceType\":\"websocket\"");
	SAYS(e, "\"_webSocketMessages\":[{\"type\":\"send\",\"time\":");
	SAYS(e, ",\"opcode\":1,\"data\":\"hello\"},{\"type\":\"receive\",");
	SAYS(e, "\"_webSocketClose\":{\"code\":1000,\"reason\":\"\",\"by\":\"origin\"}");
	SAYS(e, "\"_transferSize\":111");
	SAYS_NOT(e, "_tunnel");
	SAYS_NOT(e, "_webSocketPiece");
	SAYS_NOT(e, "_error");
	SAYS_NOT(e, "_aborted");
	ck_assert(TAILQ_EMPTY(&world.worker.talks));
}
END_TEST

START_TEST(end_without_a_close_frame_is_an_abort)
{
	struct flow *f = open_ws(NULL);
	const char *e;

	passes(f, FLOW_BACK, STR("\x01\x05half "));
	flow_tunnel_done(f);
	e = entry_next();
	SAYS(e, "\"data\":\"half \",\"_incomplete\":true}]");
	SAYS(e, "\"_aborted\":true,\"_error\":\"the WebSocket ended without a Close frame\"");
}
END_TEST

START_TEST(reason_of_the_end_is_kept)
{
	struct flow *f = open_ws(NULL);

	(void)snprintf(f->error, sizeof(f->error), "drain");
	flow_tunnel_done(f);
	SAYS(entry_next(), "\"_aborted\":true,\"_error\":\"drain\"");
}
END_TEST

START_TEST(much_talk_is_handed_over_in_pieces)
{
	struct flow *f = open_ws(NULL);
	struct buf frames = {0};
	const char *e;
	unsigned i, before = world.recorded;

	for (i = 0; i < 70; i++) {
		buf_put(&frames, "\x82\x7e\x10\x00", 4);
		memset(buf_reserve(&frames, 4096), 'x', 4096);
		buf_commit(&frames, 4096);
	}
	passes(f, FLOW_BACK, buf_str(&frames));	/* all at once */
	buf_free(&frames);
	e = entry_next();
	SAYS(e, "\"_webSocketPiece\":1,\"_webSocketMore\":true");
	ck_assert_uint_lt(strlen(e), 300000);
	nothing_recorded();
	passes(f, FLOW_BACK, STR(GOODBYE));
	flow_tunnel_done(f);
	e = entry_next();
	SAYS(e, "\"_webSocketPiece\":2");
	SAYS_NOT(e, "_webSocketMore");
	SAYS(e, "\"_webSocketClose\"");
	ck_assert_uint_eq(world.recorded, before + 2);
}
END_TEST

/* Tiny frames become many times their size of text: no entry grows with one read. */
START_TEST(flood_of_tiny_frames)
{
	struct flow *f = open_ws(NULL);
	char *pings = mem_grow(NULL, 65536, 1);
	unsigned i, before = world.recorded;
	const char *e;

	for (i = 0; i < 65536; i += 2)
		memcpy(pings + i, "\x89\0", 2);
	passes(f, FLOW_FRONT, str_of(pings, 65536));
	free(pings);
	while ((e = world_entry(&world)) != NULL)
		ck_assert_uint_lt(strlen(e), 2 << 20);
	ck_assert_uint_gt(world.recorded, before + 2);
	flow_tunnel_done(f);
}
END_TEST

START_TEST(little_talk_waits_half_a_minute)
{
	struct flow *f = open_ws(NULL), *quiet = open_ws(NULL);

	passes(f, FLOW_BACK, STR(HELLO));
	f->capture.talks_since -= 29.9;
	passes(f, FLOW_BACK, STR(HELLO));	/* counted from the first */
	capture_sweep(&world.worker);
	nothing_recorded();
	f->capture.talks_since -= 0.2;
	capture_sweep(&world.worker);
	SAYS(entry_next(), "\"_webSocketPiece\":1,\"_webSocketMore\":true");
	capture_sweep(&world.worker);
	nothing_recorded();	/* nobody has said anything since */
	passes(f, FLOW_FRONT, STR(HELLO GOODBYE));
	flow_tunnel_done(f);
	SAYS(entry_next(), "\"_webSocketPiece\":2");
	ck_assert(TAILQ_EMPTY(&world.worker.talks));
	flow_tunnel_done(quiet);
}
END_TEST

/* What the master asks for: of that tag, or of all. */
START_TEST(what_was_said_so_far)
{
	struct flow *a = open_ws(NULL), *b = open_ws(NULL), *quiet = open_ws(NULL);

	(void)snprintf(a->facts.tag, sizeof(a->facts.tag), "one");
	(void)snprintf(b->facts.tag, sizeof(b->facts.tag), "two");
	passes(a, FLOW_BACK, STR(HELLO));
	passes(b, FLOW_BACK, STR(HELLO));
	ck_assert_uint_eq(capture_tell(&world.worker, STR("on")), 0);
	nothing_recorded();
	ck_assert_uint_eq(capture_tell(&world.worker, STR("two")), 1);
	SAYS(entry_next(), "\"_webSocketPiece\":1,\"_webSocketMore\":true");
	nothing_recorded();
	passes(b, FLOW_FRONT, STR(HELLO));
	ck_assert_uint_eq(capture_tell(&world.worker, STR("")), 2);
	SAYS(entry_next(), "\"_tag\":\"one\"");
	SAYS(entry_next(), "\"_webSocketPiece\":2");
	ck_assert_uint_eq(capture_tell(&world.worker, STR("")), 0);
	nothing_recorded();
	flow_drop(a);
	flow_drop(b);
	flow_drop(quiet);
	worker_turn(&world.worker);
}
END_TEST

START_TEST(oldest_talk_comes_first)
{
	struct flow *a = open_ws(NULL), *b = open_ws(NULL);

	passes(a, FLOW_BACK, STR(HELLO));
	passes(b, FLOW_BACK, STR(HELLO));
	a->capture.talks_since -= 31;
	capture_sweep(&world.worker);
	(void)entry_next();
	nothing_recorded();
	passes(a, FLOW_BACK, STR(HELLO));	/* behind b now */
	b->capture.talks_since -= 31;
	capture_sweep(&world.worker);
	(void)entry_next();
	nothing_recorded();
	flow_drop(a);
	flow_drop(b);
	worker_turn(&world.worker);
	ck_assert(TAILQ_EMPTY(&world.worker.talks));
}
END_TEST

/* The certificates are shown once. */
START_TEST(chain_is_in_the_first_piece_only)
{
	struct flow *f = open_ws(NULL);
	struct tls_info *t = tls_info_new("mirror");

	f->facts.tls = t;
	f->facts.whole_chain = true;
	passes(f, FLOW_BACK, STR(HELLO));
	f->capture.talks_since -= 31;
	capture_sweep(&world.worker);
	ck_assert(!f->facts.whole_chain);
	flow_tunnel_done(f);
}
END_TEST

START_TEST(messages_obey_max_body)
{
	struct flow *f;
	const char *e;

	world.conf->capture.max_body = 2;
	f = open_ws(NULL);
	passes(f, FLOW_FRONT, STR(HELLO GOODBYE));
	flow_tunnel_done(f);
	e = entry_next();
	SAYS(e, "\"data\":\"he\",\"_truncated\":5}],");
	SAYS(e, "\"_truncated\":true");
}
END_TEST

/* RFC 9110 5.3: a list in several fields is one. */
START_TEST(extensions_in_several_fields)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	fields_add(&f->response.fields, STR("Upgrade"), STR("websocket"));
	fields_add(&f->response.fields, STR("sec-websocket-extensions"), STR("x-first"));
	fields_add(&f->response.fields, STR("Sec-WebSocket-Extensions"),
	    STR("permessage-deflate"));
	f->response.status = 101;
	capture_head(f);
	passes(f, FLOW_BACK, STR("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00" GOODBYE));
	capture_finish(f);
	flow_drop(f);
	SAYS(entry_next(), "\"opcode\":1,\"data\":\"Hello\"");
}
END_TEST

START_TEST(other_upgrades_are_tunnels)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	fields_add(&f->response.fields, STR("Upgrade"), STR("tcp"));
	f->response.status = 101;
	capture_head(f);
	f->tunnel_reason = "upgrade";
	passes(f, FLOW_BACK, STR(HELLO));
	capture_finish(f);
	flow_drop(f);
	SAYS(entry_next(), "\"_tunnel\":{\"reason\":\"upgrade\"");
}
END_TEST

/* RFC 8441: the messages are the content of both. */
START_TEST(ws_over_h2)
{
	struct flow *f = ends_flow();
	const char *e;

	f->facts.scheme = "https";
	f->request.protocol = STR("websocket");
	ends_request(f, "CONNECT", -1);
	flow_attach(f, &fake_ops, &back);
	f->request.version = HTTP_VERSION_2;
	ends_response(f, 200, -1);
	ends_body(f, FLOW_FRONT, HELLO);
	flow_body(f, FLOW_BACK, (const uint8_t *)GOODBYE, 4);
	flow_end(f, FLOW_FRONT);
	flow_end(f, FLOW_BACK);
	trace_clear();
	e = entry_last();
	SAYS(e, "\"method\":\"CONNECT\",\"url\":\"wss://o.test:80/a\",\"httpVersion\":\"HTTP/2\"");
	SAYS(e, "\"status\":200");
	SAYS(e, "\"opcode\":1,\"data\":\"hello\"");
	SAYS(e, "\"content\":{\"size\":0,");
	SAYS_NOT(e, "postData");
	SAYS_NOT(e, "_aborted");
}
END_TEST

START_TEST(refused_extended_connect_is_an_exchange)
{
	struct flow *f = ends_flow();

	f->request.protocol = STR("websocket");
	ends_request(f, "CONNECT", -1);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 403, -1);
	ends_body(f, FLOW_BACK, "no");
	flow_end(f, FLOW_BACK);
	flow_end(f, FLOW_FRONT);
	trace_clear();
	SAYS(entry_last(), "\"text\":\"no\"");
	SAYS_NOT(entry_last(), "_webSocket");
}
END_TEST

Suite *
capture_ws_suite(void)
{
	Suite *s = suite_create("capture-ws");
	TCase *tc = tcase_create("capture-ws");

	tcase_add_checked_fixture(tc, ends_setup, ends_teardown);
	tcase_add_test(tc, closed_ws_is_one_entry);
	tcase_add_test(tc, end_without_a_close_frame_is_an_abort);
	tcase_add_test(tc, reason_of_the_end_is_kept);
	tcase_add_test(tc, much_talk_is_handed_over_in_pieces);
	tcase_add_test(tc, flood_of_tiny_frames);
	tcase_add_test(tc, little_talk_waits_half_a_minute);
	tcase_add_test(tc, what_was_said_so_far);
	tcase_add_test(tc, oldest_talk_comes_first);
	tcase_add_test(tc, chain_is_in_the_first_piece_only);
	tcase_add_test(tc, messages_obey_max_body);
	tcase_add_test(tc, extensions_in_several_fields);
	tcase_add_test(tc, other_upgrades_are_tunnels);
	tcase_add_test(tc, ws_over_h2);
	tcase_add_test(tc, refused_extended_connect_is_an_exchange);
	suite_add_tcase(s, tc);
	return s;
}
