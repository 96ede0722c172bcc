/* SPDX-License-Identifier: ISC */
/* test_h1_read.c - the reader's contract: streams, limits, ends, counts. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "suites.h"
#include "trace.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static const char *
text_of(const struct trace *t)
{
	return (const char *)buf_data(&t->text);
}

static void
run(struct trace *t, const char *bytes)
{
	if (t->limits.header_size == 0)
		t->limits = TRACE_LIMITS;
	trace_run(t, str_z(bytes));
}

START_TEST(pipelining)
{
	struct trace t = {.role = H1_REQUESTS};

	run(&t, GET "\r\nPOST /2 HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi"
		    "GET /3 HTTP/1.1\r\nHost: c\r\n\r\nGET /4");
	ck_assert_int_eq(t.err, 0);
	ck_assert_uint_eq(t.messages, 3);
	ck_assert_str_eq(t.pending, "GET /4");
	ck_assert_int_eq(t.state, H1_IN_HEAD);
	trace_free(&t);
}
END_TEST

static void
ignore_body(void *arg, const uint8_t *p, size_t n)
{
	(void)arg, (void)p, (void)n;
}

static enum h1_body
ignore_head(void *arg, struct message *m)
{
	(void)arg, (void)m;
	return H1_BODY_AS_FRAMED;
}

static void
ignore_end(void *arg, struct message *m)
{
	(void)arg, (void)m;
}

START_TEST(stops_behind_a_message)
{
	static const struct h1_reader_ops OPS = {ignore_head, ignore_body, ignore_end};
	struct h1_limits limits = TRACE_LIMITS;
	struct h1_reader *r = h1_reader_new(H1_REQUESTS, &limits, &OPS, NULL);
	static const char BYTES[] = GET "\r\nrest";
	struct message m;
	size_t used;

	message_init(&m);
	h1_reader_next(r, &m);
	ck_assert_int_eq(h1_reader_state(r), H1_IDLE);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)BYTES, 0, &used), 0);
	ck_assert_int_eq(h1_reader_state(r), H1_IDLE);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)BYTES, sizeof(BYTES) - 1, &used), 0);
	ck_assert_uint_eq(used, sizeof(BYTES) - 1 - 4);
	ck_assert_int_eq(h1_reader_state(r), H1_DONE);
	h1_reader_free(&r);
	ck_assert_ptr_null(r);
	h1_reader_free(&r);
	h1_reader_free(NULL);
	message_free(&m);
}
END_TEST

START_TEST(nothing_after_failure)
{
	static const struct h1_reader_ops OPS = {ignore_head, ignore_body, ignore_end};
	struct h1_limits limits = TRACE_LIMITS;
	struct h1_reader *r = h1_reader_new(H1_REQUESTS, &limits, &OPS, NULL);
	struct message m;
	size_t used;

	message_init(&m);
	h1_reader_next(r, &m);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)"x\n", 2, &used), ERR_SYNTAX);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)GET, 9, &used), ERR_SYNTAX);
	ck_assert_uint_eq(used, 0);
	ck_assert_int_eq(h1_reader_eof(r), ERR_CLOSED);
	h1_reader_free(&r);
	message_free(&m);
}
END_TEST

START_TEST(chunks_and_trailers)
{
	struct trace t = {.role = H1_RESPONSES};

	run(&t, OK "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n7\r\n, world\r\n"
		   "0\r\nGrpc-Status: 0\r\nB: \r\n\r\n");
	ck_assert_ptr_nonnull(strstr(text_of(&t), "body 12 [hello, world]\n"));
	ck_assert_ptr_nonnull(strstr(text_of(&t),
	    "end head=47 body=12 wire=99 keep trailer<Grpc-Status=0> trailer<B=>\n"));
	trace_free(&t);
}
END_TEST

/* Content goes on as it lies in the input, in as few pieces as it has chunks. */
START_TEST(large_slices)
{
	struct trace t = {.role = H1_RESPONSES, .limits = TRACE_LIMITS};
	struct buf in;

	buf_init(&in, 0);
	buf_putz(&in, OK "Content-Length: 100000\r\n\r\n");
	memset(buf_reserve(&in, 100000), 'x', 100000);
	buf_commit(&in, 100000);
	buf_putz(&in, OK "Transfer-Encoding: chunked\r\n\r\n186a0\r\n");
	memset(buf_reserve(&in, 100000), 'x', 100000);
	buf_commit(&in, 100000);
	buf_putz(&in, "\r\n0\r\n\r\n");
	trace_run(&t, buf_str(&in));
	ck_assert_int_eq(t.err, 0);
	ck_assert_uint_eq(t.messages, 2);
	ck_assert_uint_eq(t.slices, 2);
	trace_free(&t);
	buf_free(&in);
}
END_TEST

