/* SPDX-License-Identifier: ISC */
/* test_exchange.c - front and back between sockets: exchanges that go well. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "rig.h"
#include "suites.h"

#define ORIGIN(n) (world.origin[n])

/* What goes in at one end comes out at the other so. */
static const struct exchange {
	const char *what;
	const char *request, *sent, *response, *answer;
	const char *entry;	/* a piece of it */
} exchanges[] = {
    {"GET", GET, GOT, OK2, OK2, "\"text\":\"hi\""},
    {"fields pass in order, hop-by-hop ones do not",
	"GET http://o.test/?q HTTP/1.1\r\nA: 1\r\nHost: o.test\r\nProxy-Connection: x\r\nb: 2\r\n"
	"A: 3\r\nConnection: b, close\r\n\r\n",
	"GET /?q HTTP/1.1\r\nA: 1\r\nHost: o.test\r\nA: 3\r\n\r\n",
	"HTTP/1.1 200 OK\r\nKeep-Alive: x\r\nContent-Length: 0\r\nX:\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\nConnection: close\r\n\r\n[FIN]",
	"\"name\":\"X\",\"value\":\"\""},
    {"a body with a length",
	"POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\nabcd", OK2, OK2,
	"\"text\":\"abcd\""},
    {"no content",
	GET, GOT, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
	"\"status\":204"},
    {"not modified, with the length that would have been",
	GET, GOT, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "\"status\":304"},
    {"HEAD",
	"HEAD http://o.test/ HTTP/1.1\r\nHost: o.test\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: o.test\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "\"method\":\"HEAD\""},
    {"100 and 103",
	GET, GOT, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nL: x\r\n\r\n" OK2,
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nL: x\r\n\r\n" OK2,
	"\"_informational\":[{\"status\":100,\"headers\":[]},{\"status\":103,"
	"\"headers\":[{\"name\":\"L\",\"value\":\"x\"}]}]"},
    {"an unknown method and status",
	"BREW http://o.test/ HTTP/1.1\r\nHost: o.test\r\n\r\n",
	"BREW / HTTP/1.1\r\nHost: o.test\r\n\r\n",
	"HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n", "\"status\":799"},
    {"an old client keeps no connection and gets no 1xx",
	"GET http://o.test/a HTTP/1.0\r\nHost: o.test\r\n\r\n", GOT,
	"HTTP/1.1 103 Early\r\n\r\n" OK2,
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi[FIN]",
	"\"status\":103"},
    {"an old client knows no chunks",
	"GET http://o.test/a HTTP/1.0\r\nHost: o.test\r\n\r\n", GOT,
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi[FIN]", "\"text\":\"hi\""},
    {"an old client that asks for it keeps its connection",
	"GET http://o.test/a HTTP/1.0\r\nHost: o.test\r\nConnection: keep-alive\r\n\r\n", GOT, OK2,
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi",
	"\"text\":\"hi\""},
};

static void
play(const struct exchange *x, void (*speak)(int, const char *))
{
	const char *e;

	speak(client, x->request);
	ck_assert_uint_eq(world.dials, 1);
	HEARS(ORIGIN(0), x->sent);
	no_entry();
	speak(ORIGIN(0), x->response);
	HEARS(client, x->answer);
	e = only_entry();
	SAYS(e, x->entry);
	SAYS(e, "\"_tag\":\"127.0.0.1\"");
	SAYS(e, "\"serverIPAddress\":\"192.0.2.80\"");
	SAYS_NOT(e, "_error");
	SAYS_NOT(e, "_aborted");
}

START_TEST(in_one_piece)
{
	play(&exchanges[_i], say);
}
END_TEST

START_TEST(byte_by_byte)
{
	play(&exchanges[_i], say_slowly);
}
END_TEST

START_TEST(chunks_and_trailers)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;x=y\r\nabc\r\n");
	HEARS(ORIGIN(0), "POST / HTTP/1.1\r\nHost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n");
	say(client, "0\r\nX-T: 1\r\n\r\n");
	HEARS(ORIGIN(0), "0\r\nX-T: 1\r\n\r\n");
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	HEARS(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	no_entry();
	say(ORIGIN(0), "0\r\nX-U: 2\r\n\r\n");
	HEARS(client, "0\r\nX-U: 2\r\n\r\n");
	SAYS(only_entry(), "\"_trailers\":[{\"name\":\"X-U\",\"value\":\"2\"}]");
}
END_TEST

