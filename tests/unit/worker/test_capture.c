/* SPDX-License-Identifier: ISC */
/* test_capture.c - the phases of an entry, its URL, and the facts of its TLS. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ends.h"
#include "suites.h"
#include "worker/capture.h"
#include "worker/flow_pool.h"
#include "worker/handover.h"

#define S 1000000	/* the clock's second */

/* Times in microseconds, what is written in milliseconds. */
static const struct {
	const char *what;
	struct flow_times t;
	struct flow_connect c;
	const char *timings;
	uint64_t started;	/* wall; 0: the request's own */
} times[] = {
    {"a warm connection",
	{.request_begun = 9 * S, .request_sent = 9 * S + 1000, .request_done = 9 * S + 3000,
	    .response_begun = 9 * S + 7000, .response_done = 9 * S + 15000}, {0},
	"\"blocked\":1,\"dns\":-1,\"connect\":-1,\"send\":2,\"wait\":4,\"receive\":8,\"ssl\":-1", 0},
    {"never sent",
	{.request_begun = 9 * S, .response_done = 9 * S + 5000}, {0},
	"\"blocked\":0,\"dns\":-1,\"connect\":-1,\"send\":0,\"wait\":5,\"receive\":0,\"ssl\":-1", 0},
    {"no answer",
	{.request_begun = 9 * S, .request_sent = 9 * S + 1000, .request_done = 9 * S + 2000,
	    .response_done = 9 * S + 6000}, {0},
	"\"blocked\":1,\"dns\":-1,\"connect\":-1,\"send\":1,\"wait\":4,\"receive\":0,\"ssl\":-1", 0},
    {"an answer before the request's end",
	{.request_begun = 9 * S, .request_sent = 9 * S, .request_done = 9 * S + 8000,
	    .response_begun = 9 * S + 3000, .response_done = 9 * S + 5000}, {0},
	"\"blocked\":0,\"dns\":-1,\"connect\":-1,\"send\":3,\"wait\":0,\"receive\":2,\"ssl\":-1", 0},
    {"read before the origin was there",
	{.request_begun = 9 * S, .request_sent = 9 * S + 6000, .request_done = 9 * S + 1000,
	    .response_begun = 9 * S + 8000, .response_done = 9 * S + 9000}, {0},
	"\"blocked\":6,\"dns\":-1,\"connect\":-1,\"send\":0,\"wait\":2,\"receive\":1,\"ssl\":-1", 0},
    {"connected for this request",
	{.request_begun = 9 * S, .request_sent = 9 * S + 6000, .request_done = 9 * S + 6000,
	    .response_begun = 9 * S + 8000, .response_done = 9 * S + 9000},
	{.known = true, .dns = 1000, .connect = 2000, .ssl = -1},
	"\"blocked\":3,\"dns\":1,\"connect\":2,\"send\":0,\"wait\":2,\"receive\":1,\"ssl\":-1", 0},
    {"phases that are longer than the wait",
	{.request_begun = 9 * S, .request_sent = 9 * S + 1000, .request_done = 9 * S + 1000,
	    .response_begun = 9 * S + 2000, .response_done = 9 * S + 3000},
	{.known = true, .dns = 1000, .connect = 2000, .ssl = -1},
	"\"blocked\":0,\"dns\":1,\"connect\":2,\"send\":0,\"wait\":1,\"receive\":1,\"ssl\":-1", 0},
    {"first in a tunnel: it begins with the CONNECT",
	{.request_begun = 9 * S, .request_sent = 9 * S + 1000, .request_done = 9 * S + 1000,
	    .response_begun = 9 * S + 2000, .response_done = 9 * S + 3000},
	{.known = true, .asked_mono = 9 * S - 20000, .asked_wall = 55 * S, .dns = 4000,
	    .connect = 10000, .ssl = 6000},
	"\"blocked\":7,\"dns\":4,\"connect\":10,\"send\":0,\"wait\":1,\"receive\":1,\"ssl\":6", 55 * S},
    {"an address: nothing to look up",
	{.request_begun = 9 * S, .request_sent = 9 * S, .request_done = 9 * S,
	    .response_begun = 9 * S, .response_done = 9 * S},
	{.known = true, .asked_mono = 9 * S - 20000, .asked_wall = 55 * S, .dns = -1,
	    .connect = 15000, .ssl = 6000},
	"\"blocked\":5,\"dns\":-1,\"connect\":15,\"send\":0,\"wait\":0,\"receive\":0,\"ssl\":6", 55 * S},
    {"connected ahead of its need",
	{.request_begun = 9 * S, .request_sent = 9 * S, .request_done = 9 * S,
	    .response_begun = 9 * S, .response_done = 9 * S},
	{.known = true, .asked_mono = 9 * S - 1000001, .asked_wall = 55 * S, .dns = 4000,
	    .connect = 10000, .ssl = 6000},
	"\"blocked\":0,\"dns\":-1,\"connect\":-1,\"send\":0,\"wait\":0,\"receive\":0,\"ssl\":-1", 0},
};