START_TEST(answer_to_head)
{
	struct trace t = {.role = H1_RESPONSES, .answers_head = true};

	run(&t, OK "Content-Length: 5\r\n\r\n" OK "Transfer-Encoding: chunked\r\n\r\n" OK "\r\n");
	ck_assert_int_eq(t.err, 0);
	ck_assert_uint_eq(t.messages, 3);
	/* Without a body nothing has to be ended by the connection. */
	ck_assert_ptr_nonnull(strstr(text_of(&t), "end head=19 body=0 wire=19 keep"));
	trace_free(&t);
}
END_TEST

START_TEST(tunnels)
{
	struct trace t = {.role = H1_REQUESTS}, u = {.role = H1_RESPONSES};

	run(&t, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n\026\003\001");
	ck_assert_uint_eq(t.messages, 1);
	ck_assert_int_eq(t.state, H1_DONE);
	ck_assert_uint_eq(t.used, 39);
	trace_free(&t);
	run(&u, "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01");
	ck_assert_uint_eq(u.messages, 1);
	ck_assert_int_eq(u.state, H1_DONE);
	ck_assert_ptr_nonnull(strstr(text_of(&u), "keep upgrade"));
	trace_free(&u);
}
END_TEST

START_TEST(ends)
{
	static const struct {
		enum h1_role role;
		const char *bytes;
		int err;
		unsigned messages;
	} rows[] = {
		{H1_REQUESTS, "", 0, 0},
		{H1_REQUESTS, "\r\n", 0, 0},
		{H1_REQUESTS, "G", ERR_CLOSED, 0},
		{H1_REQUESTS, GET, ERR_CLOSED, 0},
		{H1_REQUESTS, GET "\r\n", 0, 1},
		{H1_REQUESTS, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", ERR_CLOSED, 0},
		{H1_RESPONSES, OK "\r\n", 0, 1},
		{H1_RESPONSES, OK "\r\nto the end", 0, 1},
		{H1_RESPONSES, OK "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", ERR_CLOSED, 0},
		{H1_RESPONSES, OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", ERR_CLOSED, 0},
		{H1_RESPONSES, OK "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n", ERR_CLOSED, 0},
		{H1_RESPONSES, OK "Content-Length: 3\r\n\r\n", ERR_CLOSED, 0},
	};
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		struct trace t = {.role = rows[i].role, .eof = true};

		run(&t, rows[i].bytes);
		ck_assert_msg(t.eof_err == rows[i].err, "%s: %d", rows[i].bytes, t.eof_err);
		ck_assert_msg(t.messages == rows[i].messages, "%s", rows[i].bytes);
		if (t.eof_err != 0)
			ck_assert_str_eq(t.error.text, "the connection ended inside a message");
		trace_free(&t);
	}
}
END_TEST

START_TEST(pending_heads)
{
	static const struct {
		const char *bytes, *pending;
	} rows[] = {
		{"", ""},
		{"GET / HT", "GET / HT"},
		{GET "X", GET "X"},
		{GET "X : y\r\nmore\r\n\r\n", GET "X : y\r\n"},
		{"\r\nGET /\r\nX: y\r\n\r\n", "GET /\r\n"},
		{"GET / HTTP/1.1\r\n\r\nrest", "GET / HTTP/1.1\r\n\r\n"},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx", ""},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX", ""},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", ""},
	};
	size_t i, step;

	for (i = 0; i < NELEM(rows); i++)
		for (step = 0; step < 2; step++) {
			struct trace t = {.role = H1_REQUESTS, .cut = step, .step = step};

			run(&t, rows[i].bytes);
			ck_assert_str_eq(t.pending, rows[i].pending);
			trace_free(&t);
		}
}
END_TEST

static struct str
padded(struct buf *b, const char *before, size_t n, const char *after)
{
	size_t i;

	buf_init(b, 0);
	buf_putz(b, before);
	for (i = 0; i < n; i++)
		buf_putc(b, 'x');
	buf_putz(b, after);
	return buf_str(b);
}

/* Each limit: what just fits, and one byte or field more, whole and byte by byte. */
static void
check_limit(enum h1_role role, struct str bytes, int err, unsigned status, const char *text)
{
	size_t step;

	for (step = 0; step < 2; step++) {
		struct trace t = {.role = role, .cut = step, .step = step};

		t.limits = (struct h1_limits){.header_size = 100, .header_count = 3};
		trace_run(&t, bytes);
		ck_assert_msg(t.err == err, "%.*s: %s", STR_ARG(bytes), text_of(&t));
		if (err != 0) {
			ck_assert_uint_eq(t.error.status, status);
			ck_assert_str_eq(t.error.text, text);
		}
		trace_free(&t);
	}
}

START_TEST(size_limits)
{
	static const struct {
		enum h1_role role;
		const char *before;
		size_t n;
		const char *after;
		int err;
		unsigned status;
		const char *text;
	} rows[] = {
		{H1_REQUESTS, GET "A: ", 100 - 25 - 3 - 4, "\r\n\r\n", 0, 0, NULL},
		{H1_REQUESTS, GET "A: ", 101 - 25 - 3 - 4, "\r\n\r\n", ERR_LIMIT, 431,
		    "the header section is too large"},
		{H1_REQUESTS, GET "A: ", 1000, "", ERR_LIMIT, 431,
		    "the header section is too large"},
		{H1_REQUESTS, "GET /", 1000, "", ERR_LIMIT, 414, "the start line is too long"},
		{H1_REQUESTS, GET "A:", 1, "\r\nB: x\r\n\r\n", 0, 0, NULL},
		{H1_REQUESTS, GET "A:", 1, "\r\nB: x\r\nC: y\r\n\r\n", ERR_LIMIT, 431,
		    "too many fields"},
		{H1_RESPONSES, OK "A: ", 1000, "", ERR_LIMIT, 502,
		    "the header section is too large"},
		{H1_REQUESTS, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
		    93, "\r\n\r\n", 0, 0, NULL},
		{H1_REQUESTS, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
		    94, "\r\n\r\n", ERR_LIMIT, 431, "the trailer section is too large"},
		{H1_REQUESTS, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		    "0\r\nA: x\r\nB: x\r\nC: x\r\nD: ", 1, "\r\n\r\n", ERR_LIMIT, 431,
		    "too many fields"},
	};
	struct buf b;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		check_limit(rows[i].role, padded(&b, rows[i].before, rows[i].n, rows[i].after),
		    rows[i].err, rows[i].status, rows[i].text);
		buf_free(&b);
	}
}
END_TEST

