/* SPDX-License-Identifier: ISC */
/* test_h1_write.c - heads written anew, read from bytes first. */
#include "config.h"

#include "http/h1_read.h"
#include "http/h1_write.h"
#include "suites.h"

struct read {
	struct h1_reader *r;
	struct message m;
	enum h1_body answer;
};

static enum h1_body
on_head(void *arg, struct message *m)
{
	const struct read *x = arg;

	(void)m;
	return x->answer;
}

static void
on_body(void *arg, const uint8_t *p, size_t n)
{
	(void)arg, (void)p, (void)n;
}

static void
on_end(void *arg, struct message *m)
{
	(void)arg, (void)m;
}

static void
read_head(struct read *x, const char *bytes)
{
	static const struct h1_reader_ops OPS = {on_head, on_body, on_end};
	struct h1_limits limits = {.header_size = 65536, .header_count = 100};
	bool response = strncmp(bytes, "HTTP/", 5) == 0;
	size_t used;

	message_init(&x->m);
	x->r = h1_reader_new(response ? H1_RESPONSES : H1_REQUESTS, &limits, &OPS, x);
	h1_reader_next(x->r, &x->m);
	ck_assert_msg(h1_reader_feed(x->r, (const uint8_t *)bytes, strlen(bytes), &used) == 0,
	    "%s: %s", bytes, h1_reader_error(x->r)->text);
}

static void
read_free(struct read *x)
{
	h1_reader_free(&x->r);
	message_free(&x->m);
}

struct row {
	const char *in;
	struct h1_write w;
	const char *out;
};

#define V11 .version = HTTP_VERSION_1_1, .connection = -1
#define OK "HTTP/1.1 200 OK\r\n"

static const struct row HEADS[] = {
	/* case, order and duplicates stay */
	{"GET /x?y HTTP/1.1\r\nhOsT: a\r\nX-b: 1\r\nx-B: 2\r\nA:  z \r\nX-B: 3\r\n\r\n", {V11},
	    "GET /x?y HTTP/1.1\r\nhOsT: a\r\nX-b: 1\r\nx-B: 2\r\nA: z\r\nX-B: 3\r\n\r\n"},
	/* the target decides about Host, which stays where it was */
	{"GET http://b:81/x HTTP/1.1\r\nA: 1\r\nhost: a\r\n\r\n", {V11},
	    "GET /x HTTP/1.1\r\nA: 1\r\nhost: b:81\r\n\r\n"},
	{"GET http://b/x HTTP/1.0\r\nA: 1\r\n\r\n", {V11},
	    "GET /x HTTP/1.1\r\nHost: b\r\nA: 1\r\n\r\n"},
	{"GET /x HTTP/1.0\r\n\r\n", {V11}, "GET /x HTTP/1.1\r\nHost: \r\n\r\n"},
	{"GET /x HTTP/1.0\r\n\r\n", {.version = HTTP_VERSION_1_0, .connection = -1},
	    "GET /x HTTP/1.0\r\n\r\n"},
	{"GET http://b?q HTTP/1.1\r\nHost: b\r\n\r\n", {V11, .absolute = true},
	    "GET http://b/?q HTTP/1.1\r\nHost: b\r\n\r\n"},
	{"GET /q HTTP/1.1\r\nHost: b\r\n\r\n", {V11, .absolute = true},
	    "GET http://b/q HTTP/1.1\r\nHost: b\r\n\r\n"},
	{"OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n", {V11},
	    "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n"},
	{"OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n", {V11},
	    "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n"},
	{"OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n", {V11, .absolute = true},
	    "OPTIONS http://b HTTP/1.1\r\nHost: b\r\n\r\n"},
	{"CONNECT b:443 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: x\r\n\r\n", {V11},
	    "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n"},
	{"CONNECT b:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n",
	    {V11, .own_proxy_auth = true},
	    "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\nProxy-Authorization: x\r\n\r\n"},
	/* hop by hop */
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Secret, host\r\nX-Secret: 1\r\n"
	 "Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\n"
	 "HTTP2-Settings: y\r\nUpgrade: h2c\r\nTE: gzip\r\nTrailer: X\r\nVia: v\r\n\r\n",
	    {V11}, "GET / HTTP/1.1\r\nHost: a\r\nTrailer: X\r\nVia: v\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\nConnection: Authorization, Content-Length, Cookie\r\n"
	 "Authorization: b\r\nContent-Length: 0\r\nCookie: c\r\n\r\n",
	    {V11, .framing = H1_FRAME_LENGTH},
	    "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: b\r\nContent-Length: 0\r\n"
	    "Cookie: c\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers\r\nConnection: TE\r\nA: b\r\n\r\n", {V11},
	    "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nA: b\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n", {.version = HTTP_VERSION_1_1, .connection = 0},
	    "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\nconnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
	 "A: b\r\n\r\n",
	    {V11, .upgrade = true},
	    "GET / HTTP/1.1\r\nHost: a\r\nconnection: Upgrade\r\nUpgrade: websocket\r\n"
	    "A: b\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", {.version = HTTP_VERSION_1_1, .connection = 1},
	    "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"},
	{OK "Content-Length: 0\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\n"
	    "Alt-Svc: h3=x\r\nProxy-Status: s\r\n\r\n",
	    {V11, .framing = H1_FRAME_LENGTH},
	    OK "Content-Length: 0\r\nProxy-Status: s\r\n\r\n"},
	{"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
	    {V11, .framing = H1_FRAME_LENGTH, .own_proxy_auth = true},
	    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"},
	{"GET / HTTP/1.1\r\nHost: a\r\nAlt-Svc: x\r\n\r\n", {V11},
	    "GET / HTTP/1.1\r\nHost: a\r\nAlt-Svc: x\r\n\r\n"},
	/* framing is ours */
	{OK "A: b\r\ncontent-length: 5, 5\r\nContent-Length: 5\r\nC: d\r\n\r\n",
	    {V11, .framing = H1_FRAME_LENGTH},
	    OK "A: b\r\ncontent-length: 5\r\nC: d\r\n\r\n"},
	{OK "transfer-encoding: Chunked\r\nA: b\r\n\r\n", {V11, .framing = H1_FRAME_CHUNKED},
	    OK "transfer-encoding: chunked\r\nA: b\r\n\r\n"},
	{OK "Transfer-Encoding: chunked\r\nA: b\r\n\r\n",
	    {.version = HTTP_VERSION_1_1, .connection = 0, .framing = H1_FRAME_CLOSE},
	    OK "A: b\r\nConnection: close\r\n\r\n"},
	{OK "Content-Length: 5\r\nA: b\r\n\r\n", {V11, .framing = H1_FRAME_CHUNKED},
	    OK "Transfer-Encoding: chunked\r\nA: b\r\n\r\n"},
	{OK "A: b\r\n\r\n", {V11, .framing = H1_FRAME_CHUNKED},
	    OK "A: b\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", {V11},
	    "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n"},
	{"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", {V11}, "HTTP/1.1 204 No\r\n\r\n"},
	{"HTTP/1.1 103 No\r\nContent-Length: 5\r\nLink: x\r\n\r\n", {V11},
	    "HTTP/1.1 103 No\r\nLink: x\r\n\r\n"},
	{"HTTP/1.1 200\r\n\r\n", {V11, .framing = H1_FRAME_CLOSE}, "HTTP/1.1 200 \r\n\r\n"},
};

