/* SPDX-License-Identifier: ISC */
/* test_h2.c - HTTP/2 on both sides of a CONNECT: exchanges and failures. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "h2rig.h"
#include "suites.h"
#include "worker/front.h"
#include "worker/front_state.h"

/* ---- exchanges ------------------------------------------------------------------- */

static const struct exchange {
	const char *what;
	const char *request, *body; /* NULL: none */
	const char *seen;
	const char *informational, *response, *answer; /* answer NULL: none */
	const char *trailers;
	const char *got;
	const char *entry; /* a piece of it */
} exchanges[] = {
    {"GET", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 200\nx: y\n", "hi", NULL,
	"H1(:status=200,x=y) D1(hi) D1. ", "\"text\":\"hi\""},
    {"a response of a head", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 200\n", NULL,
	NULL, "H1(:status=200). ", "\"status\":200"},
    {"content in both directions", LINES_POST, "ping", "H1(" SAW_POST ") D1(ping) D1. ", NULL,
	":status: 200\ncontent-length: 4\n", "pong", NULL,
	"H1(:status=200,content-length=4) D1(pong) D1. ", "\"text\":\"ping\""},
    {"trailers", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 200\n", "hi",
	"grpc-status: 0\n", "H1(:status=200) D1(hi) H1(grpc-status=0). ",
	"\"_trailers\":[{\"name\":\"grpc-status\",\"value\":\"0\"}]"},
    {"trailers and no content", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 200\n", "",
	"grpc-status: 0\n", "H1(:status=200) H1(grpc-status=0). ",
	"\"_trailers\":[{\"name\":\"grpc-status\",\"value\":\"0\"}]"},
    {"1xx", NULL, NULL, "H1(" SAW_GET "). ", ":status: 103\nlink: x\n", ":status: 200\n", "hi",
	NULL, "H1(:status=103,link=x) H1(:status=200) D1(hi) D1. ",
	"\"_informational\":[{\"status\":103,\"headers\":[{\"name\":\"link\",\"value\":\"x\"}]}"
	"]"},
    {"HEAD", ":method: HEAD\n:scheme: http\n:authority: o.test\n:path: /a\n", NULL,
	"H1(:method=HEAD,:scheme=http,:path=/a,:authority=o.test). ", NULL,
	":status: 200\ncontent-length: 9\n", NULL, NULL, "H1(:status=200,content-length=9). ",
	"\"method\":\"HEAD\""},
    {"HEAD with an empty frame behind it",
	":method: HEAD\n:scheme: http\n:authority: o.test\n:path: /a\n", NULL,
	"H1(:method=HEAD,:scheme=http,:path=/a,:authority=o.test). ", NULL,
	":status: 200\ncontent-length: 9\n", "", NULL, "H1(:status=200,content-length=9). ",
	"\"method\":\"HEAD\""},
    {"no content", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 204\n", NULL, NULL,
	"H1(:status=204). ", "\"status\":204"},
    {"not modified", NULL, NULL, "H1(" SAW_GET "). ", NULL, ":status: 304\ncontent-length: 9\n",
	NULL, NULL, "H1(:status=304,content-length=9). ", "\"status\":304"},
    {"an unknown method and status",
	":method: BREW\n:scheme: http\n:authority: o.test\n:path: /\n", NULL,
	"H1(:method=BREW,:scheme=http,:path=/,:authority=o.test). ", NULL, ":status: 799\n",
	NULL, NULL, "H1(:status=799). ", "\"status\":799"},
    {"what a proxy keeps",
	LINES_GET "te: trailers\nproxy-authorization: x\ncookie: a=b\n"
		  "cookie: c=d\n",
	NULL, "H1(" SAW_GET ",te=trailers,cookie=a=b,cookie=c=d). ", NULL,
	":status: 200\nalt-svc: h3\nset-cookie: a\nset-cookie: b\n", NULL, NULL,
	"H1(:status=200,set-cookie=a,set-cookie=b). ",
	"\"name\":\"set-cookie\",\"value\":\"b\""},
    {"host in place of :authority", ":method: GET\n:scheme: http\n:path: /a\nhost: o.test\n",
	NULL, "H1(" SAW_GET "). ", NULL, ":status: 200\n", NULL, NULL, "H1(:status=200). ",
	"\"headers\":[{\"name\":\"host\",\"value\":\"o.test\"}]"},
};

