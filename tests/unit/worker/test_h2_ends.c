/* SPDX-License-Identifier: ISC */
/* test_h2_ends.c - HTTP/2 on both sides of a CONNECT: how connections end. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "h2rig.h"
#include "suites.h"
#include "worker/front.h"
#include "worker/front_state.h"

/* ---- ends --------------------------------------------------------------------------- */

START_TEST(client_goes_while_idle)
{
	peer_close(c);
	settle();
	SAW(o, "G(0,NO_ERROR) [FIN] ");
	no_entry();
}
END_TEST

START_TEST(client_goes_while_busy)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	peer_close(c);
	settle();
	ck_assert(peer_has_seen(o, "[FIN]"));
	SAYS(only_entry(), "\"_error\":\"client closed the connection\"");
}
END_TEST

START_TEST(client_resets_the_connection)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	reset(&c->fd);
	settle();
	ck_assert(peer_has_seen(o, "[RST]"));
	SAYS(only_entry(), "\"_error\":\"client reset the connection\"");
}
END_TEST

START_TEST(origin_goes_while_idle)
{
	peer_close(o);
	settle();
	SAW(c, "G(0,NO_ERROR) [FIN] ");
	no_entry();
}
END_TEST

START_TEST(origin_goes_while_busy)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "half");
	settle();
	peer_close(o);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200) D1(half) "));
	ck_assert(peer_has_seen(c, "R1(INTERNAL_ERROR)"));
	SAYS(only_entry(), "\"_error\":\"origin closed the connection\"");
}
END_TEST

START_TEST(origin_resets_the_connection)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "half");
	settle();
	peer_forget(c);
	reset(&o->fd);
	settle();
	ck_assert(peer_has_seen(c, "[RST]"));
	SAYS(only_entry(), "\"_error\":\"origin reset the connection\"");
}
END_TEST

/* A head that is not complete has a flow, which no origin knows. */
START_TEST(origin_resets_while_a_head_is_coming)
{
	peer_frame(c, NGHTTP2_HEADERS, 0, 1, "\x82", 1);
	settle();
	reset(&o->fd);
	settle();
	ck_assert(peer_has_seen(c, "[RST]"));
	SAYS(only_entry(), "\"_error\":\"origin closed the connection before the request\"");
}
END_TEST

/* RFC 9113 6.8: what runs goes on, what the origin has not seen is refused. */
START_TEST(origin_lets_go)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_goaway(o, 1, NGHTTP2_NO_ERROR);
	settle();
	SAW(c, "G(2147483647,NO_ERROR) P G(1,NO_ERROR) ");
	peer_answer(o, 1, ":status: 200\n", "hi");
	peer_end(o, 1, NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200) D1(hi) D1. "));
	ck_assert(peer_has_seen(c, "[FIN]"));
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

START_TEST(origin_lets_go_of_some)
{
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_goaway(o, 1, NGHTTP2_NO_ERROR);
	settle();
	ck_assert(peer_has_seen(c, "R3(REFUSED_STREAM)"));
	ck_assert(!peer_has_seen(c, "R1("));
	SAYS(only_entry(), "\"_error\":\"origin reset the stream: REFUSED_STREAM\"");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200). "));
}
END_TEST

/* The client had not read the GOAWAY yet. */
START_TEST(request_behind_the_origins_goaway)
{
	peer_ask(c, NULL, NULL);
	settle();
	c->deaf = true;
	peer_goaway(o, 1, NGHTTP2_NO_ERROR);
	settle();
	peer_ask(c, NULL, NULL);
	settle();
	c->deaf = false;
	settle();
	ck_assert(peer_has_seen(c, "R3(REFUSED_STREAM)"));
}
END_TEST

START_TEST(client_lets_go)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	peer_goaway(c, 0, NGHTTP2_NO_ERROR);
	settle();
	SAW(o, "G(0,NO_ERROR) ");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200). "));
	ck_assert(peer_has_seen(o, "[FIN]"));
}
END_TEST