START_TEST(heads)
{
	const struct row *row = &HEADS[_i];
	struct read x = {.answer = H1_BODY_AS_FRAMED};
	struct buf out;

	buf_init(&out, 0);
	read_head(&x, row->in);
	h1_write_head(&out, &x.m, &row->w);
	buf_putc(&out, '\0');
	ck_assert_str_eq((char *)buf_data(&out), row->out);
	buf_free(&out);
	read_free(&x);
}
END_TEST

/* What was written reads as the same message, and is written the same again. */
START_TEST(round_trip)
{
	const struct row *row = &HEADS[_i];
	struct read x = {.answer = H1_BODY_AS_FRAMED}, y = {.answer = H1_BODY_AS_FRAMED};
	struct buf out, again;

	buf_init(&out, 0);
	buf_init(&again, 0);
	if (strstr(row->out, "Host: \r\n") != NULL)
		return;	/* no target to tell: only our own requests are like that */
	read_head(&x, row->in);
	h1_write_head(&out, &x.m, &row->w);
	buf_putc(&out, '\0');
	read_head(&y, (char *)buf_data(&out));
	h1_write_head(&again, &y.m, &row->w);
	buf_putc(&again, '\0');
	ck_assert_str_eq((char *)buf_data(&again), (char *)buf_data(&out));
	ck_assert(str_eq(x.m.method, y.m.method));
	ck_assert(str_eq(x.m.path, y.m.path));
	ck_assert(str_eq(x.m.authority, y.m.authority));
	ck_assert_uint_eq(x.m.status, y.m.status);
	buf_free(&out);
	buf_free(&again);
	read_free(&x);
	read_free(&y);
}
END_TEST