static const char *
record_now(struct flow *f)
{
	capture_finish(f);
	flow_drop(f);
	return entry_next();
}

START_TEST(phases)
{
	struct flow *f = ends_flow();
	char want[64];
	const char *e;

	f->times = times[_i].t;
	f->times.started_wall = 70 * S;
	f->facts.connect = times[_i].c;
	e = record_now(f);
	ck_assert_msg(strstr(e, times[_i].timings) != NULL, "%s: want %s in %s", times[_i].what,
	    times[_i].timings, e);
	(void)snprintf(want, sizeof(want), "\"_startedMicros\":%llu,",
	    (unsigned long long)(times[_i].started != 0 ? times[_i].started : 70 * S));
	SAYS(e, want);
}
END_TEST

/* ---- what the URL is ---- */

START_TEST(url_without_an_origin)
{
	struct flow *f = ends_flow();

	f->facts.has_origin = false;
	SAYS(record_now(f), "\"url\":\"http://invalid/\"");
}
END_TEST

START_TEST(url_of_a_tunnel_has_no_path)
{
	struct flow *f = ends_flow();

	f->request.path = STR("/secret");
	f->request.is_connect = true;
	SAYS(record_now(f), "\"url\":\"https://o.test:80/\"");
}
END_TEST

START_TEST(url_of_a_port)
{
	struct flow *f = ends_flow();

	f->facts.origin.port = 8443;
	f->facts.scheme = "https";
	f->request.path = STR("/p?q");
	SAYS(record_now(f), "\"url\":\"https://o.test:8443/p?q\"");
}
END_TEST

START_TEST(broken_head_is_kept)
{
	struct flow *f = ends_flow();

	buf_putz(&f->raw_head, "GET \x01 broken");
	SAYS(record_now(f), "\"_rawHead\":\"GET \\u0001 broken\"");
}
END_TEST

START_TEST(connection_numbers_and_addresses)
{
	struct flow *f = ends_flow();
	const char *e;

	f->facts.client_id = 41;
	f->facts.origin_id = 42;
	ck_assert(addr_parse(STR("[2001:db8::1]:443"), &f->facts.server));
	e = record_now(f);
	SAYS(e, "\"serverIPAddress\":\"2001:db8::1\"");
	SAYS(e, "\"_connectionId\":\"42\"");
	SAYS(e, "\"_clientConnectionId\":\"41\"");
	SAYS(e, "\"_clientAddress\":\"127.0.0.1:5000\"");
}
END_TEST

/* ---- bodies ---- */

START_TEST(body_stops_at_its_maximum)
{
	struct flow *f = ends_flow();
	size_t sent;
	char piece[4096];
	const char *e;

	world.conf->capture.max_body = 10000;
	memset(piece, 'x', sizeof(piece));
	ends_request(f, "POST", -1);
	flow_attach(f, &fake_ops, &back);
	for (sent = 0; sent < 40960; sent += sizeof(piece))
		flow_body(f, FLOW_FRONT, (const uint8_t *)piece, sizeof(piece));
	flow_end(f, FLOW_FRONT);
	trace_clear();
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "x");
	trace_clear();
	e = entry_last();
	SAYS(e, "\"_truncated\":true");
	SAYS(e, "captured 10000 of 40960 bytes");
	ck_assert_uint_lt(strlen(e), 12000);
}
END_TEST

/* A megabyte stays in memory, as long as few such bodies are there. */
START_TEST(few_large_bodies_need_no_spill)
{
	struct flow *f = ends_flow();
	static char body[1 << 20];

	memset(body, 'x', sizeof(body));
	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 200, sizeof(body));
	flow_body(f, FLOW_BACK, (const uint8_t *)body, sizeof(body));
	ck_assert_uint_eq(world.worker.roomy, 1);
	flow_end(f, FLOW_BACK);
	(void)flow_pool_turn(world.worker.flows);
	ck_assert_uint_eq(world.worker.roomy, 0);
	SAYS(entry_last(), "\"size\":1048576");
	ck_assert(strstr(entry_last(), "_truncated") == NULL);
}
END_TEST