START_TEST(exchange)
{
	const struct exchange *x = &exchanges[_i];
	const char *e;

	ck_assert_int_eq(peer_ask(c, x->request, x->body), 1);
	if (x->body != NULL)
		peer_end(c, 1, NULL);
	settle();
	SAW(o, x->seen);
	no_entry();
	if (x->informational != NULL)
		peer_informational(o, 1, x->informational);
	peer_answer(o, 1, x->response, x->answer);
	if (x->answer != NULL)
		peer_end(o, 1, x->trailers);
	settle();
	SAW(c, x->got);
	SAW(o, "");
	e = only_entry();
	SAYS(e, x->entry);
	SAYS(e, "\"name\":\"host\",\"value\":\"o.test\"");
	SAYS(e, "\"httpVersion\":\"HTTP/2\"");
	SAYS_NOT(e, "\"name\":\":");
	SAYS_NOT(e, "_error");
	SAYS_NOT(e, "_aborted");
}
END_TEST

/* Frames arrive in pieces as they please. */
START_TEST(request_byte_by_byte)
{
	const uint8_t *bytes;
	ssize_t n, i;

	peer_ask(c, LINES_POST, "ping");
	peer_end(c, 1, "a: b\n");
	while ((n = nghttp2_session_mem_send(c->session, &bytes)) > 0)
		for (i = 0; i < n; i++) {
			peer_raw(c, bytes + i, 1);
			world_run(&world);
		}
	settle();
	SAW(o, "H1(" SAW_POST ") D1(ping) H1(a=b). ");
}
END_TEST

START_TEST(many_at_a_time_and_in_any_order)
{
	int32_t id;

	for (id = 1; id < 200; id += 2)
		peer_ask(c, NULL, NULL);
	settle();
	for (id = 199; id > 0; id -= 2)
		peer_answer(o, id, ":status: 200\n", NULL);
	settle();
	for (id = 1; id < 200; id += 2) {
		char head[32];

		(void)snprintf(head, sizeof(head), "H%d(:status=200). ", id);
		ck_assert(peer_has_seen(c, head));
	}
	while (world_entry(&world) != NULL)
		continue;
	ck_assert_uint_eq(world.recorded, 100);
}
END_TEST

START_TEST(content_flows_both_ways_before_any_end)
{
	peer_ask(c, LINES_POST, "a");
	settle();
	SAW(o, "H1(" SAW_POST ") D1(a) ");
	peer_answer(o, 1, ":status: 200\n", "1");
	settle();
	SAW(c, "H1(:status=200) D1(1) ");
	peer_body(c, 1, "b");
	settle();
	SAW(o, "D1(b) ");
	peer_body(o, 1, "2");
	settle();
	SAW(c, "D1(2) ");
	peer_end(c, 1, "t: 1\n");
	settle();
	SAW(o, "H1(t=1). ");
	peer_end(o, 1, NULL);
	settle();
	SAW(c, "D1. ");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

START_TEST(sizes_are_what_was_on_the_wire)
{
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "hi");
	peer_end(o, 1, NULL);
	settle();
	/* HEADERS 9 + 1, DATA 9 + 2; the end may be a frame of its own. */
	SAYS(only_entry(), "\"_transferSize\":21");
}
END_TEST

/* ---- resets ------------------------------------------------------------------------- */

static const uint32_t codes[] = {NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM,
    NGHTTP2_PROTOCOL_ERROR, 0x1234};

START_TEST(clients_reset_is_mirrored)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "R1(%s) ", nghttp2_http2_strerror(codes[_i]));
	peer_ask(c, LINES_POST, "a");
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	peer_reset(c, 1, codes[_i]);
	settle();
	SAW(o, want);
	SAYS(only_entry(), "\"_error\":\"client reset the stream: ");
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(c, "H3(:status=200). ");
}
END_TEST

START_TEST(origins_reset_is_mirrored)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "R1(%s) ", nghttp2_http2_strerror(codes[_i]));
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 1, ":status: 200\n", "hi");
	settle();
	peer_forget(c);
	peer_reset(o, 1, codes[_i]);
	settle();
	SAW(c, want);
	SAYS(only_entry(), "\"_error\":\"origin reset the stream: ");
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(c, "H3(:status=200). ");
}
END_TEST

/* Without TLS the hop is ours: it is answered, but what may be repeated is left to the client.
 */
START_TEST(reset_before_a_response)
{
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_reset(o, 1, NGHTTP2_REFUSED_STREAM);
	settle();
	SAW(c, "R1(REFUSED_STREAM) ");
	peer_reset(o, 3, NGHTTP2_CANCEL);
	settle();
	SAW(c, "H3(:status=502,content-type=text/plain; charset=utf-8,cache-control=no-store) "
	       "D3(mitmd: origin reset the stream: CANCEL\n) D3. ");
}
END_TEST

