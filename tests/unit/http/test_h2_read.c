/* SPDX-License-Identifier: ISC */
/*
 * test_h2_read.c - header blocks become messages.  Blocks are written as lines
 * of "name: value"; the first colon that is not the first byte ends the name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "http/h2_read.h"
#include "suites.h"

#define GET ":method: GET\n:scheme: https\n:authority: o.test\n:path: /a?b\n"
#define POST ":method: POST\n:scheme: https\n:authority: o.test\n:path: /\n"
#define ASK(path) ":method: GET\n:scheme: https\n:authority: o.test\n:path: " path "\n"
#define TO(authority) ":method: GET\n:scheme: https\n:authority: " authority "\n:path: /\n"
#define WS                                                                                     \
	":method: CONNECT\n:protocol: websocket\n:scheme: https\n:authority: o.test\n:path: "  \
	"/c\n"
#define OK ":status: 200\n"

static struct message m;
static struct h2_read r;
static const struct h2_limits limits = {.header_size = 65536, .header_count = 256};

static void
setup(void)
{
	message_init(&m);
}

static void
teardown(void)
{
	message_free(&m);
}

static void
feed(struct str lines)
{
	struct str line;
	ssize_t colon;

	while (str_split(&lines, '\n', &line)) {
		if (line.n == 0)
			continue;
		colon = str_chr(str_from(line, 1), ':');
		ck_assert_int_ge(colon, 0);
		(void)h2_read_field(
		    &r, str_sub(line, 0, (size_t)colon + 1), str_from(line, (size_t)colon + 3));
	}
}

static int
read_block(enum h2_block block, struct str lines, bool last)
{
	h2_read_begin(&r, block, &m, &limits);
	feed(lines);
	return h2_read_end(&r, last);
}

static void
is(struct str got, const char *want, const char *what)
{
	ck_assert_msg(str_eq(got, str_z(want)), "%s is %.*s", what, STR_ARG(got));
}

/* All fields, "name=value;". */
static void
fields_are(const struct fields *f, const char *want)
{
	struct buf all = {0};
	uint32_t i;

	for (i = 0; i < f->n; i++) {
		buf_puts(&all, fields_name(f, &f->v[i]));
		buf_putc(&all, '=');
		buf_puts(&all, fields_value(f, &f->v[i]));
		buf_putc(&all, ';');
	}
	is(buf_str(&all), want, "the fields");
	buf_free(&all);
}

/* ---- what is refused ------------------------------------------------------------ */

