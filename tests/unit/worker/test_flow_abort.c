/* SPDX-License-Identifier: ISC */
/* test_flow_abort.c - flows that are cut off: by either side, at every moment, from anywhere. */
#include "config.h"

#include <string.h>

#include "ends.h"
#include "suites.h"

/* An exchange in steps; a test stops behind one of them. */
static void
step_request(struct flow *f)
{
	ends_request(f, "POST", 4);
}

static void
step_attach(struct flow *f)
{
	flow_attach(f, &fake_ops, &back);
}

static void
step_request_body(struct flow *f)
{
	ends_body(f, FLOW_FRONT, "ab");
}

static void
step_request_end(struct flow *f)
{
	flow_end(f, FLOW_FRONT);
}

static void
step_informational(struct flow *f)
{
	f->informational.status = 103;
	flow_informational(f);
}

static void
step_response(struct flow *f)
{
	ends_response(f, 200, 4);
}

static void
step_response_body(struct flow *f)
{
	ends_body(f, FLOW_BACK, "cd");
}

static void
step_response_end(struct flow *f)
{
	flow_end(f, FLOW_BACK);
}

static void (*const steps[])(struct flow *) = {step_request, step_attach, step_request_body,
    step_request_end, step_informational, step_response, step_response_body, step_response_end};
#define NSTEPS NELEM(steps)

static void
walk(struct flow *f, size_t from, size_t to)
{
	for (; from < to; from++)
		steps[from](f);
}

static unsigned
recorded(void)
{
	trace_clear();
	return world.recorded;
}

START_TEST(cut_at_every_step)
{
	static const enum conn_end hows[] = {CONN_END_CLEAN, CONN_END_RESET, CONN_END_TRUNCATED};
	static const char *const text[] = {"clean", "reset", "truncated"};
	size_t done = (size_t)_i / 2, k;
	enum flow_side from = _i % 2 == 0 ? FLOW_FRONT : FLOW_BACK;

	for (k = 0; k < NELEM(hows); k++) {
		struct flow *f = ends_flow();
		bool attached = done >= 2;
		char want[128];

		front.finished = back.finished = 0;
		walk(f, 0, done);
		trace_clear();
		flow_fail(f, from, hows[k], "it broke (%d)", 7);
		flow_fail(f, from, hows[k], "and again");
		flow_refuse(f, 502, "and again");
		if (!attached)
			(void)snprintf(want, sizeof(want), "REC F.finished(%s) ", text[k]);
		else	/* the one that did not fail hears of it first */
			(void)snprintf(want, sizeof(want), "REC %c.finished(%s) %c.finished(%s) ",
			    from == FLOW_FRONT ? 'B' : 'F', text[k],
			    from == FLOW_FRONT ? 'F' : 'B', text[k]);
		TRACE(want);
		SAYS(entry_last(), "\"_error\":\"it broke (7)\"");
		if (done > 0)
			SAYS(entry_last(), "\"_aborted\":true");
		ck_assert_uint_eq(front.finished, 1);
		ck_assert_uint_eq(back.finished, attached ? 1 : 0);
		worker_turn(&world.worker);
		TRACE("");
	}
}
END_TEST

START_TEST(late_words_are_not_passed_on)
{
	size_t done = (size_t)_i;
	struct flow *f = ends_flow();

	walk(f, 0, done);
	flow_fail(f, FLOW_FRONT, CONN_END_RESET, "it broke");
	trace_clear();
	ends_body(f, FLOW_FRONT, "late");
	ends_body(f, FLOW_BACK, "late");
	flow_end(f, FLOW_FRONT);
	flow_end(f, FLOW_BACK);
	flow_writable(f, FLOW_FRONT);
	flow_writable(f, FLOW_BACK);
	TRACE("");
}
END_TEST

START_TEST(after_the_end_nothing_can_fail)
{
	struct flow *f = ends_flow();

	walk(f, 0, NSTEPS);
	ck_assert_uint_eq(recorded(), 1);
	flow_fail(f, FLOW_FRONT, CONN_END_RESET, "too late");
	flow_refuse(f, 502, "too late");
	TRACE("");
	SAYS_NOT(entry_last(), "too late");
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
}
END_TEST

START_TEST(first_failure_is_the_one_recorded)
{
	struct flow *f = ends_flow();

	walk(f, 0, 2);
	(void)snprintf(f->error, sizeof(f->error), "the cause");
	flow_fail(f, FLOW_BACK, CONN_END_CLEAN, "what followed");
	trace_clear();
	SAYS(entry_last(), "\"_error\":\"the cause\"");
}
END_TEST

START_TEST(refused_is_no_abort)
{
	struct flow *f = ends_flow();

	ends_request(f, "GET", 0);
	flow_refuse(f, 403, "not %s", "you");
	ck_assert_uint_eq(f->reply_status, 403);
	ck_assert_str_eq(f->error, "not you");
	TRACE("REC F.finished(clean) ");
	SAYS(entry_last(), "\"status\":0");
	SAYS(entry_last(), "\"_error\":\"not you\"");
	SAYS_NOT(entry_last(), "_aborted");
}
END_TEST

START_TEST(long_error_is_cut)
{
	struct flow *f = ends_flow();
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ends_request(f, "GET", 0);
	flow_fail(f, FLOW_FRONT, CONN_END_CLEAN, "%s", text);
	ck_assert_uint_eq(strlen(f->error), sizeof(f->error) - 1);
	trace_clear();
}
END_TEST

