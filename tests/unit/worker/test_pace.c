/* SPDX-License-Identifier: ISC */
/*
 * test_pace.c - peers that move a byte now and then: who is too slow is ended, who
 * has nothing to say, or cannot, is not.  Time passes by turning the clocks back.
 */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "h2rig.h"
#include "suites.h"
#include "worker/conn_state.h"
#include "worker/front.h"
#include "worker/front_state.h"

#define LIMIT 300.	/* timeouts.idle */
#define MIB (1u << 20)
#define ORIGIN(n) (world.origin[n])
#define LATE(side, kind) counter_get(&world.counters.timeouts[side][kind])

static const struct peer_conf slow_client = {.slow = true};
static const struct peer_conf slow_origin = {.server = true, .slow = true};

static void
back_in_time(double *clock, double s)
{
	if (*clock != 0)
		*clock -= s;
}

/* So many seconds go by, and the deadlines are looked at. */
static void
pass(double s)
{
	struct conn_hub *hub = world.worker.conns;
	struct conn *each;

	LIST_FOREACH(each, &hub->all, link) {
		back_in_time(&each->deadline, s);
		back_in_time(&each->active, s);
		back_in_time(&each->taking, s);
		back_in_time(&each->sending, s);
	}
	ev_invoke(world.worker.loop, &hub->sweep, EV_TIMER);
	world_run(&world);
}

static struct conn *
client_conn(void)
{
	return TAILQ_FIRST(&world.worker.fronts)->client;
}

static struct conn *
origin_conn(void)
{
	struct conn *each;

	LIST_FOREACH(each, &world.worker.conns->all, link)
		if (each->side == SIDE_ORIGIN)
			return each;
	ck_abort_msg("no connection to an origin");
	return NULL;
}

/* Bytes until nobody takes more; how many those were. */
static size_t
stuff(int fd)
{
	static char filler[65536];
	size_t all = 0;
	int tries = 0;

	while (tries++ < 20) {
		ssize_t n = send(fd, filler, sizeof(filler), MSG_NOSIGNAL);

		world_run(&world);
		if (n > 0) {
			all += (size_t)n;
			tries = 0;
		}
	}
	return all;
}

static size_t
drink(int fd, size_t most)
{
	static char place[65536];
	size_t all = 0;
	ssize_t n;
	int tries = 0;

	while (all < most && tries++ < 20) {
		n = recv(fd, place, MIN(most - all, sizeof(place)), 0);
		if (n > 0) {
			all += (size_t)n;
			tries = 0;
		}
		world_run(&world);
	}
	return all;
}

static void
drop(void)
{
	while (world_entry(&world) != NULL)
		continue;
}

/* ---- the clock ---- */

static const struct {
	double clock;
	size_t n;
	double after;
} steps[] = {
	{0, 0, 0}, {0, CONN_FLOOR, 1}, {0, CONN_FLOOR / 2, 0.5}, {99, CONN_FLOOR, 100},
	{99, 100 * CONN_FLOOR, 100}, {100, 5, 100}, {0, 100 * CONN_FLOOR, 100},
};

START_TEST(clock_step)
{
	ck_assert_double_eq(conn_pace(steps[_i].clock, steps[_i].n, 100), steps[_i].after);
}
END_TEST

/* ---- readers ---- */

static void
a_large_answer(void)
{
	say(client, GET);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
	ck_assert_uint_gt(stuff(ORIGIN(0)), 0);
	ck_assert_uint_gt(client_conn()->out.len, 0);
	pass(0);	/* from here on it is watched */
}

#define READER_LATE "\"_error\":\"timeout: client took less than 64 bytes a second while " \
	"the response was under way\""

START_TEST(reader_that_takes_nothing)
{
	a_large_answer();
	pass(LIMIT - 10);
	no_entry();
	pass(11);
	SAYS(only_entry(), READER_LATE);
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_READ), 1);
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

/* What it takes lengthens its life, but not by as much as it has taken of ours. */
START_TEST(reader_that_trickles)
{
	unsigned rounds = 0;

	a_large_answer();
	while (world.worker.nfronts > 0 && rounds++ < 1000) {
		(void)drink(client, 1);
		pass(LIMIT / 10);
	}
	ck_assert_uint_le(rounds, 12);
	SAYS(only_entry(), READER_LATE);
}
END_TEST