START_TEST(nobody_waits_for_recoding)
{
	int fd = memfd_create("spill", MFD_CLOEXEC), turns = 0;
	struct flow *f = ends_flow();
	char piece[4096];
	int i;

	world.worker.roomy = 1000;	/* no room in memory: to the spill */
	handover_spill(world.worker.handover, fd);
	memset(piece, 'x', sizeof(piece));
	ends_request(f, "GET", 0);
	flow_end(f, FLOW_FRONT);
	flow_attach(f, &fake_ops, &back);
	ends_response(f, 200, -1);
	for (i = 0; i < 256; i++)
		flow_body(f, FLOW_BACK, (const uint8_t *)piece, sizeof(piece));
	ends_body(f, FLOW_BACK, "\xff\xfe\x01");	/* no text after all */
	trace_clear();
	flow_end(f, FLOW_BACK);
	TRACE("F.end B.finished(whole) F.finished(whole) ");
	while (flow_pool_turn(world.worker.flows))
		turns++;
	ck_assert_int_gt(turns, 1);
	TRACE("REC ");
	SAYS(entry_last(), "\"encoding\":\"base64\"");
	SAYS(entry_last(), "\"size\":1048579");
}
END_TEST

/* ---- facts of TLS ---- */

START_TEST(tls_info_lives_as_long_as_its_last_user)
{
	struct tls_info *t = tls_info_new("mirror"), *mine = tls_info_ref(t), *none = NULL;

	ck_assert_ptr_eq(mine, t);
	tls_info_unref(&t);
	ck_assert_ptr_null(t);
	ck_assert_str_eq(mine->verify_mode, "mirror");
	tls_info_unref(&mine);
	ck_assert_ptr_null(mine);
	tls_info_unref(&none);
	ck_assert_ptr_null(tls_info_ref(NULL));
}
END_TEST

START_TEST(tls_info_shows_only_legs_that_are_there)
{
	struct tls_info *t = tls_info_new("off");
	struct har_tls h = tls_info_har(t, true);

	ck_assert(h.whole_chain);
	ck_assert_ptr_null(h.origin_leg);
	ck_assert_ptr_null(h.client_leg);
	ck_assert_ptr_null(h.origin_facts);
	ck_assert_str_eq(h.verify_mode, "off");
	t->has_origin = t->has_client = true;
	t->recipe = "good";
	h = tls_info_har(t, false);
	ck_assert(!h.whole_chain);
	ck_assert_ptr_eq(h.origin_leg, &t->origin);
	ck_assert_ptr_eq(h.client_leg, &t->client);
	ck_assert_str_eq(h.recipe, "good");
	tls_info_unref(&t);
}
END_TEST

START_TEST(entry_outlives_its_connection)
{
	struct tls_info *t = tls_info_new("mirror");
	struct flow *f = ends_flow();

	f->facts.tls = tls_info_ref(t);
	tls_info_unref(&t);
	SAYS(record_now(f), "\"_tls\":{");
}
END_TEST

Suite *
capture_suite(void)
{
	Suite *s = suite_create("capture");
	TCase *tc = tcase_create("capture");

	tcase_add_checked_fixture(tc, ends_setup, ends_teardown);
	tcase_add_loop_test(tc, phases, 0, (int)NELEM(times));
	tcase_add_test(tc, url_without_an_origin);
	tcase_add_test(tc, url_of_a_tunnel_has_no_path);
	tcase_add_test(tc, url_of_a_port);
	tcase_add_test(tc, broken_head_is_kept);
	tcase_add_test(tc, connection_numbers_and_addresses);
	tcase_add_test(tc, body_stops_at_its_maximum);
	tcase_add_test(tc, few_large_bodies_need_no_spill);
	tcase_add_test(tc, nobody_waits_for_recoding);
	tcase_add_test(tc, tls_info_lives_as_long_as_its_last_user);
	tcase_add_test(tc, tls_info_shows_only_legs_that_are_there);
	tcase_add_test(tc, entry_outlives_its_connection);
	suite_add_tcase(s, tc);
	return s;
}
