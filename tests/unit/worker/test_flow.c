/* SPDX-License-Identifier: ISC */
/* test_flow.c - what a flow tells its ends, and when: exchanges that go well. */
#include "config.h"

#include <string.h>

#include "ends.h"
#include "suites.h"
#include "worker/flow_pool.h"

#define DONE "B.finished(whole) F.finished(whole) "

START_TEST(tells_nothing_before_the_back_is_there)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	ck_assert(!flow_attached(f));
	ck_assert(!flow_request_whole(f));
	flow_end(f, FLOW_FRONT);
	ck_assert(flow_request_whole(f));
	TRACE("");
	flow_attach(f, &fake_ops, &back);
	ck_assert(flow_attached(f));
	TRACE("B.head(GET) B.end ");
	ck_assert(!flow_response_begun(f));
	ends_response(f, 200, 5);
	ck_assert(flow_response_begun(f));
	TRACE("F.head(200) ");
	ends_body(f, FLOW_BACK, "hello");
	TRACE("F.body(hello) ");
	ck_assert(!flow_response_whole(f) && !flow_finishing(f));
	flow_end(f, FLOW_BACK);
	ck_assert(flow_response_whole(f) && flow_finishing(f));
	TRACE("REC F.end " DONE);
	SAYS(entry_last(), "\"method\":\"GET\",\"url\":\"http://o.test/a\"");
	SAYS(entry_last(), "\"status\":200");
	SAYS(entry_last(), "\"text\":\"hello\"");
	SAYS(entry_last(), "\"_tag\":\"job-1\"");
	SAYS_NOT(entry_last(), "_error");
	SAYS_NOT(entry_last(), "_aborted");
}
END_TEST

START_TEST(streams_a_request_body_and_trailers)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", -1);
	flow_attach(f, &fake_ops, &back);
	TRACE("B.head(POST) ");
	ends_body(f, FLOW_FRONT, "ab");
	ends_body(f, FLOW_FRONT, "");
	ends_body(f, FLOW_FRONT, "cd");
	fields_add(&f->request.trailers, STR("X-T"), STR("1"));
	flow_end(f, FLOW_FRONT);
	TRACE("B.body(ab) B.body(cd) B.end(trailers) ");
	ends_response(f, 204, 0);
	fields_add(&f->response.trailers, STR("X-T"), STR("2"));
	flow_end(f, FLOW_BACK);
	TRACE("F.head(204) REC F.end(trailers) " DONE);
	SAYS(entry_last(), "\"text\":\"abcd\"");
	SAYS(entry_last(), "\"_trailers\":[{\"name\":\"X-T\",\"value\":\"1\"}]");
}
END_TEST

START_TEST(passes_informational_heads)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	f->informational.status = 103;
	fields_add(&f->informational.fields, STR("Link"), STR("</x>"));
	flow_informational(f);
	ends_response(f, 200, 0);
	flow_end(f, FLOW_BACK);
	TRACE("B.head(GET) B.end F.informational(103) F.head(200) REC F.end " DONE);
	SAYS(entry_last(),
	    "\"_informational\":[{\"status\":103,\"headers\":[{\"name\":\"Link\",\"value\":\"</x>\"}]}]");
}
END_TEST

START_TEST(keeps_only_so_many_informational_heads)
{
	struct flow *f = ends_flow();
	const char *at;
	int i, n = 0;

	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	f->informational.status = 102;
	for (i = 0; i < 3 * CAPTURE_INFORMATIONAL_MAX; i++)
		flow_informational(f);
	ends_response(f, 200, 0);
	flow_end(f, FLOW_BACK);
	trace_clear();
	for (at = entry_last(); (at = strstr(at, "\"status\":102")) != NULL; at++)
		n++;
	ck_assert_int_eq(n, CAPTURE_INFORMATIONAL_MAX);
}
END_TEST

/* ---- a body that comes before its receiver ---- */