START_TEST(framing)
{
	static const struct {
		const char *in;
		enum http_version peer;
		bool head;
		enum h1_framing framing;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_NONE},
		{"POST / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_NONE},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", HTTP_VERSION_1_1, false,
		    H1_FRAME_LENGTH},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", HTTP_VERSION_1_1, false,
		    H1_FRAME_LENGTH},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		    HTTP_VERSION_1_1, false, H1_FRAME_CHUNKED},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_NONE},
		{OK "Content-Length: 5\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_LENGTH},
		{OK "Content-Length: 5\r\n\r\n", HTTP_VERSION_1_1, true, H1_FRAME_NONE},
		{OK "Content-Length: 0\r\n\r\n", HTTP_VERSION_1_0, false, H1_FRAME_LENGTH},
		{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_CHUNKED},
		{OK "Transfer-Encoding: chunked\r\n\r\n", HTTP_VERSION_1_0, false, H1_FRAME_CLOSE},
		{OK "Transfer-Encoding: gzip\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_CLOSE},
		{OK "\r\n", HTTP_VERSION_1_1, false, H1_FRAME_CLOSE},
		{"HTTP/1.1 204 No\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_NONE},
		{"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", HTTP_VERSION_1_1, false,
		    H1_FRAME_NONE},
		{"HTTP/1.1 100 Go\r\n\r\n", HTTP_VERSION_1_1, false, H1_FRAME_NONE},
	};
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		struct read x = {.answer = rows[i].head ? H1_BODY_NONE : H1_BODY_AS_FRAMED};

		read_head(&x, rows[i].in);
		ck_assert_msg(h1_write_framing(&x.m, rows[i].peer, rows[i].head) ==
			rows[i].framing, "%s", rows[i].in);
		read_free(&x);
	}
}
END_TEST

/* A request as HTTP/2 has it: no Host field, cut cookies, no length for nothing. */
START_TEST(from_http2)
{
	struct h1_write w = {V11};
	struct message m;
	struct buf out;

	message_init(&m);
	buf_init(&out, 0);
	m.is_request = true;
	m.version = HTTP_VERSION_2;
	m.method = STR("POST");
	m.scheme = STR("https");
	m.authority = STR("a");
	m.path = STR("/x");
	fields_add(&m.fields, STR("cookie"), STR("a=b"));
	fields_add(&m.fields, STR("te"), STR("trailers"));
	fields_add(&m.fields, STR("cookie"), STR("c=d"));
	w.framing = h1_write_framing(&m, HTTP_VERSION_1_1, false);
	h1_write_head(&out, &m, &w);
	buf_putc(&out, '\0');
	ck_assert_str_eq((char *)buf_data(&out),
	    "POST /x HTTP/1.1\r\nHost: a\r\ncookie: a=b; c=d\r\nte: trailers\r\n"
	    "Content-Length: 0\r\nConnection: TE\r\n\r\n");
	buf_clear(&out);
	m.method = STR("GET");
	ck_assert_int_eq(h1_write_framing(&m, HTTP_VERSION_1_1, false), H1_FRAME_NONE);
	m.length = -1;
	ck_assert_int_eq(h1_write_framing(&m, HTTP_VERSION_1_1, false), H1_FRAME_CHUNKED);
	buf_free(&out);
	message_free(&m);
}
END_TEST

START_TEST(chunk_heads)
{
	char head[20];

	ck_assert_uint_eq(h1_write_chunk_head(head, 0x1f4), 5);
	ck_assert_mem_eq(head, "1f4\r\n", 5);
	ck_assert_uint_eq(h1_write_chunk_head(head, SIZE_MAX), 18);
}
END_TEST

START_TEST(last_chunks)
{
	struct fields f;
	struct buf out;

	fields_init(&f);
	buf_init(&out, 0);
	h1_write_last_chunk(&out, NULL);
	ck_assert(str_eq(buf_str(&out), STR("0\r\n\r\n")));
	buf_clear(&out);
	fields_add(&f, STR("Content-Length"), STR("1"));
	fields_add(&f, STR("Transfer-Encoding"), STR("chunked"));
	fields_add(&f, STR("Host"), STR("h"));
	fields_add(&f, STR("Authorization"), STR("a"));
	fields_add(&f, STR("Connection"), STR("x-y"));
	fields_add(&f, STR("X-Y"), STR("dropped"));
	fields_add(&f, STR("grpc-status"), STR("0"));
	h1_write_last_chunk(&out, &f);
	ck_assert(str_eq(buf_str(&out), STR("0\r\ngrpc-status: 0\r\n\r\n")));
	buf_free(&out);
	fields_free(&f);
}
END_TEST

Suite *
h1_write_suite(void)
{
	Suite *s = suite_create("h1_write");
	TCase *tc = tcase_create("writer");

	tcase_add_loop_test(tc, heads, 0, NELEM(HEADS));
	tcase_add_loop_test(tc, round_trip, 0, NELEM(HEADS));
	tcase_add_test(tc, framing);
	tcase_add_test(tc, from_http2);
	tcase_add_test(tc, chunk_heads);
	tcase_add_test(tc, last_chunks);
	suite_add_tcase(s, tc);
	return s;
}