START_TEST(chunk_extension_limits)
{
	struct buf one, all;
	unsigned chunk, n;

	padded(&one, OK "Transfer-Encoding: chunked\r\n\r\n1;", 256, "\r\nx\r\n0\r\n\r\n");
	check_limit(H1_RESPONSES, buf_str(&one), 0, 0, NULL);
	buf_free(&one);
	padded(&one, OK "Transfer-Encoding: chunked\r\n\r\n1;", 257, "\r\nx\r\n0\r\n\r\n");
	check_limit(H1_RESPONSES, buf_str(&one), ERR_LIMIT, 502, "too long chunk extensions");
	buf_free(&one);
	for (n = 16; n <= 17; n++) {
		buf_init(&all, 0);
		buf_putz(&all, OK "Transfer-Encoding: chunked\r\n\r\n");
		for (chunk = 0; chunk < n; chunk++) {
			padded(&one, "1;", 256, "\r\nx\r\n");
			buf_puts(&all, buf_str(&one));
			buf_free(&one);
		}
		buf_putz(&all, "0\r\n\r\n");
		check_limit(H1_RESPONSES, buf_str(&all), n > 16 ? ERR_LIMIT : 0, 502,
		    "too long chunk extensions");
		buf_free(&all);
	}
}
END_TEST

