/* SPDX-License-Identifier: ISC */
/* test_h2_mixed.c - HTTP/2 that meets HTTP/1, and an HTTP/2 connection and its host. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "h2rig.h"
#include "suites.h"

static const struct peer_conf slow_client = {.slow = true};

#define MIB (1u << 20)

/* ---- HTTP/2 in front of HTTP/1 ---- */

START_TEST(h2_front_h1_back)
{
	alone_begin(TO_H1, &usual_client, NULL, false);
	peer_ask(c,
	    ":method: GET\n:scheme: https\n:authority: o.test\n:path: /a\ncookie: a=b\n"
	    "cookie: c=d\nte: trailers\n",
	    NULL);
	settle();
	HEARS(h1_fd, "GET /a HTTP/1.1\r\nhost: o.test\r\ncookie: a=b; c=d\r\nte: trailers\r\n"
		     "Connection: TE\r\n\r\n");
	say(h1_fd, "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
		   "chunked\r\nX-Y: z\r\n\r\n2\r\nhi\r\n0\r\nT: 1\r\n\r\n");
	settle();
	SAW(c, "H1(:status=103,link=x) H1(:status=200,x-y=z) D1(hi) H1(t=1). ");
	SAYS(only_entry(), "\"httpVersion\":\"HTTP/1.1\"");
	/* content, and the connection serves again */
	peer_ask(c, LINES_POST, "ab");
	peer_end(c, 3, "t: 2\n");
	settle();
	HEARS(h1_fd, "POST /a HTTP/1.1\r\nhost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "2\r\nab\r\n0\r\nt: 2\r\n\r\n");
	say(h1_fd, OK2);
	settle();
	SAW(c, "H3(:status=200,content-length=2) D3(hi) D3. ");
	/* a length */
	peer_ask(c, LINES_POST "content-length: 2\nexpect: 100-continue\n", "cd");
	peer_end(c, 5, NULL);
	settle();
	HEARS(h1_fd, "POST /a HTTP/1.1\r\nhost: o.test\r\ncontent-length: 2\r\n"
		     "expect: 100-continue\r\n\r\ncd");
	say(h1_fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
	settle();
	SAW(c, "H5(:status=100) H5(:status=204). ");
	/* none: RFC 9110 8.6 */
	peer_ask(c, LINES_POST, NULL);
	settle();
	HEARS(h1_fd, "POST /a HTTP/1.1\r\nhost: o.test\r\nContent-Length: 0\r\n\r\n");
	say(h1_fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
	settle();
	SAW(c, "H7(:status=304,content-length=9). ");
	/* HEAD */
	peer_ask(c, ":method: HEAD\n:scheme: https\n:authority: o.test\n:path: /a\n", NULL);
	settle();
	HEARS(h1_fd, "HEAD /a HTTP/1.1\r\nhost: o.test\r\n\r\n");
	say(h1_fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	settle();
	SAW(c, "H9(:status=200,content-length=9). ");
	drop_entries();
	TOLD("client idle client idle client idle client idle client idle ");
}
END_TEST

/* The origin's connection is the content's end, or its failure. */
START_TEST(h1_back_ends)
{
	alone_begin(TO_H1, &usual_client, NULL, false);
	peer_ask(c, NULL, NULL);
	settle();
	(void)hear(h1_fd);
	say(h1_fd, _i == 0 ? "HTTP/1.1 200 OK\r\n\r\nhi"
			   : "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi");
	half_close(h1_fd);
	settle();
	SAW(c, _i == 0 ? "H1(:status=200) D1(hi) D1. "
		       : "H1(:status=200,content-length=9) D1(hi) R1(INTERNAL_ERROR) ");
	drop_entries();
}
END_TEST

/* A client that gives up takes the origin's connection with it. */
START_TEST(h1_back_of_a_reset_stream)
{
	alone_begin(TO_H1, &usual_client, NULL, false);
	peer_ask(c, NULL, NULL);
	settle();
	(void)hear(h1_fd);
	peer_reset(c, 1, NGHTTP2_CANCEL);
	settle();
	TOLD("back ended(2) client idle ");
	ck_assert_int_ne(c->fd, -1);
	drop_entries();
}
END_TEST

/* Content that the slow client does not take stops the HTTP/1 origin. */
START_TEST(h1_back_is_paused)
{
	static char piece[65536];
	size_t sent = 0;
	ssize_t n;
	int i;

	alone_begin(TO_H1, &slow_client, NULL, false);
	peer_ask(c, NULL, NULL);
	settle();
	(void)hear(h1_fd);
	say(h1_fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
	for (i = 0; i < 200; i++) {
		n = write(h1_fd, piece, sizeof(piece));
		sent += n > 0 ? (size_t)n : 0;
		settle();
	}
	ck_assert_uint_eq(c->stream[1].got, 65535);
	ck_assert_uint_lt(sent, 2 * MIB);
	ck_assert_uint_le(h2_stream_find(h2_client, 1)->out.len, 65536 + (512 << 10));
	drop_entries();
}
END_TEST

/* ---- HTTP/1, or anything, in front of HTTP/2 ---- */

START_TEST(h2_back)
{
	struct flow *f;

	alone_origin(&usual_origin);
	TOLD("origin settings ");
	f = ends_flow();
	f->request.scheme = STR("https");
	fields_add(&f->request.fields, STR("Host"), STR("o.test"));
	fields_add(&f->request.fields, STR("Transfer-Encoding"), STR("chunked"));
	fields_add(&f->request.fields, STR("Connection"), STR("x"));
	fields_add(&f->request.fields, STR("X"), STR("hop"));
	fields_add(&f->request.fields, STR("Y"), STR("z"));
	ends_request(f, "POST", -1);
	ends_body(f, FLOW_FRONT, "ab");
	ck_assert(h2_attach(h2_origin, f));
	ends_body(f, FLOW_FRONT, "cd");
	fields_add(&f->request.trailers, STR("T"), STR("1"));
	flow_end(f, FLOW_FRONT);
	settle();
	SAW(o,
	    "H1(:method=POST,:scheme=https,:path=/a,:authority=o.test,y=z) D1(abcd) H1(t=1). ");
	trace_clear();
	peer_informational(o, 1, ":status: 103\n");
	peer_answer(o, 1, ":status: 200\n", "hi");
	peer_end(o, 1, "u: 2\n");
	settle();
	TRACE("F.informational(103) F.head(200) F.body(hi) REC F.end(trailers) "
	      "F.finished(whole) ");
	TOLD("origin idle ");
}
END_TEST

/* The front fails after all of its request went: the origin need not go on. */
START_TEST(h2_back_of_a_front_that_goes)
{
	struct flow *f;

	alone_origin(&usual_origin);
	f = ends_flow();
	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	ck_assert(h2_attach(h2_origin, f));
	settle();
	peer_forget(o);
	flow_fail(f, FLOW_FRONT, CONN_END_CLEAN, "client closed the connection");
	settle();
	SAW(o, "R1(CANCEL) ");
	trace_clear();
}
END_TEST

/* A full front pauses the stream, and the connection's window stays open for others. */
START_TEST(h2_back_is_paused)
{
	struct flow *f;

	alone_origin(&usual_origin);
	f = ends_flow();
	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	ck_assert(h2_attach(h2_origin, f));
	settle();
	front.full = true;
	peer_answer(o, 1, ":status: 200\n", "");
	peer_filler(o, 1, MIB);
	settle();
	ck_assert_uint_eq(MIB - o->stream[1].filler, H2_STREAM_WINDOW);
	ck_assert_uint_eq(h2_origin->withheld, H2_STREAM_WINDOW);
	ck_assert_uint_eq(h2_origin->owed, 0);
	front.full = false;
	flow_writable(f, FLOW_FRONT);
	peer_end(o, 1, NULL);
	settle();
	ck_assert_uint_eq(o->stream[1].filler, 0);
	ck_assert_uint_eq(h2_origin->withheld, 0);
	trace_clear();
}
END_TEST

/* ---- the host ---- */

/* An answer of our own, where the hop is ours; a reset, where it is not. */
START_TEST(refused_by_the_host)
{
	alone_begin(TO_NOBODY, &usual_client, NULL, _i == 1);
	peer_ask(c, LINES_POST, "abc");
	settle();
	(void)snprintf(asked->reply_extra, sizeof(asked->reply_extra),
	    "Proxy-Status: mitmd; error=x\r\nX-Y: z\r\n");
	flow_refuse(asked, 503, "not now");
	settle();
	if (_i == 0)
		SAW(c, "R1(INTERNAL_ERROR) ");
	else
		SAW(c, "H1(:status=503,content-type=text/plain; charset=utf-8,"
		       "cache-control=no-store,proxy-status=mitmd; error=x,x-y=z) "
		       "D1(mitmd: not now\n) D1. R1(NO_ERROR) ");
	TOLD("client idle ");
	SAYS(only_entry(), "\"_error\":\"not now\"");
}
END_TEST

START_TEST(refused_head)
{
	alone_begin(TO_NOBODY, &usual_client, NULL, true);
	peer_ask(c, ":method: HEAD\n:scheme: https\n:authority: o.test\n:path: /a\n", NULL);
	settle();
	flow_refuse(asked, 503, "not now");
	settle();
	SAW(c,
	    "H1(:status=503,content-type=text/plain; charset=utf-8,cache-control=no-store). ");
	drop_entries();
}
END_TEST

START_TEST(freed_in_its_own_callback)
{
	static const uint8_t two[] = {0, 0, 12, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x41, 0x84, ':',
	    0xe9, '*', 0x13, 4, 2, '/', 'a', 0, 0, 3, 1, 5, 0, 0, 0, 3, 0x82, 0x86, 0x84};

	alone_begin(TO_NOBODY, &usual_client, NULL, false);
	free_on_request = true;
	peer_raw(c, two, sizeof(two));
	settle();
	ck_assert_ptr_null(h2_client);
	SAYS(only_entry(), "\"_error\":\"the host has enough\"");
}
END_TEST

START_TEST(drained_by_its_host)
{
	alone_usual();
	peer_ask(c, NULL, NULL);
	settle();
	h2_drain(h2_client);
	h2_drain(h2_client);
	settle();
	SAW(c, "G(2147483647,NO_ERROR) P G(1,NO_ERROR) ");
	ck_assert(!ev_is_active(&h2_client->last_goaway));
	TOLD("");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=200). "));
	TOLD("origin idle client ended(0) ");
	drop_entries();
}
END_TEST

/* A client that does not answer the PING is let go after a second all the same. */
START_TEST(drained_without_an_answer)
{
	alone_usual();
	peer_ask(c, NULL, NULL);
	settle();
	c->deaf = true;
	h2_drain(h2_client);
	settle();
	ck_assert(ev_is_active(&h2_client->last_goaway));
	ev_invoke(world.worker.loop, &h2_client->last_goaway, EV_TIMER);
	settle();
	c->deaf = false;
	settle();
	SAW(c, "G(2147483647,NO_ERROR) P G(1,NO_ERROR) ");
}
END_TEST

START_TEST(drained_while_idle)
{
	alone_usual();
	h2_drain(h2_client);
	settle();
	TOLD("");
	ev_invoke(world.worker.loop, &h2_client->last_goaway, EV_TIMER);
	settle();
	TOLD("client ended(0) ");
}
END_TEST

START_TEST(origin_that_is_let_go)
{
	alone_usual();
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	h2_drain(h2_origin);
	settle();
	SAW(o, "G(0,NO_ERROR) ");
	peer_ask(c, NULL, NULL);
	settle();
	SAW(o, "");
	TOLD("");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	SAW(c, "R3(INTERNAL_ERROR) H1(:status=200). ");
	TOLD("origin ended(0) client idle ");
	drop_entries();
}
END_TEST

START_TEST(extended_connect)
{
	static const struct peer_conf origin = {.server = true, .connect_protocol = true};

	alone_begin(TO_H2, &usual_client, &origin, false);
	ck_assert(h2_has_connect(h2_origin));
	h2_offer_connect(h2_client);
	h2_offer_connect(h2_client);
	settle();
	ck_assert_uint_eq(nghttp2_session_get_remote_settings(
			      c->session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL),
	    1);
	peer_ask(c,
	    ":method: CONNECT\n:protocol: websocket\n:scheme: https\n:authority: o.test\n"
	    ":path: /c\n",
	    "up");
	settle();
	SAW(o,
	    "H1(:method=CONNECT,:scheme=https,:path=/c,:authority=o.test,:protocol=websocket) "
	    "D1(up) ");
	peer_answer(o, 1, ":status: 200\n", "down");
	settle();
	SAW(c, "H1(:status=200) D1(down) ");
	peer_end(c, 1, NULL);
	peer_end(o, 1, NULL);
	settle();
	SAW(c, "D1. ");
	SAYS(only_entry(), "wss://o.test/c");
}
END_TEST

Suite *
h2_mixed_suite(void)
{
	Suite *s = suite_create("h2_mixed");
	TCase *tc = tcase_create("mixed");

	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_add_test(tc, h2_front_h1_back);
	tcase_add_loop_test(tc, h1_back_ends, 0, 2);
	tcase_add_test(tc, h1_back_of_a_reset_stream);
	tcase_add_test(tc, h1_back_is_paused);
	tcase_add_test(tc, h2_back);
	tcase_add_test(tc, h2_back_of_a_front_that_goes);
	tcase_add_test(tc, h2_back_is_paused);
	suite_add_tcase(s, tc);
	tc = tcase_create("host");
	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_add_loop_test(tc, refused_by_the_host, 0, 2);
	tcase_add_test(tc, refused_head);
	tcase_add_test(tc, freed_in_its_own_callback);
	tcase_add_test(tc, drained_by_its_host);
	tcase_add_test(tc, drained_without_an_answer);
	tcase_add_test(tc, drained_while_idle);
	tcase_add_test(tc, origin_that_is_let_go);
	tcase_add_test(tc, extended_connect);
	suite_add_tcase(s, tc);
	return s;
}