static const struct violation {
	uint8_t type, flags;
	int32_t id;
	struct str payload;
	const char *code;
} violations[] = {
    {NGHTTP2_PING, 0, 0, STR("short"), "FRAME_SIZE_ERROR"},
    {NGHTTP2_DATA, 0, 0, STR("x"), "PROTOCOL_ERROR"},
    {NGHTTP2_SETTINGS, 0, 1, STR(""), "PROTOCOL_ERROR"},
    {NGHTTP2_CONTINUATION, 0, 1, STR(""), "PROTOCOL_ERROR"},
    {NGHTTP2_WINDOW_UPDATE, 0, 0, STR("\0\0\0\0"), "PROTOCOL_ERROR"},
    {NGHTTP2_HEADERS, 5, 1, STR("\xff\xff\xff\xff"), "COMPRESSION_ERROR"},
};

START_TEST(client_breaks_the_connections_rules)
{
	const struct violation *v = &violations[_i];
	char want[64];

	peer_frame(c, v->type, v->flags, v->id, v->payload.p, v->payload.n);
	settle();
	(void)snprintf(want, sizeof(want), ",%s) ", v->code);
	ck_assert(peer_has_seen(c, want));
	ck_assert(peer_has_seen(c, "[FIN]"));
	ck_assert(peer_has_seen(o, "[FIN]"));
}
END_TEST

START_TEST(origin_breaks_the_connections_rules)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	peer_frame(o, NGHTTP2_PING, 0, 0, "short", 5);
	settle();
	ck_assert(peer_has_seen(o, ",FRAME_SIZE_ERROR) [FIN] "));
	ck_assert(peer_has_seen(c, "H1(:status=502,"));
	SAYS(only_entry(), "\"_error\":\"origin broke HTTP/2\"");
}
END_TEST

START_TEST(no_preface)
{
	peer_raw(o, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
	settle();
	ck_assert(peer_has_seen(c, "[FIN]"));
}
END_TEST

/* ---- drain, cut -------------------------------------------------------------------------- */

START_TEST(worker_drains)
{
	peer_ask(c, NULL, NULL);
	settle();
	world.worker.draining = true;
	world.worker.drain_idle_s = 0;
	worker_sweep(&world.worker);
	settle();
	SAW(c, "G(2147483647,NO_ERROR) P G(1,NO_ERROR) ");
	worker_sweep(&world.worker);
	settle();
	SAW(c, "");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200). "));
	ck_assert(peer_has_seen(c, "[FIN]"));
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(worker_drains_an_idle_one)
{
	world.worker.draining = true;
	world.worker.drain_idle_s = 3600;
	worker_sweep(&world.worker);
	settle();
	SAW(c, "G(2147483647,NO_ERROR) P ");
	SAW(o, "");
	peer_close(c); /* as clients do that have nothing open */
	settle();
	ck_assert(peer_has_seen(o, "[FIN]"));
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(worker_cuts)
{
	peer_ask(c, NULL, NULL);
	settle();
	front_cut(TAILQ_FIRST(&world.worker.fronts), "shut down");
	settle();
	ck_assert(peer_has_seen(c, "[RST]"));
	ck_assert(peer_has_seen(o, "[RST]"));
	SAYS(only_entry(), "\"_error\":\"shut down\"");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

Suite *
h2_ends_suite(void)
{
	Suite *s = suite_create("h2_ends");
	TCase *tc = tcase_create("h2");

	tcase_add_checked_fixture(tc, tunnel_usual, tunnel_teardown);
	tcase_add_test(tc, client_goes_while_idle);
	tcase_add_test(tc, client_goes_while_busy);
	tcase_add_test(tc, origin_goes_while_idle);
	tcase_add_test(tc, origin_goes_while_busy);
	tcase_add_test(tc, origin_lets_go);
	tcase_add_test(tc, origin_lets_go_of_some);
	tcase_add_test(tc, request_behind_the_origins_goaway);
	tcase_add_test(tc, client_lets_go);
	tcase_add_loop_test(tc, client_breaks_the_connections_rules, 0, NELEM(violations));
	tcase_add_test(tc, origin_breaks_the_connections_rules);
	tcase_add_test(tc, no_preface);
	tcase_add_test(tc, worker_drains);
	tcase_add_test(tc, worker_drains_an_idle_one);
	suite_add_tcase(s, tc);
	tc = tcase_create("tcp");
	tcase_add_checked_fixture(tc, tunnel_usual_tcp, tunnel_teardown);
	tcase_add_test(tc, client_resets_the_connection);
	tcase_add_test(tc, origin_resets_the_connection);
	tcase_add_test(tc, origin_resets_while_a_head_is_coming);
	tcase_add_test(tc, worker_cuts);
	suite_add_tcase(s, tc);
	return s;
}