START_TEST(early_response_then_the_client_goes)
{
	struct flow *f = ends_flow();

	walk(f, 0, 3);
	step_response(f);
	step_response_end(f);
	trace_clear();
	flow_fail(f, FLOW_FRONT, CONN_END_RESET, "client gone");
	TRACE("REC B.finished(reset) F.finished(reset) ");
	SAYS(entry_last(), "\"status\":200");
	SAYS(entry_last(), "\"_error\":\"client gone\"");
}
END_TEST

START_TEST(what_was_read_before_the_cut_is_recorded)
{
	struct flow *f = ends_flow();

	walk(f, 0, NSTEPS - 1);
	flow_fail(f, FLOW_BACK, CONN_END_RESET, "origin gone");
	trace_clear();
	SAYS(entry_last(), "\"text\":\"ab\"");
	SAYS(entry_last(), "\"text\":\"cd\"");
	SAYS(entry_last(), "the message ended early");
}
END_TEST

/* ---- from inside a callback ---- */

static const struct {
	char who;
	const char *event;
} strikes[] = {
    {'B', "head"}, {'B', "body"}, {'B', "end"}, {'B', "finished"},
    {'F', "informational"}, {'F', "head"}, {'F', "body"}, {'F', "end"}, {'F', "finished"},
};

static void
arm(int i)
{
	*(strikes[i].who == 'B' ? &back.strike : &front.strike) = strikes[i].event;
}

/* Only what a real end would still do: nothing once it was told `finished`. */
static void
walk_carefully(struct flow *f)
{
	size_t i;

	for (i = 0; i < NSTEPS; i++)
		if (!flow_finishing(f))
			steps[i](f);
}

START_TEST(ends_may_fail_the_flow_from_inside)
{
	struct flow *f = ends_flow();

	arm(_i);
	walk_carefully(f);
	ck_assert_uint_eq(recorded(), 1);
	ck_assert_ptr_null(front.strike);
	ck_assert_ptr_null(back.strike);
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
	worker_turn(&world.worker);
	ck_assert_uint_eq(recorded(), 1);
}
END_TEST

/* Body and end wait for the back: its callbacks run inside flow_attach(). */
START_TEST(back_may_fail_the_flow_from_inside_attach)
{
	struct flow *f = ends_flow();

	arm(_i);
	step_request(f);
	step_request_body(f);
	step_request_end(f);
	step_attach(f);
	ck_assert_uint_eq(recorded(), 1);
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
	SAYS(entry_last(), "\"_error\":\"struck in");
}
END_TEST

START_TEST(ends_may_fail_a_flow_that_fails)
{
	static const struct {
		enum flow_side from;
		struct fake *who;
	} t[] = {{FLOW_FRONT, &back}, {FLOW_FRONT, &front}, {FLOW_BACK, &back}, {FLOW_BACK, &front}};
	struct flow *f = ends_flow();

	walk(f, 0, 4);
	t[_i].who->strike = "finished";
	flow_fail(f, t[_i].from, CONN_END_CLEAN, "the cause");
	ck_assert_uint_eq(recorded(), 1);
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
	SAYS(entry_last(), "\"_error\":\"the cause\"");
}
END_TEST

START_TEST(a_tunnel_cannot_fail_any_more)
{
	struct flow *f = ends_flow();

	walk(f, 0, 4);
	ends_response(f, 101, 0);
	(_i == 0 ? &front : &back)->strike = "finished";
	flow_become_tunnel(f, "upgrade");
	ck_assert_uint_eq(recorded(), 0);
	flow_tunnel_done(f);
	ck_assert_uint_eq(recorded(), 1);
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
	SAYS_NOT(entry_last(), "struck");
}
END_TEST

START_TEST(pause_may_fail_the_flow)
{
	struct fake *who = _i == 0 ? &front : &back, *taker = _i == 0 ? &back : &front;
	struct flow *f = ends_flow();

	walk(f, 0, 2);
	step_response(f);
	taker->full = true;
	who->strike = "pause";
	ends_body(f, who->side, "x");
	ck_assert_uint_eq(recorded(), 1);
	ck_assert_uint_eq(front.finished, 1);
	ck_assert_uint_eq(back.finished, 1);
}
END_TEST

Suite *
flow_abort_suite(void)
{
	Suite *s = suite_create("flow_abort");
	TCase *tc = tcase_create("flow_abort");

	tcase_add_checked_fixture(tc, ends_setup, ends_teardown);
	tcase_add_loop_test(tc, cut_at_every_step, 0, 2 * (int)NSTEPS);
	tcase_add_loop_test(tc, late_words_are_not_passed_on, 0, (int)NSTEPS);
	tcase_add_test(tc, after_the_end_nothing_can_fail);
	tcase_add_test(tc, first_failure_is_the_one_recorded);
	tcase_add_test(tc, refused_is_no_abort);
	tcase_add_test(tc, long_error_is_cut);
	tcase_add_test(tc, early_response_then_the_client_goes);
	tcase_add_test(tc, what_was_read_before_the_cut_is_recorded);
	tcase_add_loop_test(tc, ends_may_fail_the_flow_from_inside, 0, (int)NELEM(strikes));
	tcase_add_loop_test(tc, back_may_fail_the_flow_from_inside_attach, 0, 3);
	tcase_add_loop_test(tc, ends_may_fail_a_flow_that_fails, 0, 4);
	tcase_add_loop_test(tc, a_tunnel_cannot_fail_any_more, 0, 2);
	tcase_add_loop_test(tc, pause_may_fail_the_flow, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