START_TEST(holds_the_body_until_the_back_is_there)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", 4);
	ends_body(f, FLOW_FRONT, "ab");
	TRACE("F.pause ");
	ends_body(f, FLOW_FRONT, "cd");	/* the rest of what was read */
	TRACE("");
	flow_attach(f, &fake_ops, &back);
	TRACE("B.head(POST) B.body(abcd) F.resume ");
	ends_body(f, FLOW_FRONT, "ef");
	flow_end(f, FLOW_FRONT);
	TRACE("B.body(ef) B.end ");
	ends_response(f, 200, 0);
	flow_end(f, FLOW_BACK);
	trace_clear();
	SAYS(entry_last(), "\"text\":\"abcdef\"");
}
END_TEST

START_TEST(tells_the_end_behind_a_held_body)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", 2);
	ends_body(f, FLOW_FRONT, "ab");
	flow_end(f, FLOW_FRONT);
	TRACE("F.pause ");
	flow_attach(f, &fake_ops, &back);
	TRACE("B.head(POST) B.body(ab) F.resume B.end ");
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "x");
}
END_TEST

START_TEST(stays_paused_when_the_held_body_fills_the_back)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", 4);
	ends_body(f, FLOW_FRONT, "ab");
	TRACE("F.pause ");
	back.full = true;
	flow_attach(f, &fake_ops, &back);
	TRACE("B.head(POST) B.body(ab) ");
	back.full = false;
	flow_writable(f, FLOW_BACK);
	TRACE("F.resume ");
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "x");
}
END_TEST

/* ---- back-pressure ---- */

START_TEST(pauses_the_source_once_and_resumes_it_once)
{
	static const struct {
		enum flow_side from;
		const char *body, *first, *again;
	} t[] = {
	    {FLOW_FRONT, "B.body(x) ", "F.pause ", "F.resume "},
	    {FLOW_BACK, "F.body(x) ", "B.pause ", "B.resume "},
	};
	enum flow_side from = t[_i].from, to = from == FLOW_FRONT ? FLOW_BACK : FLOW_FRONT;
	struct fake *taker = from == FLOW_FRONT ? &back : &front;
	struct flow *f = ends_flow();
	char want[64];
	int i;

	ends_request(f, "POST", -1);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 200, -1);
	trace_clear();
	flow_writable(f, to);
	TRACE("");
	for (i = 0; i < 2; i++) {
		taker->full = true;
		ends_body(f, from, "x");
		(void)snprintf(want, sizeof(want), "%s%s", t[_i].body, t[_i].first);
		TRACE(want);
		ends_body(f, from, "x");
		TRACE(t[_i].body);
		taker->full = false;
		flow_writable(f, to);
		TRACE(t[_i].again);
		flow_writable(f, to);
		TRACE("");
		ends_body(f, from, "x");
		TRACE(t[_i].body);
	}
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "x");
}
END_TEST

START_TEST(the_two_directions_do_not_mix)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", -1);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 200, -1);
	trace_clear();
	front.full = back.full = true;
	ends_body(f, FLOW_FRONT, "up");
	ends_body(f, FLOW_BACK, "down");
	TRACE("B.body(up) F.pause F.body(down) B.pause ");
	flow_writable(f, FLOW_FRONT);
	TRACE("B.resume ");
	flow_writable(f, FLOW_BACK);
	TRACE("F.resume ");
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "x");
}
END_TEST

START_TEST(the_end_comes_though_the_receiver_is_full)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 200, 1);
	front.full = true;
	trace_clear();
	ends_body(f, FLOW_BACK, "x");
	flow_end(f, FLOW_BACK);
	TRACE("F.body(x) B.pause REC F.end " DONE);
	flow_writable(f, FLOW_FRONT);
	TRACE("");
}
END_TEST

/* ---- an answer before the request's end ---- */