START_TEST(connection_options_limit)
{
	struct trace t = {.role = H1_REQUESTS};

	run(&t, GET "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,"
		    "a,b,c,d,e,f,g\r\n\r\n");
	ck_assert_uint_eq(t.error.status, 400);
	ck_assert_str_eq(t.error.text, "too many Connection options");
	trace_free(&t);
}
END_TEST

/* What came before an offending byte of a body is handed out. */
START_TEST(data_before_a_broken_chunk)
{
	struct trace t = {.role = H1_RESPONSES};

	run(&t, OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX");
	ck_assert_int_eq(t.err, ERR_SYNTAX);
	ck_assert_ptr_nonnull(strstr(text_of(&t), "body 3 [abc]"));
	ck_assert_uint_eq(t.used, 54);
	trace_free(&t);
}
END_TEST

START_TEST(views_survive_added_fields)
{
	static const struct h1_reader_ops OPS = {ignore_head, ignore_body, ignore_end};
	struct h1_limits limits = TRACE_LIMITS;
	struct h1_reader *r = h1_reader_new(H1_REQUESTS, &limits, &OPS, NULL);
	static const char BYTES[] = "GET http://h?q HTTP/1.1\r\nHost: x\r\n\r\n";
	struct message m;
	size_t used;
	int i;

	message_init(&m);
	h1_reader_next(r, &m);
	ck_assert_int_eq(h1_reader_feed(r, (const uint8_t *)BYTES, sizeof(BYTES) - 1, &used), 0);
	for (i = 0; i < 1000; i++)
		fields_add(&m.fields, STR("X-Name"), STR("value"));
	ck_assert(str_eq(m.authority, STR("h")));
	ck_assert(str_eq(m.path, STR("/?q")));
	ck_assert(str_eq(m.target, STR("http://h?q")));
	ck_assert(str_eq(m.method, STR("GET")));
	h1_reader_free(&r);
	message_free(&m);
}
END_TEST

Suite *
h1_read_suite(void)
{
	Suite *s = suite_create("h1_read");
	TCase *tc = tcase_create("reader");

	tcase_add_test(tc, pipelining);
	tcase_add_test(tc, stops_behind_a_message);
	tcase_add_test(tc, nothing_after_failure);
	tcase_add_test(tc, chunks_and_trailers);
	tcase_add_test(tc, large_slices);
	tcase_add_test(tc, answer_to_head);
	tcase_add_test(tc, tunnels);
	tcase_add_test(tc, ends);
	tcase_add_test(tc, pending_heads);
	tcase_add_test(tc, size_limits);
	tcase_add_test(tc, chunk_extension_limits);
	tcase_add_test(tc, connection_options_limit);
	tcase_add_test(tc, data_before_a_broken_chunk);
	tcase_add_test(tc, views_survive_added_fields);
	suite_add_tcase(s, tc);
	return s;
}