START_TEST(body_until_the_connection_ends)
{
	say(client, GET);
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\n\r\nhe");
	HEARS(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhe");
	say(ORIGIN(0), "llo");
	no_entry();
	hang_up(&ORIGIN(0));
	HEARS(client, "llo[FIN]");
	SAYS(only_entry(), "\"text\":\"hello\"");
	SAYS_NOT(entry_last(), "_error");
}
END_TEST

/* ---- one after the other ---- */

START_TEST(origin_is_used_again)
{
	int i;

	for (i = 0; i < 5; i++) {
		say(client, GET);
		HEARS(ORIGIN(0), GOT);
		say(ORIGIN(0), OK2);
		HEARS(client, OK2);
		SAYS(only_entry(), "\"status\":200");
	}
	ck_assert_uint_eq(world.dials, 1);
}
END_TEST

START_TEST(pipelined_requests_wait_their_turn)
{
	say(client, GET "GET http://o.test/b HTTP/1.1\r\nHost: o.test\r\n\r\n" GET);
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
	HEARS(ORIGIN(0), "GET /b HTTP/1.1\r\nHost: o.test\r\n\r\n");
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
	HEARS(client, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3");
	ck_assert_uint_eq(world.dials, 1);
}
END_TEST

START_TEST(pipelined_behind_a_body)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: 2\r\n\r\nab" GET);
	HEARS(ORIGIN(0), "POST / HTTP/1.1\r\nHost: o.test\r\nContent-Length: 2\r\n\r\nab");
	say(ORIGIN(0), OK2);
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2 OK2);
}
END_TEST

START_TEST(pipelined_behind_refused_ones)
{
	say(client, "GET /x HTTP/1.1\r\nHost: o.test\r\n\r\n" GET);
	ck_assert(strncmp(hear(client), "HTTP/1.1 404 ", 13) == 0);
	SAYS(only_entry(), "this is a proxy");
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
}
END_TEST

START_TEST(another_target_is_dialled_anew)
{
	say(client, GET);
	say(ORIGIN(0), OK2);
	say(client, "GET http://p.test/ HTTP/1.1\r\nHost: p.test\r\n\r\n");
	ck_assert_uint_eq(world.dials, 2);
	HEARS(ORIGIN(0), GOT "[FIN]");
	HEARS(ORIGIN(1), "GET / HTTP/1.1\r\nHost: p.test\r\n\r\n");
	say(ORIGIN(1), OK2);
	HEARS(client, OK2 OK2);
}
END_TEST