START_TEST(early_response_waits_for_the_request)
{
	struct flow *f = ends_flow();

	ends_request(f, "POST", 4);
	flow_attach(f, &fake_ops, &back);
	ends_body(f, FLOW_FRONT, "ab");
	ends_response(f, 413, 0);
	flow_end(f, FLOW_BACK);
	TRACE("B.head(POST) B.body(ab) F.head(413) F.end ");
	ends_body(f, FLOW_FRONT, "cd");
	flow_end(f, FLOW_FRONT);
	TRACE("B.body(cd) B.end REC " DONE);
	SAYS(entry_last(), "\"text\":\"abcd\"");
	SAYS_NOT(entry_last(), "_error");
}
END_TEST

/* ---- detach, tunnel, drop ---- */

START_TEST(detached_flow_is_told_anew)
{
	struct fake second = {.name = 'C', .side = FLOW_BACK};
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_attach(f, &fake_ops, &back);
	flow_end(f, FLOW_FRONT);
	TRACE("B.head(GET) B.end ");
	flow_detach(f);
	ck_assert(!flow_attached(f));
	TRACE("");
	flow_attach(f, &fake_ops, &second);
	TRACE("C.head(GET) C.end ");
	ends_response(f, 200, 0);
	flow_end(f, FLOW_BACK);
	TRACE("F.head(200) REC F.end C.finished(whole) F.finished(whole) ");
}
END_TEST

START_TEST(detached_flow_can_fail)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	flow_detach(f);
	trace_clear();
	flow_refuse(f, 502, "no route");
	TRACE("REC F.finished(clean) ");
	SAYS(entry_last(), "\"_error\":\"no route\"");
}
END_TEST

START_TEST(tunnel_is_recorded_at_its_end)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 101, 0);
	trace_clear();
	flow_become_tunnel(f, "upgrade");
	TRACE(DONE);
	flow_fail(f, FLOW_BACK, CONN_END_RESET, "too late");
	TRACE("");
	f->bytes_up = 3;
	f->bytes_down = 4;
	worker_turn(&world.worker);
	flow_tunnel_done(f);
	TRACE("REC ");
	SAYS(entry_last(),
	    "\"_tunnel\":{\"reason\":\"upgrade\",\"bytesSent\":3,\"bytesReceived\":4}");
	SAYS(entry_last(), "\"status\":101");
	SAYS_NOT(entry_last(), "too late");
}
END_TEST

START_TEST(dropped_flow_leaves_no_trace)
{
	struct flow *f = ends_flow();

	flow_drop(f);
	TRACE("");
	worker_turn(&world.worker);
	TRACE("");
}
END_TEST

START_TEST(adopted_flow_is_its_owners)
{
	struct flow *f = ends_flow();

	f->request.is_connect = true;
	f->request.method = STR("CONNECT");
	f->request.target = STR("o.test:443");
	flow_adopt(f);
	ck_assert(flow_finishing(f));
	flow_fail(f, FLOW_FRONT, CONN_END_RESET, "too late");
	flow_refuse(f, 403, "too late");
	TRACE("");
	flow_tunnel_done(f);
	TRACE("REC ");
	SAYS(entry_last(), "\"method\":\"CONNECT\",\"url\":\"https://o.test:80/\"");
	SAYS_NOT(entry_last(), "too late");
}
END_TEST

/* ---- used again ---- */

static void
fill_with_everything(struct flow *f)
{
	memcpy(f->facts.tag, "old-tag", 8);
	f->facts.tls = tls_info_new("old-mode");
	f->facts.connect = (struct flow_connect){.known = true, .dns = 5};
	f->facts.client_id = f->facts.origin_id = 77;
	f->request.is_request = true;
	fields_add(&f->request.fields, STR("Old-Name"), STR("1"));
	fields_add(&f->request.trailers, STR("Old-Trailer"), STR("1"));
	ends_request(f, "OLD", -1);
	ends_body(f, FLOW_FRONT, "old-body");
	f->informational.status = 103;
	flow_attach(f, &fake_ops, &back);
	flow_informational(f);
	fields_add(&f->response.fields, STR("Old-Answer"), STR("1"));
	ends_response(f, 599, -1);
	front.full = true;
	ends_body(f, FLOW_BACK, "old-answer");
	buf_putz(&f->raw_head, "old-raw");
	memcpy(f->reply_extra, "old", 4);
	f->bytes_up = 1;
	flow_fail(f, FLOW_BACK, CONN_END_RESET, "old-error");
	f->tunnel_reason = "old-reason";
}

