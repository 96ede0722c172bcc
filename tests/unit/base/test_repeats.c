/* SPDX-License-Identifier: ISC */
/* test_repeats.c - a flood of lines becomes a few, and a number. */
#include "config.h"

#include "base/repeats.h"

#include <stdio.h>
#include <string.h>

#include "suites.h"

#define SECOND UINT64_C(1000000)

static struct repeats repeats;
static const struct rate rate = {.burst = 3, .per_second = 1};
static const char one[] = "one", other[] = "other";
static uint64_t left_out, seconds;
static unsigned told;
static char text[REPEATS_TEXT];

static void
on_told(const struct repeated *r, uint64_t s)
{
	told++;
	left_out = r->left_out;
	seconds = s;
	(void)snprintf(text, sizeof(text), "%s", r->text);
}

static void
setup(void)
{
	memset(&repeats, 0, sizeof(repeats));
	told = 0;
	left_out = seconds = 0;
}

static unsigned
say(const void *kind, unsigned times, uint64_t now)
{
	unsigned said = 0;

	while (times-- > 0)
		said += repeats_may_say(&repeats, kind, rate, 1, kind, now, on_told);
	return said;
}

START_TEST(the_first_ones_are_said)
{
	ck_assert_uint_eq(say(one, 100, 10 * SECOND), 3);
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(the_others_are_told_of_with_the_next_that_is_said)
{
	(void)say(one, 100, 10 * SECOND);
	ck_assert_uint_eq(say(one, 1, 12 * SECOND), 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(left_out, 97);
	ck_assert_uint_eq(seconds, 2);
	ck_assert_str_eq(text, "one");
	ck_assert_uint_eq(say(one, 1, 14 * SECOND), 1);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(they_are_told_of_when_no_more_come)
{
	(void)say(one, 5, 10 * SECOND);
	repeats_settle(&repeats, 14 * SECOND, on_told);
	ck_assert_uint_eq(told, 0);
	repeats_settle(&repeats, 15 * SECOND, on_told);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(left_out, 2);
	repeats_settle(&repeats, 30 * SECOND, on_told);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(they_are_told_of_at_once_when_asked_for)
{
	(void)say(one, 5, 10 * SECOND);
	repeats_tell(&repeats, 11 * SECOND, on_told);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(left_out, 2);
	repeats_settle(&repeats, 30 * SECOND, on_told);
	ck_assert_uint_eq(told, 1);
}
END_TEST

START_TEST(a_flood_without_an_end_is_told_of_too)
{
	uint64_t now;
	unsigned said = 0;

	for (now = 10 * SECOND; now < 100 * SECOND; now += SECOND / 10) {
		said += repeats_may_say(&repeats, one, (struct rate){1, 0.0001, 0, 0}, 1, one,
		    now, on_told);
		repeats_settle(&repeats, now, on_told);
	}
	ck_assert_uint_eq(said, 1);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_gt(left_out, 500);
}
END_TEST

START_TEST(kinds_do_not_hinder_each_other)
{
	ck_assert_uint_eq(say(one, 100, 10 * SECOND), 3);
	ck_assert_uint_eq(say(other, 2, 10 * SECOND), 2);
}
END_TEST

/* More kinds than places: some share one by turns, and nothing is forgotten. */
START_TEST(nothing_is_lost_where_two_kinds_meet)
{
	static char kinds[REPEATS_KINDS * 4][2];
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < NELEM(kinds); i++) {
		told = 0;
		left_out = 0;
		(void)say(kinds[i], 10, 10 * SECOND);
		sum += told > 0 ? left_out : 0;
	}
	for (i = 0; i < REPEATS_KINDS; i++)
		sum += repeats.v[i].left_out;
	ck_assert_uint_eq(sum, NELEM(kinds) * 7);
}
END_TEST

Suite *
repeats_suite(void)
{
	Suite *s = suite_create("repeats");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, the_first_ones_are_said);
	tcase_add_test(tc, the_others_are_told_of_with_the_next_that_is_said);
	tcase_add_test(tc, they_are_told_of_when_no_more_come);
	tcase_add_test(tc, they_are_told_of_at_once_when_asked_for);
	tcase_add_test(tc, a_flood_without_an_end_is_told_of_too);
	tcase_add_test(tc, kinds_do_not_hinder_each_other);
	tcase_add_test(tc, nothing_is_lost_where_two_kinds_meet);
	suite_add_tcase(s, tc);
	return s;
}