/* It has taken something, but by far not as much as it had time for. */
START_TEST(reader_that_takes_little)
{
	a_large_answer();
	ck_assert_uint_gt(drink(client, 300000), 0);
	(void)stuff(ORIGIN(0));
	ck_assert_uint_gt(client_conn()->sent, client_conn()->taken);
	pass(100 * LIMIT);
	SAYS(only_entry(), READER_LATE);
}
END_TEST

/* It keeps moving bytes, of its own too, and an idle connection it is never. */
START_TEST(reader_that_talks_instead)
{
	a_large_answer();
	pass(LIMIT - 10);
	client_conn()->active = clock_mono_s();
	pass(11);
	SAYS(only_entry(), READER_LATE);
}
END_TEST

/* 64 bytes a second and more: seconds pass, and it reads on. */
START_TEST(reader_that_is_slow_but_reads)
{
	unsigned i;

	a_large_answer();
	for (i = 0; i < 10; i++) {
		ck_assert_uint_gt(drink(client, MIB), 64 * (size_t)LIMIT);
		(void)stuff(ORIGIN(0));
		pass(LIMIT - 10);
	}
	no_entry();
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_READ), 0);
}
END_TEST

/* The same holds for who is only read the last bytes, with less patience. */
START_TEST(reader_of_last_bytes)
{
	struct front *fr = TAILQ_FIRST(&world.worker.fronts);
	struct conn *each;

	a_large_answer();
	pass(LIMIT - 10);	/* it has rested, which it may */
	each = fr->client;
	fr->client = NULL;
	front_cut(fr, "cut");
	conn_close(&each);
	fd_close(&ORIGIN(0));
	world_run(&world);
	drop();
	ck_assert_uint_eq(conn_hub_count(world.worker.conns), 1);
	pass(0);
	pass(CONN_FLUSH_SECONDS - 5);
	ck_assert_uint_eq(conn_hub_count(world.worker.conns), 1);
	pass(6);
	ck_assert_uint_eq(conn_hub_count(world.worker.conns), 0);
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_READ), 0);
}
END_TEST

/* An origin that does not take the request: the client is told whose fault that is. */
START_TEST(origin_that_takes_nothing)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\n"
	    "Content-Length: 1000000000\r\n\r\n");
	ck_assert_uint_gt(stuff(client), 0);
	ck_assert_uint_gt(origin_conn()->out.len, 0);
	pass(0);
	/* Nobody reads the client meanwhile: it owes nothing, and is not idle either. */
	pass(LIMIT - 10);
	client_conn()->active -= 20;
	ck_assert(conn_paused(client_conn()));
	pass(5);
	no_entry();
	pass(6);
	SAYS(hear(client), "HTTP/1.1 504 Gateway Timeout");
	SAYS(only_entry(),
	    "\"_error\":\"timeout: origin took less than 64 bytes a second before the response\"");
	ck_assert_uint_eq(LATE(SIDE_ORIGIN, TIMEOUT_SLOW_READ), 1);
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_SEND), 0);
}
END_TEST

/* The same when it has answered already: nobody waits for room that never comes. */
START_TEST(origin_that_has_answered)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\n"
	    "Content-Length: 1000000000\r\n\r\n");
	ck_assert_uint_gt(stuff(client), 0);
	say(ORIGIN(0), OK2);
	pass(0);
	pass(LIMIT + 1);
	SAYS(hear(client), OK2);
	(void)only_entry();
	ck_assert_uint_eq(LATE(SIDE_ORIGIN, TIMEOUT_SLOW_READ), 1);
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

/* ---- senders ---- */

#define OWED "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: 1000\r\n\r\n"

START_TEST(body_that_trickles)
{
	unsigned rounds = 0;

	say(client, OWED);
	while (rounds++ < 900) {
		if (send(client, "x", 1, MSG_NOSIGNAL) != 1)
			break;
		world_run(&world);
		pass(LIMIT / 10);
		if (world_entry(&world) != NULL)
			break;
	}
	ck_assert_uint_le(rounds, 12);
	SAYS(entry_last(), "\"_error\":\"timeout: client sent less than 64 bytes a second in the "
	    "middle of the request\"");
	SAYS(hear(client), "HTTP/1.1 408 Request Timeout");
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_SEND), 1);
}
END_TEST

