/* SPDX-License-Identifier: ISC */
/* test_words.c - escaped words, and rates. */
#include "config.h"

#include <string.h>

#include "base/buf.h"
#include "base/rate.h"
#include "base/words.h"
#include "suites.h"

static const struct {
	const char *plain, *escaped;
} words[] = {
	{"", ""},
	{"www.example.com:443", "www.example.com:443"},
	{"192.0.2.1, tag ben", "192.0.2.1,%20tag%20ben"},
	{"a\tb\nc\rd", "a%09b%0Ac%0Dd"},
	{"100%\x7f\x1f", "100%25%7F%1F"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
};

START_TEST(there_and_back)
{
	struct buf b = {0};
	char text[64];

	word_put(&b, str_z(words[_i].plain));
	ck_assert(str_eq(buf_str(&b), str_z(words[_i].escaped)));
	strcpy(text, words[_i].escaped);
	ck_assert(word_get(text, strlen(text)));
	ck_assert_str_eq(text, words[_i].plain);
	buf_free(&b);
}
END_TEST

static const char *const broken[] = {"%", "%2", "a%zz", "%0", "%00", "%g0", "%%20"};

START_TEST(broken_escapes)
{
	char text[16];

	strcpy(text, broken[_i]);
	ck_assert(!word_get(text, strlen(text)));
}
END_TEST

START_TEST(cutting)
{
	char line[] = "bypass add  a%20b", *cut[4], none[] = "";

	ck_assert_int_eq(words_cut(line, ' ', cut, 4), 4);
	ck_assert_str_eq(cut[0], "bypass");
	ck_assert_str_eq(cut[1], "add");
	ck_assert_str_eq(cut[2], "");
	ck_assert_str_eq(cut[3], "a b");
	ck_assert_int_eq(words_cut(none, ' ', cut, 4), 1);
	ck_assert_str_eq(cut[0], "");
}
END_TEST

START_TEST(too_many_words)
{
	char line[] = "a b c", other[] = "a b", *cut[2];

	ck_assert_int_eq(words_cut(line, ' ', cut, 2), -1);
	ck_assert_int_eq(words_cut(other, ' ', cut, 2), 2);
}
END_TEST

START_TEST(a_rate_is_spent_and_refilled)
{
	struct rate r = {.burst = 3, .per_second = 2};
	uint64_t now = 1000000;
	int i;

	for (i = 0; i < 3; i++)
		ck_assert(rate_take(&r, now));
	ck_assert(!rate_take(&r, now));
	ck_assert(!rate_take(&r, now + 499999));
	ck_assert(rate_take(&r, now + 500001));
	ck_assert(!rate_take(&r, now + 500002));
	for (i = 0; i < 3; i++)
		ck_assert(rate_take(&r, now + 3600000000u));
	ck_assert(!rate_take(&r, now + 3600000000u));
}
END_TEST

Suite *
words_suite(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, there_and_back, 0, NELEM(words));
	tcase_add_loop_test(tc, broken_escapes, 0, NELEM(broken));
	tcase_add_test(tc, cutting);
	tcase_add_test(tc, too_many_words);
	tcase_add_test(tc, a_rate_is_spent_and_refilled);
	suite_add_tcase(s, tc);
	return s;
}