START_TEST(recycled_flow_is_clean)
{
	struct flow *f = ends_flow(), *again;
	const char *e;

	fill_with_everything(f);
	trace_clear();
	SAYS(entry_last(), "old-error");
	worker_turn(&world.worker);
	front = (struct fake){.name = 'F', .side = FLOW_FRONT};
	back = (struct fake){.name = 'B', .side = FLOW_BACK};
	again = ends_flow();
	ck_assert_ptr_eq(again, f);
	ck_assert_str_eq(again->error, "");
	ck_assert_str_eq(again->reply_extra, "");
	ck_assert_ptr_null(again->facts.tls);
	ck_assert_uint_eq(again->facts.origin_id, 0);
	ends_request(again, "GET", 0);
	flow_end(again, FLOW_FRONT);
	flow_attach(again, &fake_ops, &back);
	ends_response(again, 200, 0);
	flow_end(again, FLOW_BACK);
	TRACE("B.head(GET) B.end F.head(200) REC F.end " DONE);
	e = entry_last();
	SAYS_NOT(e, "old");
	SAYS_NOT(e, "Old");
	SAYS_NOT(e, "_informational");
	SAYS_NOT(e, "_aborted");
	SAYS_NOT(e, "_tls");
	SAYS_NOT(e, "_tunnel");
	SAYS(e, "\"_clientConnectionId\":\"0\"");
}
END_TEST

START_TEST(memory_rests_until_the_turn_ends)
{
	struct flow *f = ends_flow(), *second;

	flow_drop(f);
	second = ends_flow();
	ck_assert_ptr_ne(second, f);
	flow_drop(second);
}
END_TEST

START_TEST(pool_keeps_no_large_head)
{
	struct flow *f = ends_flow();
	uint8_t *p = buf_reserve(&f->request.line, 64u << 10);

	ck_assert_ptr_nonnull(p);
	flow_drop(f);
	worker_turn(&world.worker);
	f = ends_flow();
	ck_assert_uint_lt(f->request.line.cap, 64u << 10);
	flow_drop(f);
}
END_TEST

Suite *
flow_suite(void)
{
	Suite *s = suite_create("flow");
	TCase *tc = tcase_create("flow");

	tcase_add_checked_fixture(tc, ends_setup, ends_teardown);
	tcase_add_test(tc, tells_nothing_before_the_back_is_there);
	tcase_add_test(tc, streams_a_request_body_and_trailers);
	tcase_add_test(tc, passes_informational_heads);
	tcase_add_test(tc, keeps_only_so_many_informational_heads);
	tcase_add_test(tc, holds_the_body_until_the_back_is_there);
	tcase_add_test(tc, tells_the_end_behind_a_held_body);
	tcase_add_test(tc, stays_paused_when_the_held_body_fills_the_back);
	tcase_add_loop_test(tc, pauses_the_source_once_and_resumes_it_once, 0, 2);
	tcase_add_test(tc, the_two_directions_do_not_mix);
	tcase_add_test(tc, the_end_comes_though_the_receiver_is_full);
	tcase_add_test(tc, early_response_waits_for_the_request);
	tcase_add_test(tc, detached_flow_is_told_anew);
	tcase_add_test(tc, detached_flow_can_fail);
	tcase_add_test(tc, tunnel_is_recorded_at_its_end);
	tcase_add_test(tc, dropped_flow_leaves_no_trace);
	tcase_add_test(tc, adopted_flow_is_its_owners);
	tcase_add_test(tc, recycled_flow_is_clean);
	tcase_add_test(tc, memory_rests_until_the_turn_ends);
	tcase_add_test(tc, pool_keeps_no_large_head);
	suite_add_tcase(s, tc);
	return s;
}
