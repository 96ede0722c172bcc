/* SPDX-License-Identifier: ISC */
/* test_exchange_end.c - front and back between sockets: what is cut, closed, broken. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"
#include "suites.h"
#include "worker/front.h"
#include "worker/front_state.h"

#define ORIGIN(n) (world.origin[n])
#define POST "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\n"

/* How far an exchange has come when something ends it. */
enum moment { IN_HEAD, IN_BODY, REQUEST_SENT, AFTER_1XX, IN_ANSWER_HEAD, IN_ANSWER, IN_CHUNKS,
	UNTIL_CLOSE, NMOMENTS };

static void
reach(enum moment m)
{
	if (m == IN_HEAD) {
		say(client, "POST http://o.test/ HTTP/1.1\r\nHo");
		return;
	}
	say(client, m == IN_BODY ? POST "ab" : POST "abcd");
	ck_assert_uint_eq(world.dials, 1);
	if (m <= REQUEST_SENT)
		return;
	if (m == AFTER_1XX)
		say(ORIGIN(0), "HTTP/1.1 100 Continue\r\n\r\n");
	else if (m == IN_ANSWER_HEAD)
		say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-");
	else if (m == IN_ANSWER)
		say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe");
	else if (m == IN_CHUNKS)
		say(ORIGIN(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n");
	else
		say(ORIGIN(0), "HTTP/1.1 200 OK\r\n\r\nhe");
}

static bool
ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n >= t && strcmp(s + n - t, tail) == 0;
}

/* ---- the client ---- */

START_TEST(client_resets)
{
	reach((enum moment)_i);
	reset(&client);
	if (_i != IN_HEAD) {
		const char *h = hear(ORIGIN(0));

		ck_assert_msg(ends_with(h, "[FIN]") || ends_with(h, "[RST]"), "%s", h);
	}
	SAYS(only_entry(), "\"_error\":\"client ");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

/* Its sending side only: before the request's end that cuts it off, later it does not. */
START_TEST(client_half_closes)
{
	enum moment m = (enum moment)_i;

	reach(m);
	half_close(client);
	if (m == IN_HEAD || m == IN_BODY) {
		SAYS(only_entry(), "\"_error\":\"client closed the connection in the middle of the request\"");
		HEARS(client, "[FIN]");
		ck_assert_uint_eq(world.worker.nfronts, 0);
		return;
	}
	ck_assert_msg(ends_with(hear(ORIGIN(0)), "abcd[FIN]"), "the origin does not see it");
	no_entry();
	if (m == REQUEST_SENT || m == AFTER_1XX)
		say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell");
	else if (m == IN_ANSWER_HEAD)
		say(ORIGIN(0), "Length: 4\r\n\r\nhell");
	else
		say(ORIGIN(0), m == IN_CHUNKS ? "2\r\nll\r\n0\r\n\r\n" : "ll");
	if (m == UNTIL_CLOSE)
		hang_up(&ORIGIN(0));
	ck_assert_msg(ends_with(hear(client), m == IN_CHUNKS ? "0\r\n\r\n[FIN]" : "ll[FIN]"),
	    "the answer is cut");
	SAYS(only_entry(), "\"text\":\"hell\"");
	SAYS_NOT(entry_last(), "_error");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(client_leaves_before_a_request)
{
	static const char *const first[] = {"", "\r\n", "\r\n\r\n"};

	if (_i < 3) {
		say(client, first[_i]);
	} else {
		say(client, GET);
		say(ORIGIN(0), OK2);
		HEARS(client, OK2);
		(void)only_entry();
	}
	half_close(client);
	HEARS(client, "[FIN]");
	no_entry();
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(client_leaves_during_the_dial)
{
	ck_assert_int_gt(send(client, GET, strlen(GET), 0), 0);
	(void)ev_run(world.worker.loop, EVRUN_NOWAIT);
	reset(&client);
	SAYS(only_entry(), "\"_error\":\"client ");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

/* ---- inside a CONNECT: what one side does is what the other sees ---- */

#define TAGGED "CONNECT o.test:80 HTTP/1.1\r\nHost: o.test:80\r\n" \
	"Proxy-Authorization: Basic am9iLTE6\r\n\r\n"
#define INSIDE "POST / HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\n"

START_TEST(reset_inside_connect_is_mirrored)
{
	static const char *const requests[] = {INSIDE "ab", INSIDE "abcd"};

	say(client, TAGGED);
	say(client, requests[_i]);
	HEARS(ORIGIN(0), requests[_i]);
	reset(&client);
	HEARS(ORIGIN(0), "[RST]");
	SAYS(only_entry(), "\"_tag\":\"job-1\"");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(end_inside_connect_is_mirrored)
{
	say(client, TAGGED);
	say(client, INSIDE "abcd");
	half_close(client);
	HEARS(ORIGIN(0), INSIDE "abcd[FIN]");
	say(ORIGIN(0), OK2);
	ck_assert_msg(ends_with(hear(client), "\r\n\r\nhi[FIN]"), "the answer is cut");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/* All of it is there before the dial is done. */
START_TEST(everything_at_once)
{
	ck_assert_int_gt(send(client, TAGGED INSIDE "abcd", strlen(TAGGED INSIDE "abcd"), 0), 0);
	half_close(client);
	HEARS(ORIGIN(0), INSIDE "abcd[FIN]");
	say(ORIGIN(0), OK2);
	ck_assert_msg(ends_with(hear(client), "\r\n\r\nhi[FIN]"), "the answer is cut");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

START_TEST(whatever_breaks_inside_connect_has_its_tag)
{
	static const char *const inside[] = {
	    "GET / HTTP/1.1\r\nHost: o.test\r\nA : b\r\n\r\n",
	    "CONNECT o.test:80 HTTP/1.1\r\nHost: o.test:80\r\n\r\n",
	    "GET / HTTP/1.1\r\nHos",
	};

	say(client, TAGGED);
	say(client, inside[_i]);
	if (_i == 2)
		half_close(client);
	SAYS(only_entry(), "\"_tag\":\"job-1\"");
	SAYS(entry_last(), "_error");
}
END_TEST

/* ---- the origin ---- */

static const struct {
	bool by_reset;
	enum moment at;
	const char *answer;	/* its beginning */
	const char *end;
	const char *error;	/* NULL: none */
} origin_ends[] = {
    {false, IN_BODY, "HTTP/1.1 502 ", "[FIN]", "closed the connection before the response"},
    {false, REQUEST_SENT, "HTTP/1.1 502 ", "[FIN]", "closed the connection before the response"},
    {false, AFTER_1XX, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 502 ", "[FIN]",
	"closed the connection before the response"},
    {false, IN_ANSWER_HEAD, "HTTP/1.1 502 ", "[FIN]", "closed the connection before the response"},
    {false, IN_ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhe", "he[FIN]",
	"closed the connection in the middle of the response"},
    {false, IN_CHUNKS, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
	"he\r\n[FIN]", "closed the connection in the middle of the response"},
    {false, UNTIL_CLOSE, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhe", "he[FIN]", NULL},
    {true, IN_BODY, "", "[RST]", "reset the connection before the response"},
    {true, REQUEST_SENT, "", "[RST]", "reset the connection before the response"},
    {true, AFTER_1XX, "", "[RST]", "reset the connection before the response"},
    {true, IN_ANSWER_HEAD, "", "[RST]", "reset the connection before the response"},
    {true, IN_ANSWER, "HTTP/1.1 200", "[RST]", "reset the connection in the middle of the response"},
    {true, IN_CHUNKS, "HTTP/1.1 200", "[RST]", "reset the connection in the middle of the response"},
    {true, UNTIL_CLOSE, "HTTP/1.1 200", "[RST]",
	"reset the connection in the middle of the response"},
};

START_TEST(origin_ends_it)
{
	char before[1024];
	const char *h;

	reach(origin_ends[_i].at);
	(void)snprintf(before, sizeof(before), "%s", hear(client));
	(void)hear(ORIGIN(0));	/* what is unread would make a close a reset */
	if (origin_ends[_i].by_reset)
		reset(&ORIGIN(0));
	else
		hang_up(&ORIGIN(0));
	h = hear(client);
	(void)snprintf(before + strlen(before), sizeof(before) - strlen(before), "%s", h);
	ck_assert_msg(strncmp(before, origin_ends[_i].answer, strlen(origin_ends[_i].answer)) == 0 &&
	    ends_with(before, origin_ends[_i].end), "want %s ... %s, got %s",
	    origin_ends[_i].answer, origin_ends[_i].end, before);
	if (origin_ends[_i].error != NULL)
		SAYS(only_entry(), origin_ends[_i].error);
	else
		SAYS_NOT(only_entry(), "_error");
}
END_TEST

START_TEST(idle_origin_goes_unnoticed)
{
	say(client, GET);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	(void)only_entry();
	if (_i == 0)
		hang_up(&ORIGIN(0));
	else
		reset(&ORIGIN(0));
	HEARS(client, "");
	say(client, GET);
	HEARS(ORIGIN(1), GOT);
	say(ORIGIN(1), OK2);
	HEARS(client, OK2);
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/* ---- what is no HTTP ---- */

static const struct {
	const char *request, *answer;
	const char *error;
	bool goes_on;
} bad_requests[] = {
    {"GET http://o.test/ HTTP/1.1\r\nHost : o.test\r\n\r\n", "HTTP/1.1 400 ", "bad request: ", false},
    {"GET http://o.test/ HTTP/9.9\r\n\r\n", "HTTP/1.1 505 ", "bad request: ", false},
    {"\x16\x03\x01\x02\r\n", "HTTP/1.1 400 ", "bad request: ", false},
    {"GET http://u@o.test/ HTTP/1.1\r\nHost: o.test\r\n\r\n", "HTTP/1.1 400 ", "bad ", false},
    {"GET https://o.test/ HTTP/1.1\r\nHost: o.test\r\n\r\n", "HTTP/1.1 501 ", "use CONNECT", true},
    {"GET / HTTP/1.1\r\nHost: o.test\r\n\r\n", "HTTP/1.1 404 ", "this is a proxy", true},
    {"GET http://o.test/ HTTP/1.1\r\nHost: o.test\r\nProxy-Authorization: Basic OnB3\r\n\r\n",
	"HTTP/1.1 407 ", "the proxy user name is the tag", true},
    {"CONNECT o.test HTTP/1.1\r\nHost: o.test\r\n\r\n", "HTTP/1.1 400 ", "bad ", false},
    {"CONNECT mitm.it:443 HTTP/1.1\r\nHost: mitm.it:443\r\n\r\n", "HTTP/1.1 403 ", "own page", true},
};

START_TEST(bad_request)
{
	const char *h;

	say(client, bad_requests[_i].request);
	h = hear(client);
	ck_assert_msg(strncmp(h, bad_requests[_i].answer, 13) == 0, "%s", h);
	ck_assert_msg(ends_with(h, "[FIN]") != bad_requests[_i].goes_on, "%s", h);
	SAYS(only_entry(), bad_requests[_i].error);
	ck_assert_uint_eq(world.dials, 0);
	if (!bad_requests[_i].goes_on)
		return;
	say(client, GET);
	HEARS(ORIGIN(0), GOT);
}
END_TEST

static const char *const bad_responses[] = {
    "hello\r\n",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "SSH-2.0-x\r\n",
};

START_TEST(bad_response)
{
	const char *h;

	say(client, GET);
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), bad_responses[_i]);
	h = hear(client);
	ck_assert_msg(strncmp(h, "HTTP/1.1 502 ", 13) == 0, "%s", h);
	SAYS(only_entry(), "\"_error\":\"bad response: ");
	SAYS(entry_last(), "_rawHead");
	HEARS(ORIGIN(0), "[FIN]");
}
END_TEST

START_TEST(broken_chunk)
{
	say(client, GET);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\nzz\r\n");
	ck_assert_msg(ends_with(hear(client), "2\r\nhe\r\n[FIN]"), "%s", hear(client));
	SAYS(only_entry(), "\"_error\":\"bad response: ");
	SAYS(entry_last(), "\"_aborted\":true");
}
END_TEST

START_TEST(endless_informational_heads)
{
	int i;

	say(client, GET);
	for (i = 0; i < 120; i++)
		(void)send(ORIGIN(0), "HTTP/1.1 102 P\r\n\r\n", 18, MSG_NOSIGNAL);
	world_run(&world);
	SAYS(only_entry(), "no end of 1xx");
}
END_TEST

/* A body that the client breaks half-way. */
START_TEST(broken_request_body)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\nab\r\nzz\r\n");
	SAYS(only_entry(), "\"_error\":\"bad request: ");
	ck_assert_msg(strncmp(hear(client), "HTTP/1.1 400 ", 13) == 0, "%s", hear(client));
	ck_assert_msg(!ends_with(hear(ORIGIN(0)), "0\r\n\r\n[FIN]"), "the body looks complete");
}
END_TEST

START_TEST(no_origin)
{
	const char *h;

	world.refuse_dials = 1;
	say(client, GET);
	h = hear(client);
	ck_assert_msg(strncmp(h, "HTTP/1.1 502 ", 13) == 0, "%s", h);
	SAYS(h, "Proxy-Status: mitmd; error=connection_refused\r\n");
	SAYS(only_entry(), "\"_error\":\"cannot connect: refused\"");
	say(client, GET);
	HEARS(ORIGIN(0), GOT);
}
END_TEST

/* ---- the worker's own end ---- */

START_TEST(cut_by_the_worker)
{
	reach((enum moment)_i);
	front_cut(TAILQ_FIRST(&world.worker.fronts), "stopped");
	world_run(&world);
	SAYS(only_entry(), "\"_error\":\"stopped\"");
	ck_assert_uint_eq(world.worker.nfronts, 0);
	(void)hear(client);
}
END_TEST

START_TEST(draining_worker_says_close)
{
	say(client, GET);
	world.worker.draining = true;
	say(ORIGIN(0), OK2);
	HEARS(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi[FIN]");
	SAYS_NOT(only_entry(), "_error");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(leaving_worker_says_close_and_takes_others)
{
	int other;

	say(client, GET);
	world.worker.leaving = true;
	say(ORIGIN(0), OK2);
	HEARS(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi[FIN]");
	other = world_client(&world);
	say(other, GET);
	say(ORIGIN(1), OK2);
	HEARS(other, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi[FIN]");
	(void)close(other);
}
END_TEST

START_TEST(idle_front_goes_in_a_drain)
{
	say(client, GET);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	world.worker.draining = true;
	world.worker.drain_idle_s = 1000;
	worker_sweep(&world.worker);
	HEARS(client, "");
	world.worker.drain_idle_s = 0;
	worker_sweep(&world.worker);
	HEARS(client, "[FIN]");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

/* What has come before the end is served: _i: on a new connection, on a used one. */
START_TEST(what_has_come_is_read_before_a_drain)
{
	if (_i == 1) {
		say(client, GET);
		say(ORIGIN(0), OK2);
		HEARS(client, OK2);
	}
	ck_assert_int_eq(send(client, GET, strlen(GET), MSG_NOSIGNAL), (ssize_t)strlen(GET));
	world.worker.draining = true;
	world.worker.drain_idle_s = 0;
	worker_sweep(&world.worker);
	ck_assert_uint_eq(world.worker.nfronts, 1);
	world_run(&world);
	HEARS(ORIGIN(0), _i == 0 ? GOT : GOT GOT);
	say(ORIGIN(0), OK2);
	HEARS(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi[FIN]");
}
END_TEST

/* Who has just come is about to ask: a second, whatever drain_idle says. */
START_TEST(a_new_client_may_ask_in_a_drain)
{
	double before = clock_mono_s();
	int other = world_client(&world);
	unsigned left;

	world.worker.draining = true;
	world.worker.drain_idle_s = 0;
	worker_sweep(&world.worker);
	left = world.worker.nfronts;
	if (clock_mono_s() - before < 1)	/* else the machine stood still */
		ck_assert_uint_ge(left, 1);
	(void)close(other);
}
END_TEST

/* ---- too slow ---- */

static void
wait_for_sweep(void)
{
	ev_tstamp until = ev_time() + 1;

	while (ev_time() < until && world.recorded == 0) {
		(void)ev_run(world.worker.loop, EVRUN_ONCE);
		(void)world_entry(&world);
	}
}

START_TEST(head_does_not_come)
{
	world.conf->timeouts.header_ms = 1;
	say(client, "GET http://o.test/ HT");
	wait_for_sweep();
	ck_assert(strncmp(hear(client), "HTTP/1.1 408 ", 13) == 0);
	SAYS(entry_last(), "\"_rawHead\":\"GET http://o.test/ HT\"");
	no_entry();
}
END_TEST

START_TEST(answer_does_not_come)
{
	world.conf->timeouts.idle_ms = 1;
	say(client, GET);
	wait_for_sweep();
	ck_assert(strncmp(hear(client), "HTTP/1.1 504 ", 13) == 0);
	SAYS(entry_last(), "\"_error\":\"timeout: no byte moved before the response\"");
	no_entry();
}
END_TEST

Suite *
exchange_end_suite(void)
{
	Suite *s = suite_create("exchange_end");
	TCase *tc = tcase_create("exchange_end");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_loop_test(tc, client_resets, 0, NMOMENTS);
	tcase_add_loop_test(tc, client_half_closes, 0, NMOMENTS);
	tcase_add_loop_test(tc, client_leaves_before_a_request, 0, 4);
	tcase_add_test(tc, client_leaves_during_the_dial);
	tcase_add_loop_test(tc, reset_inside_connect_is_mirrored, 0, 2);
	tcase_add_test(tc, end_inside_connect_is_mirrored);
	tcase_add_test(tc, everything_at_once);
	tcase_add_loop_test(tc, whatever_breaks_inside_connect_has_its_tag, 0, 3);
	tcase_add_loop_test(tc, origin_ends_it, 0, (int)NELEM(origin_ends));
	tcase_add_loop_test(tc, idle_origin_goes_unnoticed, 0, 2);
	tcase_add_loop_test(tc, bad_request, 0, (int)NELEM(bad_requests));
	tcase_add_loop_test(tc, bad_response, 0, (int)NELEM(bad_responses));
	tcase_add_test(tc, broken_chunk);
	tcase_add_test(tc, endless_informational_heads);
	tcase_add_test(tc, broken_request_body);
	tcase_add_test(tc, no_origin);
	tcase_add_loop_test(tc, cut_by_the_worker, 0, NMOMENTS);
	tcase_add_test(tc, draining_worker_says_close);
	tcase_add_test(tc, leaving_worker_says_close_and_takes_others);
	tcase_add_test(tc, idle_front_goes_in_a_drain);
	tcase_add_test(tc, a_new_client_may_ask_in_a_drain);
	tcase_add_loop_test(tc, what_has_come_is_read_before_a_drain, 0, 2);
	tcase_add_test(tc, head_does_not_come);
	tcase_add_test(tc, answer_does_not_come);
	suite_add_tcase(s, tc);
	return s;
}