START_TEST(origin_that_closes_is_dialled_anew)
{
	say(client, GET);
	say(ORIGIN(0), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	HEARS(ORIGIN(0), GOT "[FIN]");
	HEARS(client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	say(client, GET);
	HEARS(ORIGIN(1), GOT);
}
END_TEST

START_TEST(origin_lost_just_as_it_was_used_again)
{
	say(client, GET);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	(void)only_entry();
	ck_assert_int_eq(send(client, GET, strlen(GET), 0), strlen(GET));
	/* The request is on its way: the FIN crosses it. */
	(void)ev_run(world.worker.loop, EVRUN_NOWAIT);
	hang_up(&ORIGIN(0));
	ck_assert_uint_eq(world.dials, 2);
	HEARS(ORIGIN(1), GOT);
	say(ORIGIN(1), OK2);
	HEARS(client, OK2);
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

START_TEST(unasked_bytes_end_the_origin)
{
	say(client, GET);
	say(ORIGIN(0), OK2 "HTTP/1.1 200 OK\r\n");
	HEARS(client, OK2);
	HEARS(ORIGIN(0), GOT "[FIN]");
	say(client, GET);
	ck_assert_uint_eq(world.dials, 2);
	HEARS(ORIGIN(1), GOT);
}
END_TEST

START_TEST(early_answer)
{
	say(client, "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\nab");
	say(ORIGIN(0), "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
	HEARS(client, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
	no_entry();
	say(client, "cd" GET);
	HEARS(ORIGIN(0), "POST / HTTP/1.1\r\nHost: o.test\r\nContent-Length: 4\r\n\r\nabcd" GOT);
	SAYS(only_entry(), "\"text\":\"abcd\"");
}
END_TEST

/* ---- more than fits ---- */

static size_t
pour(int fd, size_t most)
{
	static const char piece[65536];
	size_t sent = 0;
	int idle;

	for (idle = 0; sent < most && idle < 3; idle++) {
		ssize_t n = send(fd, piece, MIN(sizeof(piece), most - sent), MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			idle = -1;
		}
		world_run(&world);
	}
	return sent;
}

static size_t
drain(int fd)
{
	char piece[65536];
	size_t got = 0;
	ssize_t n;

	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0) {
		got += (size_t)n;
		world_run(&world);
	}
	return got;
}

#define HUGE_BODY ((size_t)64 << 20)
#define SMALL_BUFFER (64 << 10)

/* So that the sockets themselves do not swallow it. */
static void
shrink(int fd)
{
	int n = SMALL_BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* Head, then all of a body through a receiver that does not read at first. */
static void
flood(int from, int to, size_t head)
{
	size_t sent, got = 0;

	shrink(from);
	shrink(to);
	sent = pour(from, HUGE_BODY);
	ck_assert_msg(sent < HUGE_BODY / 2, "%zu bytes were taken that nobody read", sent);
	while (got < HUGE_BODY + head) {
		size_t n = drain(to);

		sent += pour(from, HUGE_BODY - sent);
		world_run(&world);
		ck_assert_msg(n > 0 || sent < HUGE_BODY || got + drain(to) == HUGE_BODY + head,
		    "stuck at %zu of %zu", got, sent);
		got += n;
	}
	ck_assert_uint_eq(got, HUGE_BODY + head);
}

START_TEST(slow_client_holds_the_origin_back)
{
	char head[128];

	(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", HUGE_BODY);
	say(client, GET);
	say(ORIGIN(0), head);
	flood(ORIGIN(0), client, strlen(head));
	SAYS(only_entry(), "\"bodySize\":67108864");
	say(client, GET);
	HEARS(ORIGIN(0), GOT GOT);
}
END_TEST

START_TEST(slow_origin_holds_the_client_back)
{
	char head[128];

	(void)snprintf(head, sizeof(head),
	    "POST http://o.test/ HTTP/1.1\r\nHost: o.test\r\nContent-Length: %zu\r\n\r\n", HUGE_BODY);
	say(client, head);
	flood(client, ORIGIN(0), strlen(head) - strlen("http://o.test"));
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	SAYS(only_entry(), "\"bodySize\":67108864");
}
END_TEST

/* ---- tunnels ---- */

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"

static void
upgrade(const char *first)
{
	say(client, "GET http://o.test/ HTTP/1.1\r\nHost: o.test\r\nConnection: Upgrade\r\n"
	    "Upgrade: x\r\n\r\n");
	HEARS(ORIGIN(0), "GET / HTTP/1.1\r\nHost: o.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
	say(ORIGIN(0), first);
}

START_TEST(upgrade_becomes_a_tunnel)
{
	upgrade(SWITCH "first");
	HEARS(client, SWITCH "first");
	say(client, "GET / not HTTP any more");
	HEARS(ORIGIN(0), "GET / not HTTP any more");
	say(ORIGIN(0), "1234");
	no_entry();
	half_close(client);
	HEARS(ORIGIN(0), "[FIN]");
	say(ORIGIN(0), "5");
	HEARS(client, "12345");
	hang_up(&ORIGIN(0));
	HEARS(client, "[FIN]");
	SAYS(only_entry(), "\"status\":101");
	SAYS(entry_last(), "\"_tunnel\":{\"reason\":\"upgrade\",\"bytesSent\":23,\"bytesReceived\":10}");
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(upgrade_may_be_declined)
{
	upgrade(OK2);
	HEARS(client, OK2);
	SAYS_NOT(only_entry(), "_tunnel");
	say(client, GET);
	HEARS(ORIGIN(0), GOT);
}
END_TEST

START_TEST(unasked_upgrade_is_no_answer)
{
	say(client, GET);
	say(ORIGIN(0), SWITCH);
	ck_assert(strncmp(hear(client), "HTTP/1.1 502 ", 13) == 0);
	SAYS(only_entry(), "101 that nobody asked for");
}
END_TEST

#define CONNECT "CONNECT o.test:80 HTTP/1.1\r\nHost: o.test:80\r\n\r\n"
#define CONNECTED "HTTP/1.1 200 Connection established\r\n\r\n"

START_TEST(plain_http_inside_connect)
{
	say(client, CONNECT);
	HEARS(client, CONNECTED);
	no_entry();
	say(client, GOT);
	HEARS(ORIGIN(0), GOT);
	say(ORIGIN(0), OK2);
	HEARS(client, OK2);
	SAYS(only_entry(), "\"url\":\"http://o.test/a\"");
	hang_up(&ORIGIN(0));
	HEARS(client, "[FIN]");
	no_entry();
	ck_assert_uint_eq(world.worker.nfronts, 0);
}
END_TEST

START_TEST(connect_inside_connect)
{
	say(client, CONNECT);
	HEARS(client, CONNECTED);
	say(client, CONNECT);
	ck_assert(strncmp(hear(client), "HTTP/1.1 405 ", 13) == 0);
	SAYS(only_entry(), "\"_error\":\"CONNECT inside a tunnel\"");
	SAYS(entry_last(), "\"_tag\":\"127.0.0.1\"");
	HEARS(ORIGIN(0), "");
}
END_TEST

START_TEST(anything_else_inside_connect)
{
	say(client, CONNECT "SSH-2.0-x\r\n");
	HEARS(client, CONNECTED);
	HEARS(ORIGIN(0), "SSH-2.0-x\r\n");
	say(ORIGIN(0), "SSH-2.0-y\r\n");
	HEARS(client, "SSH-2.0-y\r\n");
	reset(&client);
	HEARS(ORIGIN(0), "[RST]");
	SAYS(only_entry(), "\"bytesSent\":11,\"bytesReceived\":11");
	SAYS(entry_last(), "\"_error\":\"client reset the tunnel\"");
	client = world_client(&world);
}
END_TEST

START_TEST(refused_connect_keeps_the_connection)
{
	world.refuse_dials = 1;
	say(client, CONNECT);
	ck_assert(strstr(hear(client), "\r\nProxy-Status: mitmd; error=connection_refused\r\n") != NULL);
	SAYS(only_entry(), "cannot connect: refused");
	say(client, CONNECT);
	HEARS(client, CONNECTED);
}
END_TEST

Suite *
exchange_suite(void)
{
	Suite *s = suite_create("exchange");
	TCase *tc = tcase_create("exchange");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
	tcase_add_loop_test(tc, in_one_piece, 0, (int)NELEM(exchanges));
	tcase_add_loop_test(tc, byte_by_byte, 0, (int)NELEM(exchanges));
	tcase_add_test(tc, chunks_and_trailers);
	tcase_add_test(tc, body_until_the_connection_ends);
	tcase_add_test(tc, origin_is_used_again);
	tcase_add_test(tc, pipelined_requests_wait_their_turn);
	tcase_add_test(tc, pipelined_behind_a_body);
	tcase_add_test(tc, pipelined_behind_refused_ones);
	tcase_add_test(tc, another_target_is_dialled_anew);
	tcase_add_test(tc, origin_that_closes_is_dialled_anew);
	tcase_add_test(tc, origin_lost_just_as_it_was_used_again);
	tcase_add_test(tc, unasked_bytes_end_the_origin);
	tcase_add_test(tc, early_answer);
	tcase_add_test(tc, slow_client_holds_the_origin_back);
	tcase_add_test(tc, slow_origin_holds_the_client_back);
	tcase_add_test(tc, upgrade_becomes_a_tunnel);
	tcase_add_test(tc, upgrade_may_be_declined);
	tcase_add_test(tc, unasked_upgrade_is_no_answer);
	tcase_add_test(tc, plain_http_inside_connect);
	tcase_add_test(tc, connect_inside_connect);
	tcase_add_test(tc, anything_else_inside_connect);
	tcase_add_test(tc, refused_connect_keeps_the_connection);
	suite_add_tcase(s, tc);
	return s;
}
