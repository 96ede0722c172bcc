/* SPDX-License-Identifier: ISC */
/* test_h2_guard.c - what a peer may make us do, and what it earns by work. */
#include "config.h"

#include "http/h2_guard.h"
#include "suites.h"

#define SECOND UINT64_C(1000000)
#define NOW (100 * SECOND)

static struct h2_guard guard;

static void
setup(void)
{
	guard = (struct h2_guard){.bucket = {{0}}};
}

/* How many pass at one moment. */
static unsigned
burst(enum h2_cost cost, uint64_t now, unsigned most)
{
	unsigned n = 0;

	while (n < most && h2_guard_pay(&guard, cost, now) == NULL)
		n++;
	return n;
}

static const struct {
	enum h2_cost cost;
	unsigned burst, per_second;
	const char *why;
} costs[] = {
    {H2_COST_RESET_IN, 200, 20, "reset too many streams"},
    {H2_COST_RESET_OUT, 100, 10, "broke too many streams"},
    {H2_COST_PING, 200, 10, "sent too many PING frames"},
    {H2_COST_SETTINGS, 50, 1, "sent too many SETTINGS frames"},
    {H2_COST_IDLE, 1000, 100, "sent too many frames without use"},
    {H2_COST_OVER, 5000, 500, "sent too much to streams that were over"},
    {H2_COST_HEAD, 100, 10, "sent heads that were far too large"},
};

START_TEST(a_burst_passes_and_then_a_rate)
{
	enum h2_cost cost = costs[_i].cost;

	ck_assert_uint_eq(burst(cost, NOW, 9000), costs[_i].burst);
	ck_assert_str_eq(h2_guard_pay(&guard, cost, NOW), costs[_i].why);
	setup();
	(void)burst(cost, NOW, costs[_i].burst);
	ck_assert_uint_eq(burst(cost, NOW + SECOND, 5000), costs[_i].per_second);
}
END_TEST

START_TEST(costs_do_not_mix)
{
	enum h2_cost other;

	(void)burst(costs[_i].cost, NOW, costs[_i].burst);
	for (other = 0; other < H2_COST_COUNT; other++)
		if (other != costs[_i].cost)
			ck_assert_ptr_null(h2_guard_pay(&guard, other, NOW));
}
END_TEST

START_TEST(time_saves_nothing_up)
{
	ck_assert_ptr_null(h2_guard_pay(&guard, H2_COST_PING, NOW));
	ck_assert_uint_eq(burst(H2_COST_PING, NOW + 1000 * SECOND, 5000), 200);
}
END_TEST

/* A stream that ended well is worth a reset of another and some PRIORITY frames. */
START_TEST(streams_that_end_well_earn)
{
	unsigned i;

	(void)burst(H2_COST_RESET_IN, NOW, 200);
	(void)burst(H2_COST_RESET_OUT, NOW, 100);
	(void)burst(H2_COST_IDLE, NOW, 1000);
	for (i = 0; i < 3; i++)
		h2_guard_stream_done(&guard);
	ck_assert_uint_eq(burst(H2_COST_RESET_IN, NOW, 100), 3);
	ck_assert_uint_eq(burst(H2_COST_RESET_OUT, NOW, 100), 3);
	ck_assert_uint_eq(burst(H2_COST_IDLE, NOW, 100), 30);
	ck_assert_uint_eq(burst(H2_COST_PING, NOW, 1000), 200);
}
END_TEST

/* Clients that open both windows again for every 4 KiB, at the end of what was sent at once. */
START_TEST(windows_are_opened_in_small_steps_and_late)
{
	unsigned i;

	for (i = 0; i < (4u << 20) / 16384; i++)
		h2_guard_progress(&guard, 16384);
	ck_assert_uint_eq(
	    burst(H2_COST_IDLE, NOW, (4u << 20) / 4096 * 2), (4u << 20) / 4096 * 2);
}
END_TEST

/* ... but what one download has earned is no licence for ever. */
START_TEST(what_is_earned_in_advance_is_bounded)
{
	unsigned i;

	for (i = 0; i < 1000000; i++)
		h2_guard_progress(&guard, 16384);
	ck_assert_uint_eq(burst(H2_COST_IDLE, NOW, 100000), 5000);
}
END_TEST

START_TEST(a_ping_for_each_piece_of_content)
{
	unsigned i;

	for (i = 0; i < 5000; i++) {
		h2_guard_progress(&guard, 1);
		ck_assert_ptr_null(h2_guard_pay(&guard, H2_COST_PING, NOW));
	}
	ck_assert_uint_lt(burst(H2_COST_PING, NOW, 5000), 201);
}
END_TEST

Suite *
h2_guard_suite(void)
{
	Suite *s = suite_create("h2_guard");
	TCase *tc = tcase_create("h2_guard");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, a_burst_passes_and_then_a_rate, 0, NELEM(costs));
	tcase_add_loop_test(tc, costs_do_not_mix, 0, NELEM(costs));
	tcase_add_test(tc, time_saves_nothing_up);
	tcase_add_test(tc, streams_that_end_well_earn);
	tcase_add_test(tc, windows_are_opened_in_small_steps_and_late);
	tcase_add_test(tc, what_is_earned_in_advance_is_bounded);
	tcase_add_test(tc, a_ping_for_each_piece_of_content);
	suite_add_tcase(s, tc);
	return s;
}
