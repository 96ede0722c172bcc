/* SPDX-License-Identifier: ISC */
/*
 * test_h2_write.c - messages become header blocks, and what HTTP/1 on one side
 * means on the other.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h1_read.h"
#include "http/h1_write.h"
#include "http/h2_read.h"
#include "http/h2_write.h"
#include "suites.h"

static struct message m;
static struct h2_block_out block;
static struct buf text;

static void
setup(void)
{
	message_init(&m);
}

static void
teardown(void)
{
	message_free(&m);
	h2_block_free(&block);
	buf_free(&text);
}

/* "name: value\n", with a ! where it is a secret. */
static void
block_is(struct str want)
{
	size_t i;

	buf_clear(&text);
	for (i = 0; i < block.n; i++) {
		buf_puts(&text, block.v[i].name);
		buf_putz(&text, block.v[i].secret ? ":! " : ": ");
		buf_puts(&text, block.v[i].value);
		buf_putc(&text, '\n');
	}
	ck_assert_msg(str_eq(buf_str(&text), want), "got\n%.*s", (int)text.len,
	    (const char *)buf_data(&text));
}

/* ---- HTTP/1 in ---------------------------------------------------------------------- */

static enum h1_body
on_head(void *arg UNUSED, struct message *msg UNUSED)
{
	return H1_BODY_AS_FRAMED;
}

static void
on_body(void *arg UNUSED, const uint8_t *p UNUSED, size_t n UNUSED)
{
}

static void
on_end(void *arg UNUSED, struct message *msg UNUSED)
{
}

static void
read_h1(enum h1_role role, struct str bytes)
{
	static const struct h1_reader_ops ops = {
	    .on_head = on_head, .on_body = on_body, .on_end = on_end};
	struct h1_limits limits = {.header_size = 65536, .header_count = 256};
	struct h1_reader *r = h1_reader_new(role, &limits, &ops, NULL);
	size_t used;

	h1_reader_next(r, &m);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)bytes.p, bytes.n, &used), 0);
	h1_reader_free(&r);
}

static const struct conversion {
	struct str in, out;
} h1_requests[] = {
    {STR("GET /a?b HTTP/1.1\r\nHost: o.test\r\nAccept: */*\r\nX-Y: 1\r\nx-y: 2\r\n\r\n"),
	STR(":method: GET\n:scheme: https\n:path: /a?b\n:authority: o.test\naccept: */*\nx-y: "
	    "1\n"
	    "x-y: 2\n")},
    {STR("GET http://o.test:81/ HTTP/1.1\r\nHost: x\r\n\r\n"),
	STR(":method: GET\n:scheme: http\n:path: /\n:authority: o.test:81\n")},
    {STR("OPTIONS * HTTP/1.1\r\nHost: o.test\r\n\r\n"),
	STR(":method: OPTIONS\n:scheme: https\n:path: *\n:authority: o.test\n")},
    {STR("GET / HTTP/1.0\r\n\r\n"), STR(":method: GET\n:scheme: https\n:path: /\n")},
    /* framing */
    {STR("POST / HTTP/1.1\r\nHost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"),
	STR(":method: POST\n:scheme: https\n:path: /\n:authority: o.test\n")},
    {STR("POST / HTTP/1.1\r\nHost: o.test\r\nContent-Length: 3\r\nExpect: "
	 "100-continue\r\n\r\n"),
	STR(":method: POST\n:scheme: https\n:path: /\n:authority: o.test\ncontent-length: 3\n"
	    "expect: 100-continue\n")},
    /* what belongs to the connection */
    {STR("GET / HTTP/1.1\r\nHost: o.test\r\nConnection: x-hop, keep-alive\r\nX-Hop: 1\r\n"
	 "Keep-Alive: 5\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: close\r\n"
	 "Upgrade: h2c\r\nHTTP2-Settings: AAAA\r\nX: y\r\n\r\n"),
	STR(":method: GET\n:scheme: https\n:path: /\n:authority: o.test\nx: y\n")},
    {STR("GET / HTTP/1.1\r\nHost: o.test\r\nConnection: TE\r\nTE: gzip, trailers;q=1\r\n\r\n"),
	STR(":method: GET\n:scheme: https\n:path: /\n:authority: o.test\n")},
    {STR("GET / HTTP/1.1\r\nHost: o.test\r\nConnection: TE\r\nTE: gzip, trailers\r\n\r\n"),
	STR(":method: GET\n:scheme: https\n:path: /\n:authority: o.test\nte: trailers\n")},
    /* credentials are never indexed */
    {STR("GET / HTTP/1.1\r\nHost: o.test\r\nAuthorization: Basic eA==\r\nCookie: a=b\r\n"
	 "Cookie: long=abcdefghijklmnop\r\n\r\n"),
	STR(":method: GET\n:scheme: https\n:path: /\n:authority: o.test\n"
	    "authorization:! Basic eA==\ncookie:! a=b\ncookie: long=abcdefghijklmnop\n")},
};

