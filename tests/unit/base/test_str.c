/* SPDX-License-Identifier: ISC */
/* test_str.c - views of bytes. */
#include "config.h"

#include <stdlib.h>

#include "base/str.h"
#include "suites.h"

static void
assert_str(struct str got, struct str want)
{
	ck_assert_msg(str_eq(got, want), "'%.*s' is not '%.*s'", STR_ARG(got), STR_ARG(want));
}

START_TEST(compares)
{
	ck_assert(str_eq(STR_NONE, STR("")));
	ck_assert(str_eq(STR("a\0b"), STR("a\0b")));
	ck_assert(!str_eq(STR("a\0b"), STR("a\0c")));
	ck_assert(str_ieq(STR("aZ[9"), STR("Az[9")));
	ck_assert(!str_ieq(STR("["), STR("{")));	/* differ in 0x20, are no letters */
	ck_assert(!str_ieq(STR("@"), STR("`")));
	ck_assert(!str_ieq(STR("ab"), STR("a")));
}
END_TEST

START_TEST(starts_and_ends)
{
	ck_assert(str_starts(STR("abc"), STR("ab")));
	ck_assert(!str_starts(STR("abc"), STR("AB")));
	ck_assert(str_istarts(STR("abc"), STR("AB")));
	ck_assert(!str_starts(STR("a"), STR("ab")));
	ck_assert(str_ends(STR("abc"), STR("bc")));
	ck_assert(str_iends(STR("abc"), STR("BC")));
	ck_assert(!str_ends(STR("c"), STR("bc")));
	ck_assert(str_ends(STR("c"), STR("")));
}
END_TEST

START_TEST(finds)
{
	ck_assert_int_eq(str_chr(STR("abca"), 'a'), 0);
	ck_assert_int_eq(str_rchr(STR("abca"), 'a'), 3);
	ck_assert_int_eq(str_chr(STR("abc"), 'x'), -1);
	ck_assert_int_eq(str_rchr(STR_NONE, 'x'), -1);
	ck_assert_int_eq(str_chr(STR("a\0b"), 'b'), 2);
}
END_TEST

START_TEST(parts)
{
	assert_str(str_sub(STR("abc"), 1, 1), STR("b"));
	assert_str(str_sub(STR("abc"), 1, 99), STR("bc"));
	assert_str(str_sub(STR("abc"), 99, 1), STR(""));
	assert_str(str_from(STR("abc"), 2), STR("c"));
	assert_str(str_trim(STR(" \t a b\t ")), STR("a b"));
	assert_str(str_trim(STR(" \t")), STR(""));
	assert_str(str_trim(STR("\na\n")), STR("\na\n"));
}
END_TEST

static unsigned
count_parts(struct str rest)
{
	struct str part;
	unsigned n = 0;

	while (str_split(&rest, ',', &part))
		n++;
	return n;
}

START_TEST(splits)
{
	struct str rest = STR("a,,b"), part;

	ck_assert_uint_eq(count_parts(rest), 3);
	ck_assert_uint_eq(count_parts(STR("")), 1);
	ck_assert_uint_eq(count_parts(STR(",")), 2);
	ck_assert_uint_eq(count_parts(STR_NONE), 0);
	ck_assert(str_split(&rest, ',', &part));
	assert_str(part, STR("a"));
	assert_str(rest, STR(",b"));
}
END_TEST

START_TEST(lists)
{
	struct str rest = STR(" , a ,,\tb c,"), part;

	ck_assert(str_list_next(&rest, &part));
	assert_str(part, STR("a"));
	ck_assert(str_list_next(&rest, &part));
	assert_str(part, STR("b c"));
	ck_assert(!str_list_next(&rest, &part));
	ck_assert(str_list_has(STR("x, Close"), STR("close")));
	ck_assert(!str_list_has(STR("x-close"), STR("close")));
	ck_assert(!str_list_has(STR_NONE, STR("close")));
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		struct str in;
		uint64_t max, out;
		bool ok;
	} rows[] = {
		{STR("0"), UINT64_MAX, 0, true},
		{STR("65535"), 65535, 65535, true},
		{STR("65536"), 65535, 0, false},
		{STR("18446744073709551615"), UINT64_MAX, UINT64_MAX, true},
		{STR("18446744073709551616"), UINT64_MAX, 0, false},
		{STR("99999999999999999999"), UINT64_MAX, 0, false},
		{STR("184467440737095516150"), UINT64_MAX, 0, false},
		{STR(""), 9, 0, false},
		{STR_NONE, 9, 0, false},
		{STR("01"), 9, 0, false},
		{STR("00"), 9, 0, false},
		{STR("+1"), 9, 0, false},
		{STR("-1"), 9, 0, false},
		{STR(" 1"), 9, 0, false},
		{STR("1 "), 9, 0, false},
		{STR("1a"), 99, 0, false},
		{STR("1\0"), 99, 0, false},
	};
	uint64_t v;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		ck_assert_msg(str_u64(rows[i].in, rows[i].max, &v) == rows[i].ok, "'%.*s'",
		    STR_ARG(rows[i].in));
		if (rows[i].ok)
			ck_assert_uint_eq(v, rows[i].out);
	}
}
END_TEST

START_TEST(copies)
{
	char *z = str_dup(STR("ab")), *none = str_dup(STR_NONE);

	ck_assert_str_eq(z, "ab");
	ck_assert_str_eq(none, "");
	free(z);
	free(none);
}
END_TEST

Suite *
str_suite(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_test(tc, compares);
	tcase_add_test(tc, starts_and_ends);
	tcase_add_test(tc, finds);
	tcase_add_test(tc, parts);
	tcase_add_test(tc, splits);
	tcase_add_test(tc, lists);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, copies);
	suite_add_tcase(s, tc);
	return s;
}