/* RFC 9113 8.1: a whole response, then RST_STREAM(NO_ERROR), and the client stops. */
START_TEST(early_response)
{
	const char *entry;

	peer_ask(c, LINES_POST, "a");
	settle();
	peer_answer(o, 1, ":status: 413\n", NULL);
	settle();
	SAW(c, "H1(:status=413). ");
	peer_reset(o, 1, NGHTTP2_NO_ERROR);
	settle();
	SAW(c, "R1(NO_ERROR) ");
	entry = only_entry();
	SAYS(entry, "\"status\":413");
	SAYS_NOT(entry, "_error");
	SAYS_NOT(entry, "_aborted");
	SAYS(entry, "the message ended early");
}
END_TEST

START_TEST(early_response_and_reset_at_once)
{
	peer_ask(c, LINES_POST, "a");
	settle();
	peer_answer(o, 1, ":status: 413\n", "no");
	peer_end(o, 1, NULL);
	(void)peer_pump(o);
	peer_reset(o, 1, NGHTTP2_NO_ERROR);
	settle();
	SAW(c, "H1(:status=413) D1(no) D1. R1(NO_ERROR) ");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/*
 * curl: it has an answer, ends its content before the length it told, and waits for
 * the rest of the answer.  The origin hears no end, and then that nobody asks.
 */
START_TEST(early_response_and_content_cut_short)
{
	const char *entry;

	peer_ask(c, LINES_POST "content-length: 10\n", "a");
	settle();
	peer_answer(o, 1, ":status: 413\n", "n");
	settle();
	SAW(c, "H1(:status=413) D1(n) ");
	peer_forget(o);
	peer_frame(c, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, _i == 0 ? "" : "bc",
	    _i == 0 ? 0 : 2);
	settle();
	SAW(c, "");
	peer_end(o, 1, NULL);
	settle();
	SAW(c, "D1. R1(NO_ERROR) ");
	SAW(o, _i == 0 ? "R1(CANCEL) " : "D1(bc) R1(CANCEL) ");
	entry = only_entry();
	SAYS(entry, "\"status\":413");
	SAYS_NOT(entry, "_error");
}
END_TEST

/* Another code says that something went wrong, whatever came before. */
START_TEST(early_response_and_a_failure)
{
	peer_ask(c, LINES_POST, "a");
	settle();
	peer_answer(o, 1, ":status: 413\n", NULL);
	peer_reset(o, 1, NGHTTP2_CANCEL);
	settle();
	SAYS(only_entry(), "\"_error\":\"origin reset the stream: CANCEL\"");
}
END_TEST

/* An early response and no reset: the client may go on, and the origin hears it. */
START_TEST(early_response_and_the_rest_of_the_request)
{
	peer_ask(c, LINES_POST, "a");
	settle();
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	SAW(c, "H1(:status=200). ");
	peer_forget(o);
	peer_body(c, 1, "b");
	peer_end(c, 1, NULL);
	settle();
	SAW(o, "D1(b) D1. ");
	SAYS_NOT(only_entry(), "_error");
}
END_TEST

/* ---- what breaks the rules ends one stream --------------------------------------------- */

static const struct broken {
	const char *request;
	const char *answer; /* what the client sees, up to its content */
	const char *error;
} broken[] = {
    {":method: GET\n:scheme: http\n:authority: o.test\n:path: /a#b\n", "H1(:status=400,",
	"bad request: the path has a bad form"},
    {LINES_GET "host: p.test\n", "H1(:status=400,", "bad request: Host and :authority differ"},
    {LINES_GET "transfer_encoding: chunked\n", "H1(:status=400,",
	"bad request: a field of the connection, which HTTP/2 has not"},
    {LINES_GET "transfer-encoding: chunked\n", "R1(PROTOCOL_ERROR)", "bad request: "},
    {LINES_GET "a b: c\n", "H1(:status=400,",
	"bad request: a field that HTTP/2 does not allow"},
    {LINES_GET "a: b\r\n", "H1(:status=400,", "bad request: "},
    {LINES_GET ":x: b\n", "R1(PROTOCOL_ERROR)", "bad request: "},
    {":method: GET\n:scheme: http\n:authority: o.test\n", "R1(PROTOCOL_ERROR)",
	"bad request: the path has a bad form"},
    {":method: CONNECT\n:authority: o.test:80\n", "H1(:status=405,", "CONNECT inside a tunnel"},
    {":method: CONNECT\n:protocol: websocket\n:scheme: http\n:authority: o.test\n:path: /\n",
	"R1(PROTOCOL_ERROR)", "bad request: "},
};

START_TEST(broken_request)
{
	peer_ask(c, broken[_i].request, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	ck_assert_msg(peer_has_seen(c, broken[_i].answer), "%.*s", (int)c->trace.len,
	    (const char *)buf_data(&c->trace));
	SAYS(only_entry(), broken[_i].error);
	SAW(o, "H1(" SAW_GET "). ");
	peer_answer(o, 1, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H3(:status=200). "));
}
END_TEST

/* Content that is not as long as was said: the origin must not wait for the rest. */
START_TEST(wrong_length)
{
	peer_ask(c, LINES_POST "content-length: 5\n", "four");
	settle();
	SAW(o, "H1(" SAW_POST ",content-length=5) D1(four) ");
	if (_i == 0)
		peer_end(c, 1, NULL);
	else
		peer_body(c, 1, "and more");
	settle();
	SAW(c, "R1(PROTOCOL_ERROR) ");
	SAW(o, "R1(PROTOCOL_ERROR) ");
	SAYS(only_entry(), "\"_error\":\"client broke the stream: PROTOCOL_ERROR\"");
}
END_TEST

static const char *const bad_responses[] = {
    ":status: 101\n",
    ":status: 200\n:status: 200\n",
    "a: b\n",
    ":status: 200\na b: c\n",
    ":status: 200\nconnection: close\n",
    ":status: 200\ncontent_length: 7\n",
};

START_TEST(broken_response)
{
	peer_ask(c, NULL, NULL);
	peer_ask(c, NULL, NULL);
	settle();
	peer_forget(o);
	peer_answer(o, 1, bad_responses[_i], NULL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=502,"));
	ck_assert(peer_has_seen(o, "R1(PROTOCOL_ERROR)"));
	SAYS(only_entry(), "\"_error\":\"bad response: ");
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	ck_assert(peer_has_seen(c, "H3(:status=200). "));
}
END_TEST

/* A head that is given up while it is still coming (its stream is reset by the other side). */
START_TEST(trailers_that_nobody_reads_any_more)
{
	static const uint8_t half[] = {0, 1, 'a'}; /* a literal field, unfinished */

	peer_ask(c, LINES_POST, "a");
	settle();
	peer_frame(c, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM, 1, half, sizeof(half));
	settle();
	peer_reset(o, 1, NGHTTP2_CANCEL);
	settle();
	ck_assert(peer_has_seen(c, "H1(:status=502,"));
	peer_frame(c, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, "\1b", 2);
	settle();
	peer_forget(c);
	(void)nghttp2_session_set_next_stream_id(c->session, 5);
	peer_ask(c, NULL, NULL);
	settle();
	peer_answer(o, 3, ":status: 200\n", NULL);
	settle();
	SAW(c, "H5(:status=200). ");
}
END_TEST

Suite *
h2_suite(void)
{
	Suite *s = suite_create("h2");
	TCase *tc = tcase_create("h2");

	tcase_add_checked_fixture(tc, tunnel_usual, tunnel_teardown);
	tcase_add_loop_test(tc, exchange, 0, NELEM(exchanges));
	tcase_add_test(tc, request_byte_by_byte);
	tcase_add_test(tc, many_at_a_time_and_in_any_order);
	tcase_add_test(tc, content_flows_both_ways_before_any_end);
	tcase_add_test(tc, sizes_are_what_was_on_the_wire);
	tcase_add_loop_test(tc, clients_reset_is_mirrored, 0, NELEM(codes));
	tcase_add_loop_test(tc, origins_reset_is_mirrored, 0, NELEM(codes));
	tcase_add_test(tc, reset_before_a_response);
	tcase_add_test(tc, early_response);
	tcase_add_test(tc, early_response_and_reset_at_once);
	tcase_add_test(tc, early_response_and_a_failure);
	tcase_add_loop_test(tc, early_response_and_content_cut_short, 0, 2);
	tcase_add_test(tc, early_response_and_the_rest_of_the_request);
	tcase_add_loop_test(tc, broken_request, 0, NELEM(broken));
	tcase_add_loop_test(tc, wrong_length, 0, 2);
	tcase_add_loop_test(tc, broken_response, 0, NELEM(bad_responses));
	tcase_add_test(tc, trailers_that_nobody_reads_any_more);
	suite_add_tcase(s, tc);
	return s;
}