static const struct refused {
	enum h2_block block;
	struct str lines;
	unsigned status;
	const char *why;
} refused[] = {
    /* pseudo-header fields, RFC 9113 8.3 */
    {H2_REQUEST, STR(":scheme: https\n:authority: o.test\n:path: /\n"), 400,
	"the method is no token"},
    {H2_REQUEST, STR(":method: G T\n:scheme: https\n:authority: o.test\n:path: /\n"), 400,
	"the method is no token"},
    {H2_REQUEST, STR(":method: GET\n:authority: o.test\n:path: /\n"), 400,
	"the scheme is neither http nor https"},
    {H2_REQUEST, STR(":method: GET\n:scheme: ftp\n:authority: o.test\n:path: /\n"), 400,
	"the scheme is neither http nor https"},
    {H2_REQUEST, STR(":method: GET\n:scheme: https\n:authority: o.test\n"), 400,
	"the path has a bad form"},
    {H2_REQUEST, STR(":method: GET\n:scheme: https\n:path: /\n"), 400,
	"the authority is missing"},
    {H2_REQUEST, STR(":method: GET\n:scheme: https\n:authority: \n:path: /\n"), 400,
	"the authority is missing"},
    {H2_REQUEST, STR(GET ":method: GET\n"), 400, "a pseudo-header field comes twice"},
    {H2_REQUEST, STR(GET ":path: /b\n"), 400, "a pseudo-header field comes twice"},
    {H2_REQUEST, STR(GET ":authority: o.test\n"), 400, "a pseudo-header field comes twice"},
    {H2_REQUEST, STR(GET ":scheme: https\n"), 400, "a pseudo-header field comes twice"},
    {H2_REQUEST, STR(WS ":protocol: x\n"), 400, "a pseudo-header field comes twice"},
    {H2_REQUEST, STR(":method: GET\n:scheme: https\n:authority: o.test\na: b\n:path: /\n"), 400,
	"a pseudo-header field in the wrong place"},
    {H2_REQUEST, STR(GET ":status: 200\n"), 400, "an unknown pseudo-header field"},
    {H2_REQUEST, STR(GET ":x: y\n"), 400, "an unknown pseudo-header field"},
    {H2_RESPONSE, STR(OK ":path: /\n"), 400, "an unknown pseudo-header field"},
    {H2_RESPONSE, STR(OK ":status: 200\n"), 400, "a pseudo-header field comes twice"},
    {H2_RESPONSE, STR("a: b\n:status: 200\n"), 400, "a pseudo-header field in the wrong place"},
    {H2_RESPONSE, STR("a: b\n"), 400, "the status is missing"},
    {H2_RESPONSE, STR(":status: 20\n"), 400, "the status is not a number of three digits"},
    {H2_RESPONSE, STR(":status: 2000\n"), 400, "the status is not a number of three digits"},
    {H2_RESPONSE, STR(":status: 099\n"), 400, "the status is not a number of three digits"},
    {H2_RESPONSE, STR(":status: +20\n"), 400, "the status is not a number of three digits"},
    {H2_RESPONSE, STR(":status: 2x0\n"), 400, "the status is not a number of three digits"},
    {H2_RESPONSE, STR(":status: 101\n"), 400, "status 101 does not exist in HTTP/2"},
    {H2_TRAILERS, STR(":status: 200\n"), 400, "a pseudo-header field in the wrong place"},
    {H2_TRAILERS, STR(":path: /\n"), 400, "a pseudo-header field in the wrong place"},
    /* CONNECT, RFC 9113 8.5, RFC 8441 4 */
    {H2_REQUEST, STR(":method: CONNECT\n:authority: o.test:1\n:path: /\n"), 400,
	"CONNECT with a scheme or a path"},
    {H2_REQUEST, STR(":method: CONNECT\n:authority: o.test:1\n:scheme: https\n"), 400,
	"CONNECT with a scheme or a path"},
    {H2_REQUEST, STR(":method: CONNECT\n:authority: o.test\n"), 400, "the port is missing"},
    {H2_REQUEST, STR(":method: CONNECT\n"), 400, "the authority is missing"},
    {H2_REQUEST, STR(GET ":protocol: websocket\n"), 400, ":protocol without CONNECT"},
    {H2_REQUEST, STR(":method: CONNECT\n:protocol: websocket\n:authority: o.test\n"), 400,
	"the scheme is neither http nor https"},
    /* where a next hop would see another request */
    {H2_REQUEST, STR(GET "host: p.test\n"), 400, "Host and :authority differ"},
    {H2_REQUEST, STR(GET "host: o.test:443\n"), 400, "Host and :authority differ"},
    {H2_REQUEST, STR(GET "host: \n"), 400, "Host and :authority differ"},
    {H2_REQUEST, STR(GET "host: o.test\nhost: o.test\n"), 400, "more than one Host field"},
    {H2_REQUEST, STR(TO("u@o.test")), 400, "user information in the authority"},
    {H2_REQUEST, STR(TO("o.test/x")), 400, "the host is neither a name nor an address"},
    {H2_REQUEST, STR(TO("o.test:99999")), 400, "the port is not a number from 1 to 65535"},
    {H2_REQUEST, STR(TO("o.test a")), 400, "the host is neither a name nor an address"},
    {H2_REQUEST, STR(":method: GET\n:scheme: https\n:path: /\nhost: u@o.test\n"), 400,
	"user information in the authority"},
    {H2_REQUEST, STR(ASK("")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("a")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("*")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("https://o.test/")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/a#b")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/a b")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/a\tb")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/a\rb")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/a\0b")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/\x7f")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/\x80")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(ASK("/\xc3\xbc")), 400, "the path has a bad form"},
    {H2_REQUEST, STR(GET "connection: close\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "keep-alive: 5\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "proxy-connection: close\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "upgrade: h2c\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "transfer-encoding: chunked\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "transfer_encoding: chunked\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "content_length: 1\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "te: gzip\n"), 400, "a field of the connection, which HTTP/2 has not"},
    {H2_REQUEST, STR(GET "te: trailers, gzip\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_RESPONSE, STR(OK "transfer-encoding: chunked\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_RESPONSE, STR(OK "connection: x\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    {H2_TRAILERS, STR("transfer-encoding: chunked\n"), 400,
	"a field of the connection, which HTTP/2 has not"},
    /* names and values, RFC 9113 8.2.1 */
    {H2_REQUEST, STR(GET "Accept: x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "a b: x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "a : x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "a\0: x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "a\r: x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "\xe4: x\n"), 400, "a field name that is no token in lower case"},
    {H2_REQUEST, STR(GET "a: x\ry\n"), 400, "a field value with control characters"},
    {H2_REQUEST, STR(GET "a: x\0y\n"), 400, "a field value with control characters"},
    {H2_REQUEST, STR(GET "a: x\x01y\n"), 400, "a field value with control characters"},
    {H2_REQUEST, STR(GET "a:  x\n"), 400, "a field value that begins or ends with white space"},
    {H2_REQUEST, STR(GET "a: x\t\n"), 400,
	"a field value that begins or ends with white space"},
    {H2_RESPONSE, STR(OK "a: x\x7fy\n"), 400, "a field value with control characters"},
    {H2_TRAILERS, STR("A: x\n"), 400, "a field name that is no token in lower case"},
    /* lengths */
    {H2_REQUEST, STR(POST "content-length: 1\ncontent-length: 1\n"), 400,
	"more than one Content-Length field"},
    {H2_REQUEST, STR(POST "content-length: 1\ncontent-length: 2\n"), 400,
	"more than one Content-Length field"},
    {H2_REQUEST, STR(POST "content-length: 1, 1\n"), 400,
	"Content-Length is not a plain number"},
    {H2_REQUEST, STR(POST "content-length: +1\n"), 400, "Content-Length is not a plain number"},
    {H2_REQUEST, STR(POST "content-length: 01\n"), 400, "Content-Length is not a plain number"},
    {H2_REQUEST, STR(POST "content-length: 0x1\n"), 400,
	"Content-Length is not a plain number"},
    {H2_REQUEST, STR(POST "content-length: \n"), 400, "Content-Length is not a plain number"},
    {H2_REQUEST, STR(POST "content-length: 9223372036854775808\n"), 400,
	"Content-Length is not a plain number"},
    {H2_RESPONSE, STR(OK "content-length: -1\n"), 400, "Content-Length is not a plain number"},
};

START_TEST(is_refused)
{
	const struct refused *row = &refused[_i];

	ck_assert_msg(
	    read_block(row->block, row->lines, row->block == H2_TRAILERS) == ERR_SYNTAX,
	    "%.*s passed", STR_ARG(row->lines));
	ck_assert_str_eq(r.error, row->why);
	ck_assert_uint_eq(r.error_status, row->status);
}
END_TEST

/* The first error stands, and the block may be fed to its end. */
START_TEST(the_first_error_stands)
{
	h2_read_begin(&r, H2_REQUEST, &m, &limits);
	feed(STR(GET "te: gzip\n"));
	ck_assert_int_eq(h2_read_field(&r, STR(":x"), STR("")), ERR_SYNTAX);
	ck_assert_int_eq(h2_read_end(&r, true), ERR_SYNTAX);
	ck_assert_str_eq(r.error, "a field of the connection, which HTTP/2 has not");
}
END_TEST

START_TEST(a_length_and_no_content)
{
	ck_assert_int_eq(
	    read_block(H2_REQUEST, STR(POST "content-length: 1\n"), true), ERR_SYNTAX);
	ck_assert_str_eq(r.error, "a Content-Length, and no content");
}
END_TEST

START_TEST(trailers_end_the_stream)
{
	ck_assert_int_eq(read_block(H2_TRAILERS, STR("a: b\n"), false), ERR_SYNTAX);
	ck_assert_str_eq(r.error, "trailers that do not end the stream");
}
END_TEST

/* What is refused is recorded: its method and path, if they can be shown. */
START_TEST(refused_and_shown)
{
	ck_assert_int_eq(read_block(H2_REQUEST, STR(GET "te: gzip\n"), true), ERR_SYNTAX);
	is(m.method, "GET", "the method");
	is(m.path, "/a?b", "the path");
	message_clear(&m);
	ck_assert_int_eq(read_block(H2_REQUEST, STR(ASK("/\x01")), true), ERR_SYNTAX);
	is(m.method, "GET", "the method");
	is(m.path, "", "the path");
	message_clear(&m);
	ck_assert_int_eq(
	    read_block(H2_REQUEST, STR(":method: \x01\n:path: /\n"), true), ERR_SYNTAX);
	is(m.method, "", "the method");
	is(m.path, "/", "the path");
}
END_TEST

/* ---- limits ------------------------------------------------------------------------ */

/* header_count fields pass, one more does not; pseudo-header fields are no fields. */
START_TEST(so_many_fields)
{
	unsigned most = 8, extra, i;

	for (extra = 0; extra <= 1; extra++) {
		struct h2_limits few = {.header_size = 65536, .header_count = most};

		message_clear(&m);
		h2_read_begin(&r, H2_REQUEST, &m, &few);
		feed(STR(GET));
		for (i = 0; i < most + extra; i++)
			(void)h2_read_field(&r, STR("a"), STR("b"));
		ck_assert_int_eq(h2_read_end(&r, true), extra == 0 ? 0 : ERR_LIMIT);
		ck_assert_uint_eq(r.error_status, extra == 0 ? 0 : 431);
	}
	ck_assert_str_eq(r.error, "the head has too many fields");
}
END_TEST

/* RFC 9113 6.5.2: 32 bytes more for each. A bomb costs no memory behind the limit. */
START_TEST(so_many_bytes)
{
	static char value[4000];
	struct h2_limits small = {.header_size = 100, .header_count = 256};
	unsigned i;

	memset(value, 'x', sizeof(value));
	h2_read_begin(&r, H2_RESPONSE, &m, &small);
	feed(STR(OK));
	ck_assert_int_eq(h2_read_field(&r, STR("a"), str_of(value, 100 - 42 - 33)), 0);
	ck_assert_int_eq(h2_read_field(&r, STR(""), STR("")), ERR_LIMIT);
	ck_assert_str_eq(r.error, "the head is too large");
	message_clear(&m);
	h2_read_begin(&r, H2_RESPONSE, &m, &limits);
	for (i = 0; i < 20000; i++)
		(void)h2_read_field(&r, STR("a"), str_of(value, sizeof(value)));
	ck_assert_int_eq(h2_read_end(&r, false), ERR_LIMIT);
	ck_assert_uint_eq(r.error_status, 431);
	ck_assert_uint_lt(m.fields.text.cap, 256u << 10);
}
END_TEST

START_TEST(four_thousand_fields)
{
	struct h2_limits many = {.header_size = 1u << 20, .header_count = 4096};
	unsigned i;

	h2_read_begin(&r, H2_RESPONSE, &m, &many);
	feed(STR(OK));
	for (i = 0; i < 4096; i++)
		(void)h2_read_field(&r, STR("a"), STR("b"));
	ck_assert_int_eq(h2_read_end(&r, false), 0);
	ck_assert_uint_eq(m.fields.n, 4096);
}
END_TEST

/* ---- what becomes of it ------------------------------------------------------------- */

static const struct request {
	struct str lines;
	bool last;
	const char *method, *target, *scheme, *authority, *path, *protocol, *fields;
	enum target_form form;
	bool has_body, is_head, is_connect, expects;
	int64_t length;
} requests[] = {
    {STR(GET), true, "GET", "/a?b", "https", "o.test", "/a?b", "", "host=o.test;",
	TARGET_ORIGIN, false, false, false, false, 0},
    {STR(GET "a: 1\nb: \na: 2\n"), true, "GET", "/a?b", "https", "o.test", "/a?b", "",
	"host=o.test;a=1;b=;a=2;", TARGET_ORIGIN, false, false, false, false, 0},
    /* Host where it was, and once */
    {STR(GET "a: 1\nhost: o.test\n"), true, "GET", "/a?b", "https", "o.test", "/a?b", "",
	"host=o.test;a=1;", TARGET_ORIGIN, false, false, false, false, 0},
    {STR(GET "host: O.TEST\n"), true, "GET", "/a?b", "https", "o.test", "/a?b", "",
	"host=o.test;", TARGET_ORIGIN, false, false, false, false, 0},
    {STR(":method: GET\n:scheme: http\n:path: /\na: 1\nhost: o.test:81\n"), true, "GET", "/",
	"http", "o.test:81", "/", "", "a=1;host=o.test:81;", TARGET_ORIGIN, false, false, false,
	false, 0},
    {STR(POST), false, "POST", "/", "https", "o.test", "/", "", "host=o.test;", TARGET_ORIGIN,
	true, false, false, false, -1},
    {STR(POST "content-length: 5\n"), false, "POST", "/", "https", "o.test", "/", "",
	"host=o.test;content-length=5;", TARGET_ORIGIN, true, false, false, false, 5},
    {STR(POST "content-length: 0\n"), true, "POST", "/", "https", "o.test", "/", "",
	"host=o.test;content-length=0;", TARGET_ORIGIN, false, false, false, false, 0},
    {STR(POST "expect: 100-Continue\nte: trailers\n"), false, "POST", "/", "https", "o.test",
	"/", "", "host=o.test;expect=100-Continue;te=trailers;", TARGET_ORIGIN, true, false,
	false, true, -1},
    {STR(":method: HEAD\n:scheme: https\n:authority: o.test\n:path: /\n"), true, "HEAD", "/",
	"https", "o.test", "/", "", "host=o.test;", TARGET_ORIGIN, false, true, false, false,
	0},
    {STR(":method: OPTIONS\n:scheme: https\n:authority: o.test\n:path: *\n"), true, "OPTIONS",
	"*", "https", "o.test", "*", "", "host=o.test;", TARGET_ASTERISK, false, false, false,
	false, 0},
    {STR(":method: BREW\n:path: /\n:authority: [::1]:8\n:scheme: https\n"), true, "BREW", "/",
	"https", "[::1]:8", "/", "", "host=[::1]:8;", TARGET_ORIGIN, false, false, false, false,
	0},
    {STR(":method: CONNECT\n:authority: o.test:80\n"), false, "CONNECT", "o.test:80", "",
	"o.test:80", "", "", "host=o.test:80;", TARGET_AUTHORITY, true, false, true, false, -1},
    {STR(WS "sec-websocket-version: 13\n"), false, "CONNECT", "/c", "https", "o.test", "/c",
	"websocket", "host=o.test;sec-websocket-version=13;", TARGET_ORIGIN, true, false, false,
	false, -1},
    {STR(GET "cookie: a=b\ncookie: c=d\n"), true, "GET", "/a?b", "https", "o.test", "/a?b", "",
	"host=o.test;cookie=a=b;cookie=c=d;", TARGET_ORIGIN, false, false, false, false, 0},
};

START_TEST(request_fields)
{
	const struct request *row = &requests[_i];

	ck_assert_int_eq(read_block(H2_REQUEST, row->lines, row->last), 0);
	ck_assert_ptr_null(r.error);
	ck_assert(m.is_request && m.keep_alive && !m.chunked && !m.until_close && !m.upgrade);
	ck_assert_int_eq(m.version, HTTP_VERSION_2);
	is(m.method, row->method, "the method");
	is(m.target, row->target, "the target");
	is(m.scheme, row->scheme, "the scheme");
	is(m.authority, row->authority, "the authority");
	is(m.path, row->path, "the path");
	is(m.protocol, row->protocol, "the protocol");
	fields_are(&m.fields, row->fields);
	ck_assert_int_eq(m.form, row->form);
	ck_assert_int_eq(m.has_body, row->has_body);
	ck_assert_int_eq(m.is_head, row->is_head);
	ck_assert_int_eq(m.is_connect, row->is_connect);
	ck_assert_int_eq(m.expect_continue, row->expects);
	ck_assert_int_eq(m.length, row->length);
	ck_assert_int_eq(m.head_bytes, -1);
}
END_TEST

static const struct response {
	struct str lines;
	bool last;
	unsigned status;
	const char *fields;
	bool has_body;
	int64_t length;
} responses[] = {
    {STR(OK), false, 200, "", true, -1},
    {STR(OK), true, 200, "", false, 0},
    {STR(OK "content-length: 7\nte: trailers\n"), false, 200, "content-length=7;te=trailers;",
	true, 7},
    /* Of HEAD and 304: what would have been. */
    {STR(OK "content-length: 7\n"), true, 200, "content-length=7;", false, 7},
    {STR(":status: 103\nlink: x\n"), false, 103, "link=x;", true, -1},
    {STR(":status: 799\n"), true, 799, "", false, 0},
    /* Origins send it, and clients overlook it. */
    {STR(OK "a:  x \t\nb: \x80\n"), true, 200, "a=x;b=\x80;", false, 0},
    {STR(OK "host: o.test\nhost: o.test\nexpect: 100-continue\n"), true, 200,
	"host=o.test;host=o.test;expect=100-continue;", false, 0},
};

START_TEST(response_fields)
{
	const struct response *row = &responses[_i];

	ck_assert_int_eq(read_block(H2_RESPONSE, row->lines, row->last), 0);
	ck_assert(!m.is_request && !m.expect_continue);
	ck_assert_uint_eq(m.status, row->status);
	is(m.reason, "", "the reason");
	fields_are(&m.fields, row->fields);
	ck_assert_int_eq(m.has_body, row->has_body);
	ck_assert_int_eq(m.length, row->length);
}
END_TEST

START_TEST(trailer_fields)
{
	ck_assert_int_eq(read_block(H2_RESPONSE, STR(OK "a: b\n"), false), 0);
	ck_assert_int_eq(read_block(H2_TRAILERS, STR("grpc-status: 0\na: c\n"), true), 0);
	fields_are(&m.fields, "a=b;");
	fields_are(&m.trailers, "grpc-status=0;a=c;");
	ck_assert_uint_eq(m.status, 200);
}
END_TEST

Suite *
h2_read_suite(void)
{
	Suite *s = suite_create("h2_read");
	TCase *tc = tcase_create("h2_read");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, is_refused, 0, NELEM(refused));
	tcase_add_test(tc, the_first_error_stands);
	tcase_add_test(tc, a_length_and_no_content);
	tcase_add_test(tc, trailers_end_the_stream);
	tcase_add_test(tc, refused_and_shown);
	tcase_add_test(tc, so_many_fields);
	tcase_add_test(tc, so_many_bytes);
	tcase_add_test(tc, four_thousand_fields);
	tcase_add_loop_test(tc, request_fields, 0, NELEM(requests));
	tcase_add_loop_test(tc, response_fields, 0, NELEM(responses));
	tcase_add_test(tc, trailer_fields);
	suite_add_tcase(s, tc);
	return s;
}