/* What stops is idle, and told so. */
START_TEST(body_that_stops)
{
	say(client, OWED "half");
	pass(LIMIT + 1);
	SAYS(only_entry(), "\"_error\":\"timeout: no byte moved in the middle of the request\"");
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_IDLE), 1);
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_SEND), 0);
}
END_TEST

/* Who says 64 bytes a second is served, and owes nothing when the body is whole. */
START_TEST(body_that_is_slow)
{
	static char piece[2001];
	unsigned i;

	memset(piece, 'x', 2000);
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\n"
	    "Content-Length: 60000\r\n\r\n");
	for (i = 0; i < 30; i++) {
		say(client, piece);
		pass(30);
	}
	pass(LIMIT - 40);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	SAYS_NOT(only_entry(), "_error");
	ck_assert_double_eq(client_conn()->sending, 0);
}
END_TEST

/* A stream without a length owes nothing: what is said next, and when, is its own affair. */
START_TEST(streamed_body)
{
	unsigned i;

	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 20; i++) {
		say(client, "1\r\nx\r\n");
		pass(LIMIT - 10);
	}
	say(client, "0\r\n\r\n");
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/* An origin may be as slow as its client likes. */
START_TEST(origin_that_trickles)
{
	unsigned i;

	say(client, GET);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n");
	for (i = 0; i < 20; i++) {
		say(ORIGIN(0), "x");
		pass(LIMIT - 10);
	}
	SAYS(hear(client), "xxxxxxxxxxxxxxxxxxxx");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/* ---- streams of HTTP/2 ---- */

static void
pass_streams(struct h2 *h2, double s)
{
	struct h2_stream *each;

	TAILQ_FOREACH(each, &h2->streams, link) {
		back_in_time(&each->taking, s);
		back_in_time(&each->sending, s);
	}
	back_in_time(&h2->taking, s);
	watch_now(h2);
}

#define STREAM_LATE "\"_error\":\"timeout: client took less than 64 bytes a second\""

/* A stream is not taken: it ends, its neighbour does not. */
START_TEST(stalled_stream)
{
	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "");
	peer_filler(o, 1, MIB);
	settle();
	peer_forget(c);
	pass_streams(h2_client, LIMIT - 10);
	SAW(c, "");
	pass_streams(h2_client, 11);
	SAW(c, "R1(CANCEL) ");
	ck_assert(peer_has_seen(o, "R1(CANCEL)"));
	SAYS(only_entry(), STREAM_LATE);
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_READ), 1);
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(c, "H3(:status=200). ");
}
END_TEST

/* Windows that are opened by one byte at a time. */
START_TEST(trickled_windows)
{
	unsigned rounds = 0;

	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "");
	peer_filler(o, 1, MIB);
	settle();
	while (rounds++ < 1000 && world.recorded == 0) {
		peer_opens(c, 1, 1);
		settle();
		pass_streams(h2_client, LIMIT / 10);
		(void)world_entry(&world);
	}
	ck_assert_uint_le(rounds, 12);
	SAYS(entry_last(), STREAM_LATE);
	ck_assert(peer_has_seen(c, "R1(CANCEL) "));
}
END_TEST

/* Its window is open, but others take all that the connection's allows. */
START_TEST(stream_that_waits_for_its_turn)
{
	unsigned i;

	alone_begin(TO_H2, &slow_client, &usual_origin, false);
	ck_assert_int_eq(
	    nghttp2_submit_window_update(c->session, NGHTTP2_FLAG_NONE, 0, 100), 0);
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "");
	peer_filler(o, 1, 65535);	/* the window of the stream */
	settle();
	peer_answer(o, 3, ":status: 200\n", "");
	peer_filler(o, 3, MIB);
	settle();
	for (i = 0; i < 5; i++) {
		pass_streams(h2_client, LIMIT / 2);
		h2_client->taking = clock_mono_s();	/* as other streams do */
	}
	no_entry();
	pass_streams(h2_client, LIMIT + 1);	/* but nobody takes anything any more */
	SAYS(only_entry(), STREAM_LATE);
}
END_TEST

START_TEST(origin_that_takes_no_content)
{
	alone_begin(TO_H2, &usual_client, &slow_origin, true);
	peer_ask(c, LINES_POST, "");
	peer_filler(c, 1, MIB);
	settle();
	pass_streams(h2_origin, LIMIT + 1);
	ck_assert(peer_has_seen(c, "H1(:status=504"));
	ck_assert(peer_has_seen(o, "R1(CANCEL)"));
	SAYS(only_entry(), "\"_error\":\"timeout: origin took less than 64 bytes a second\"");
	ck_assert_uint_eq(LATE(SIDE_ORIGIN, TIMEOUT_SLOW_READ), 1);
}
END_TEST

