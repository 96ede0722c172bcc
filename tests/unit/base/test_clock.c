/* SPDX-License-Identifier: ISC */
/* test_clock.c - dates without the C library's time zones. */
#include "config.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "suites.h"

START_TEST(dates)
{
	static const struct {
		uint64_t us;
		const char *iso, *compact;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
		{951782399999999u, "2000-02-28T23:59:59.999Z", "20000228T235959Z"},
		{951782400000000u, "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
		{1709251199001000u, "2024-02-29T23:59:59.001Z", "20240229T235959Z"},
		{2147483648000000u, "2038-01-19T03:14:08.000Z", "20380119T031408Z"},
		{4107542400000000u, "2100-03-01T00:00:00.000Z", "21000301T000000Z"},
		{253402300799999999u, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
	};
	char iso[CLOCK_ISO_SIZE], compact[CLOCK_COMPACT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		clock_iso(rows[i].us, iso);
		clock_compact(rows[i].us, compact);
		ck_assert_str_eq(iso, rows[i].iso);
		ck_assert_str_eq(compact, rows[i].compact);
	}
}
END_TEST

START_TEST(same_as_the_c_library)
{
	char ours[CLOCK_COMPACT_SIZE], theirs[CLOCK_COMPACT_SIZE];
	time_t t;

	/* About one day and a bit per step, over 240 years. */
	for (t = 0; t < (time_t)240 * 365 * 86400; t += 90061) {
		struct tm tm;

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		ck_assert_uint_eq(strftime(theirs, sizeof(theirs), "%Y%m%dT%H%M%SZ", &tm),
		    sizeof(theirs) - 1);
		clock_compact((uint64_t)t * 1000000u, ours);
		ck_assert_str_eq(ours, theirs);
	}
}
END_TEST

START_TEST(clocks)
{
	uint64_t before = clock_mono_us(), wall = clock_wall_us();

	ck_assert_uint_ge(clock_mono_us(), before);
	ck_assert_uint_le(wall / 1000000u, (uint64_t)time(NULL) + 1);
	ck_assert_uint_ge(wall / 1000000u + 1, (uint64_t)time(NULL));
}
END_TEST

Suite *
clock_suite(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, dates);
	tcase_add_test(tc, same_as_the_c_library);
	tcase_add_test(tc, clocks);
	suite_add_tcase(s, tc);
	return s;
}
