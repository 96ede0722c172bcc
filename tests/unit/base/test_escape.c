/* SPDX-License-Identifier: ISC */
/* test_escape.c - nothing in a line of the log acts on its reader. */
#include "config.h"

#include "base/escape.h"

#include <stdlib.h>

#include "suites.h"

static const struct {
	struct str in;
	const char *text, *json;
} rows[] = {
	{STR("plain"), "plain", "plain"},
	{STR(""), "", ""},
	{STR("a \"b\" \\c"), "a \"b\" \\c", "a \\\"b\\\" \\\\c"},
	{STR("\x1b[31m"), "\\x1b[31m", "\\u001b[31m"},
	{STR("a\nb\r\tc"), "a\\x0ab\\x0d\\x09c", "a\\u000ab\\u000d\\u0009c"},
	{STR("a\0b"), "a\\x00b", "a\\u0000b"},
	{STR("\x7f"), "\\x7f", "\\u007f"},
	/* What is text stays: umlauts, CJK, an emoji. */
	{STR("gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"),
	    "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80",
	    "gr\xc3\xbc\xc3\x9f \xe4\xb8\xad \xf0\x9f\x98\x80"},
	/* C1 controls (CSI), marks of direction, no width, line ends of Unicode, tags. */
	{STR("\xc2\x9b" "31m"), "\\x9b31m", "\\u009b31m"},
	{STR("\xe2\x80\xae" "txt.exe"), "\\u202etxt.exe", "\\u202etxt.exe"},
	{STR("\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf"), "\\u2066\\u200b\\ufeff",
	    "\\u2066\\u200b\\ufeff"},
	{STR("\xe2\x80\xa8"), "\\u2028", "\\u2028"},
	{STR("\xf3\xa0\x81\x81"), "\\udb40\\udc41", "\\udb40\\udc41"},
	/* No UTF-8: alone, cut, too long, a surrogate, beyond the end. */
	{STR("\xff"), "\\xff", "\\\\xff"},
	{STR("\xe4\xb8"), "\\xe4\\xb8", "\\\\xe4\\\\xb8"},
	{STR("\xc0\x9b"), "\\xc0\\x9b", "\\\\xc0\\\\x9b"},
	{STR("\xe0\x80\x8a"), "\\xe0\\x80\\x8a", "\\\\xe0\\\\x80\\\\x8a"},
	{STR("\xed\xa0\x80"), "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
	{STR("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80", "\\\\xf4\\\\x90\\\\x80\\\\x80"},
	{STR("\xc3(x"), "\\xc3(x", "\\\\xc3(x"},
};

START_TEST(each_row)
{
	char out[256];

	ck_assert_uint_eq(escape(out, sizeof(out), rows[_i].in, ESCAPE_TEXT),
	    strlen(rows[_i].text));
	ck_assert_str_eq(out, rows[_i].text);
	ck_assert_uint_eq(escape(out, sizeof(out), rows[_i].in, ESCAPE_JSON),
	    strlen(rows[_i].json));
	ck_assert_str_eq(out, rows[_i].json);
}
END_TEST

/* A buffer of its own for each size, so that a sanitizer sees what is beyond. */
START_TEST(it_never_writes_more_than_there_is)
{
	size_t size, n;

	for (size = 16; size < 80; size++) {
		char *out = malloc(size);

		n = escape(out, size, STR("\xf3\xa0\x81\x81\xf3\xa0\x81\x81\xf3\xa0\x81\x81\xff\n"),
		    ESCAPE_JSON);
		ck_assert_uint_lt(n, size);
		ck_assert_int_eq(out[n], '\0');
		free(out);
	}
}
END_TEST

Suite *
escape_suite(void)
{
	Suite *s = suite_create("escape");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, each_row, 0, NELEM(rows));
	tcase_add_test(tc, it_never_writes_more_than_there_is);
	suite_add_tcase(s, tc);
	return s;
}