/* _i: whether the hop is ours, and may be answered on. */
START_TEST(content_that_trickles)
{
	unsigned rounds = 0;

	alone_begin(TO_H2, &usual_client, &usual_origin, _i == 1);
	peer_ask(c, LINES_POST "content-length: 1000\n", "");
	settle();
	while (rounds++ < 900 && world.recorded == 0) {
		peer_body(c, 1, "x");
		settle();
		pass_streams(h2_client, LIMIT / 10);
		(void)world_entry(&world);
	}
	ck_assert_uint_le(rounds, 12);
	SAYS(entry_last(), "\"_error\":\"timeout: client sent less than 64 bytes a second\"");
	ck_assert(peer_has_seen(c, _i == 1 ? "H1(:status=408" : "R1(CANCEL) "));
	ck_assert(peer_has_seen(o, "R1(CANCEL)"));
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_SEND), 1);
}
END_TEST

START_TEST(content_that_is_slow)
{
	static char piece[2001];
	unsigned i;

	memset(piece, 'x', 2000);
	alone_begin(TO_H2, &usual_client, &usual_origin, false);
	peer_ask(c, LINES_POST "content-length: 100000\n", "");
	settle();
	for (i = 0; i < 30; i++) {
		peer_body(c, 1, piece);
		settle();
		pass_streams(h2_client, 30);
	}
	no_entry();
}
END_TEST

/* As gRPC does: without a length nothing is owed. */
START_TEST(streamed_content)
{
	unsigned i;

	alone_begin(TO_H2, &usual_client, &usual_origin, false);
	peer_ask(c, LINES_POST, "");
	settle();
	for (i = 0; i < 20; i++) {
		peer_body(c, 1, "x");
		settle();
		pass_streams(h2_client, LIMIT - 10);
	}
	no_entry();
}
END_TEST

/* It gets no credit, since its origin takes nothing: the client owes nothing then. */
START_TEST(content_that_is_not_let_through)
{
	alone_begin(TO_H2, &usual_client, &slow_origin, false);
	peer_ask(c, LINES_POST "content-length: 10000000\n", "");
	peer_filler(c, 1, 10000000);
	settle();
	pass_streams(h2_client, LIMIT + 1);
	no_entry();
	ck_assert_uint_eq(LATE(SIDE_CLIENT, TIMEOUT_SLOW_SEND), 0);
}
END_TEST

static TCase *
h2_case(void)
{
	TCase *tc = tcase_create("streams");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, alone_setup, alone_teardown);
	tcase_add_test(tc, stalled_stream);
	tcase_add_test(tc, trickled_windows);
	tcase_add_test(tc, stream_that_waits_for_its_turn);
	tcase_add_test(tc, origin_that_takes_no_content);
	tcase_add_loop_test(tc, content_that_trickles, 0, 2);
	tcase_add_test(tc, content_that_is_slow);
	tcase_add_test(tc, streamed_content);
	tcase_add_test(tc, content_that_is_not_let_through);
	return tc;
}

Suite *
pace_suite(void)
{
	Suite *s = suite_create("pace");
	TCase *tc = tcase_create("connections");

	tcase_set_timeout(tc, 120);
	/* Pairs that take and give at once, on a busy machine too. */
	tcase_add_checked_fixture(tc, tunnel_setup, rig_teardown);
	tcase_add_loop_test(tc, clock_step, 0, NELEM(steps));
	tcase_add_test(tc, reader_that_takes_nothing);
	tcase_add_test(tc, reader_that_trickles);
	tcase_add_test(tc, reader_that_takes_little);
	tcase_add_test(tc, reader_that_talks_instead);
	tcase_add_test(tc, reader_that_is_slow_but_reads);
	tcase_add_test(tc, reader_of_last_bytes);
	tcase_add_test(tc, origin_that_takes_nothing);
	tcase_add_test(tc, origin_that_has_answered);
	tcase_add_test(tc, body_that_trickles);
	tcase_add_test(tc, body_that_stops);
	tcase_add_test(tc, body_that_is_slow);
	tcase_add_test(tc, streamed_body);
	tcase_add_test(tc, origin_that_trickles);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, h2_case());
	return s;
}