START_TEST(h1_request_to_h2)
{
	read_h1(H1_REQUESTS, h1_requests[_i].in);
	h2_write_request(&block, &m, STR("https"));
	block_is(h1_requests[_i].out);
}
END_TEST

static const struct conversion h1_responses[] = {
    {STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"),
	STR(":status: 200\ncontent-length: 3\nset-cookie: a\nset-cookie: b\n")},
    {STR("HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"),
	STR(":status: 404\ntrailer: X\n")},
    {STR("HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: 1\r\nAlt-Svc: h3=\":443\"\r\n"
	 "Proxy-Authenticate: x\r\nProxy-Status: p\r\nTE: trailers\r\nHost: x\r\n\r\n"),
	STR(":status: 200\nproxy-status: p\n")},
    {STR("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), STR(":status: 103\nlink: x\n")},
};

START_TEST(h1_response_to_h2)
{
	read_h1(H1_RESPONSES, h1_responses[_i].in);
	h2_write_response(&block, &m);
	block_is(h1_responses[_i].out);
}
END_TEST

START_TEST(trailers)
{
	fields_add(&m.trailers, STR("Grpc-Status"), STR("0"));
	fields_add(&m.trailers, STR("Content-Length"), STR("1"));
	fields_add(&m.trailers, STR("Transfer-Encoding"), STR("chunked"));
	fields_add(&m.trailers, STR("Set-Cookie"), STR("a"));
	fields_add(&m.trailers, STR("Host"), STR("a"));
	fields_add(&m.trailers, STR("X"), STR(" y "));
	h2_write_trailers(&block, &m.trailers);
	block_is(STR("grpc-status: 0\nx: y\n"));
}
END_TEST

START_TEST(extended_connect)
{
	m.is_request = true;
	m.method = STR("CONNECT");
	m.protocol = STR("websocket");
	m.scheme = STR("https");
	m.path = STR("/c");
	m.authority = STR("o.test");
	h2_write_request(&block, &m, STR("http"));
	block_is(STR(":method: CONNECT\n:scheme: https\n:path: /c\n:authority: o.test\n"
		     ":protocol: websocket\n"));
}
END_TEST

START_TEST(connect)
{
	m.is_request = m.is_connect = true;
	m.method = STR("CONNECT");
	m.authority = m.target = STR("o.test:80");
	h2_write_request(&block, &m, STR("https"));
	block_is(STR(":method: CONNECT\n:authority: o.test:80\n"));
}
END_TEST

/* Names do not move while more of them come. */
START_TEST(many_names)
{
	char name[32];
	size_t i;

	m.status = 200;
	for (i = 0; i < 4096; i++) {
		(void)snprintf(name, sizeof(name), "X-Name-%zu", i);
		fields_add(&m.fields, str_z(name), STR("v"));
	}
	h2_write_response(&block, &m);
	ck_assert_uint_eq(block.n, 4097);
	for (i = 0; i < 4096; i++) {
		(void)snprintf(name, sizeof(name), "x-name-%zu", i);
		ck_assert(str_eq(block.v[i + 1].name, str_z(name)));
	}
}
END_TEST

/* ---- HTTP/2 in, HTTP/1 out ------------------------------------------------------------- */

static void
read_h2(enum h2_block what, struct str lines, bool last)
{
	struct h2_limits limits = {.header_size = 65536, .header_count = 256};
	struct h2_read r;
	struct str line;
	ssize_t colon;

	h2_read_begin(&r, what, &m, &limits);
	while (str_split(&lines, '\n', &line)) {
		if (line.n == 0)
			continue;
		colon = str_chr(str_from(line, 1), ':');
		(void)h2_read_field(
		    &r, str_sub(line, 0, (size_t)colon + 1), str_from(line, (size_t)colon + 3));
	}
	ck_assert_int_eq(h2_read_end(&r, last), 0);
}

#define HEAD(method) ":method: " method "\n:scheme: https\n:authority: o.test\n:path: /\n"

static const struct h2_to_h1 {
	enum h2_block block;
	struct str in, out;
	bool last;
} from_h2[] = {
    {H2_REQUEST, STR(HEAD("GET") "accept: x\n"),
	STR("GET / HTTP/1.1\r\nhost: o.test\r\naccept: x\r\n\r\n"), true},
    {H2_REQUEST, STR(HEAD("GET") "cookie: a=b\nx: y\ncookie: c=d\n"),
	STR("GET / HTTP/1.1\r\nhost: o.test\r\ncookie: a=b; c=d\r\nx: y\r\n\r\n"), true},
    {H2_REQUEST, STR(HEAD("GET") "te: trailers\n"),
	STR("GET / HTTP/1.1\r\nhost: o.test\r\nte: trailers\r\nConnection: TE\r\n\r\n"), true},
    {H2_REQUEST, STR(HEAD("POST")),
	STR("POST / HTTP/1.1\r\nhost: o.test\r\nTransfer-Encoding: chunked\r\n\r\n"), false},
    {H2_REQUEST, STR(HEAD("POST")),
	STR("POST / HTTP/1.1\r\nhost: o.test\r\nContent-Length: 0\r\n\r\n"), true},
    {H2_REQUEST, STR(HEAD("POST") "content-length: 5\nexpect: 100-continue\n"),
	STR("POST / HTTP/1.1\r\nhost: o.test\r\ncontent-length: 5\r\nexpect: "
	    "100-continue\r\n\r\n"),
	false},
    {H2_REQUEST, STR(HEAD("OPTIONS")), STR("OPTIONS / HTTP/1.1\r\nhost: o.test\r\n\r\n"), true},
    {H2_RESPONSE, STR(":status: 200\ncontent-length: 2\n"),
	STR("HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"), false},
    {H2_RESPONSE, STR(":status: 200\na: b\n"),
	STR("HTTP/1.1 200 \r\na: b\r\nTransfer-Encoding: chunked\r\n\r\n"), false},
    {H2_RESPONSE, STR(":status: 200\n"), STR("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
	true},
    {H2_RESPONSE, STR(":status: 204\n"), STR("HTTP/1.1 204 \r\n\r\n"), true},
    {H2_RESPONSE, STR(":status: 304\ncontent-length: 9\n"),
	STR("HTTP/1.1 304 \r\ncontent-length: 9\r\n\r\n"), true},
};

START_TEST(h2_to_h1)
{
	const struct h2_to_h1 *row = &from_h2[_i];
	struct h1_write w = {.version = HTTP_VERSION_1_1, .connection = -1};

	read_h2(row->block, row->in, row->last);
	w.framing = h1_write_framing(&m, HTTP_VERSION_1_1, false);
	h1_write_head(&text, &m, &w);
	ck_assert_msg(str_eq(buf_str(&text), row->out), "got\n%.*s", (int)text.len,
	    (const char *)buf_data(&text));
}
END_TEST

START_TEST(h2_trailers_to_h1)
{
	read_h2(H2_RESPONSE, STR(":status: 200\n"), false);
	read_h2(H2_TRAILERS, STR("a: b\ncontent-length: 1\nhost: x\n"), true);
	h1_write_last_chunk(&text, &m.trailers);
	ck_assert(str_eq(buf_str(&text), STR("0\r\na: b\r\n\r\n")));
}
END_TEST

/* What was read is written the same. */
static const struct str through[] = {
    STR(HEAD("GET") "a: 1\ncookie: a=b\ncookie: c=ddddddddddddddddddd\nte: trailers\n"),
    STR(":method: GET\n:scheme: http\n:path: /x\nhost: o.test\n"),
};

START_TEST(h2_to_h2)
{
	static const struct str out[] = {
	    STR(":method: GET\n:scheme: https\n:path: /\n:authority: o.test\na: 1\n"
		"cookie:! a=b\ncookie: c=ddddddddddddddddddd\nte: trailers\n"),
	    STR(":method: GET\n:scheme: http\n:path: /x\n:authority: o.test\n"),
	};

	read_h2(H2_REQUEST, through[_i], true);
	h2_write_request(&block, &m, STR("https"));
	block_is(out[_i]);
}
END_TEST

Suite *
h2_write_suite(void)
{
	Suite *s = suite_create("h2_write");
	TCase *tc = tcase_create("h2_write");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, h1_request_to_h2, 0, NELEM(h1_requests));
	tcase_add_loop_test(tc, h1_response_to_h2, 0, NELEM(h1_responses));
	tcase_add_test(tc, trailers);
	tcase_add_test(tc, extended_connect);
	tcase_add_test(tc, connect);
	tcase_add_test(tc, many_names);
	tcase_add_loop_test(tc, h2_to_h1, 0, NELEM(from_h2));
	tcase_add_test(tc, h2_trailers_to_h1);
	tcase_add_loop_test(tc, h2_to_h2, 0, NELEM(through));
	suite_add_tcase(s, tc);
	return s;
}
