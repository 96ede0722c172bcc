/* SPDX-License-Identifier: ISC */
/* test_utf8.c - what is UTF-8, and what of it a recording shows as text. */
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "har/utf8.h"
#include "suites.h"

static const struct {
	struct str in;
	size_t valid, text;
} rows[] = {
	{STR(""), 0, 0},
	{STR("plain ASCII, more than sixteen bytes of it"), 42, 42},
	{STR("a\tb\nc\rd\fe"), 9, 9},
	{STR("a\0b"), 3, 1},
	{STR("0123456789abcdefg\x1b[0m"), 21, 17},
	{STR("\x0b"), 1, 0},
	{STR("\x7f"), 1, 1},
	{STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 9, 9},
	{STR("\xc3"), 0, 0},
	{STR("ab\xe2\x82"), 2, 2},
	{STR("\xf0\x9f\x98"), 0, 0},
	{STR("\xc0\xaf"), 0, 0},		/* too long */
	{STR("\xe0\x9f\xbf"), 0, 0},
	{STR("\xf0\x8f\xbf\xbf"), 0, 0},
	{STR("\xed\xa0\x80"), 0, 0},		/* surrogate */
	{STR("\xed\x9f\xbf"), 3, 3},
	{STR("\xf4\x90\x80\x80"), 0, 0},	/* beyond U+10FFFF */
	{STR("\xf5\x80\x80\x80"), 0, 0},
	{STR("\x80"), 0, 0},
	{STR("x\xe4y"), 1, 1},
	{STR("\xef\xbb\xbf{}"), 5, 5},		/* a BOM is text */
	{STR("\xef\xbf\xbf"), 3, 0},		/* U+FFFF */
	{STR("\xef\xbf\xbe"), 3, 0},
	{STR("\xef\xbf\xbd"), 3, 3},		/* U+FFFD is a character */
	{STR("\xef\xb7\x90"), 3, 0},		/* U+FDD0 */
	{STR("\xef\xb7\xaf"), 3, 0},
	{STR("\xef\xb7\xb0"), 3, 3},
	{STR("\xf0\x9f\xbf\xbe"), 4, 0},	/* U+1FFFE */
	{STR("\xf4\x8f\xbf\xbf"), 4, 0},	/* U+10FFFF */
	{STR("\xf0\x9f\xb7\x90"), 4, 4},	/* U+1FDD0 is none */
};

START_TEST(prefixes)
{
	const uint8_t *p = (const uint8_t *)rows[_i].in.p;

	ck_assert_uint_eq(utf8_valid(p, rows[_i].in.n), rows[_i].valid);
	ck_assert_uint_eq(utf8_text(p, rows[_i].in.n), rows[_i].text);
}
END_TEST

START_TEST(odd_byte_at_every_place)
{
	uint8_t text[70];
	size_t i;

	for (i = 0; i < sizeof(text); i++) {
		memset(text, 'x', sizeof(text));
		text[i] = 0xff;
		ck_assert_uint_eq(utf8_valid(text, sizeof(text)), i);
		text[i] = 0x01;
		ck_assert_uint_eq(utf8_text(text, sizeof(text)), i);
	}
}
END_TEST

Suite *
utf8_suite(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("utf8");

	tcase_add_loop_test(t, prefixes, 0, NELEM(rows));
	tcase_add_test(t, odd_byte_at_every_place);
	suite_add_tcase(s, t);
	return s;
}
