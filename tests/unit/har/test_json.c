/* SPDX-License-Identifier: ISC */
/* test_json.c - JSON text that everybody reads back as what it was. */
#include "config.h"

#include <string.h>

#include "har/json.h"
#include "help.h"
#include "suites.h"

static const struct {
	struct str in, out;
} strings[] = {
	{STR(""), STR("\"\"")},
	{STR("abc"), STR("\"abc\"")},
	{STR("\"\\/"), STR("\"\\\"\\\\/\"")},
	{STR("\b\t\n\f\r"), STR("\"\\b\\t\\n\\f\\r\"")},
	{STR("\0\x1f\x7f"), STR("\"\\u0000\\u001f\x7f\"")},
	{STR("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
	    STR("\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"")},
	{STR("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
	    STR("\"\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa\"")},
	/* Not UTF-8: all of it is ISO-8859-1. */
	{STR("M\xfcller"), STR("\"M\xc3\xbcller\"")},
	{STR("\xc3\xa4\xff"), STR("\"\xc3\x83\xc2\xa4\xc3\xbf\"")},
	{STR("a\n\xe2\x82"), STR("\"a\\n\xc3\xa2\xc2\x82\"")},
	{STR("\xed\xa0\x80"), STR("\"\xc3\xad\xc2\xa0\xc2\x80\"")},
};

START_TEST(string)
{
	struct buf b = {0};

	json_string(&b, strings[_i].in);
	ck_assert_msg(str_eq(buf_str(&b), strings[_i].out), "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
}
END_TEST

/* The vector loops look at 16 and 8 bytes at once. */
START_TEST(special_byte_at_every_place)
{
	static const char specials[] = {'"', '\\', '\n', '\x01', '\x1f'};
	char in[80];
	uint8_t back[100];
	struct buf b = {0};
	size_t i, k, used;

	for (k = 0; k < sizeof(specials); k++) {
		for (i = 0; i < sizeof(in); i++) {
			memset(in, 'x', sizeof(in));
			in[i] = specials[k];
			buf_clear(&b);
			json_string(&b, str_of(in, sizeof(in)));
			ck_assert_uint_ge(b.len, sizeof(in) + 3);
			ck_assert_uint_eq(json_unescape(back, (char *)buf_data(&b) + 1, b.len - 2,
			    &used), sizeof(in));
			ck_assert_mem_eq(back, in, sizeof(in));
		}
	}
	buf_free(&b);
}
END_TEST

/* Each length has its own way through the loops; one byte of each may be odd. */
START_TEST(odd_byte_in_every_length)
{
	static const struct {
		char c;
		size_t more;	/* bytes it needs beyond one */
	} odd[] = {{'x', 0}, {'"', 1}, {'\x1f', 5}, {'\xe4', 1}, {'\\', 1}, {'\x7f', 0}};
	char in[40];
	struct buf b = {0};
	size_t n, i, k;

	memset(in, 'x', sizeof(in));
	for (n = 1; n < sizeof(in); n++) {
		for (i = 0; i < n; i++) {
			for (k = 0; k < NELEM(odd); k++) {
				in[i] = odd[k].c;
				buf_clear(&b);
				json_string(&b, str_of(in, n));
				ck_assert_uint_eq(b.len, n + 2 + odd[k].more);
				ck_assert_int_eq(buf_data(&b)[b.len - 1], '"');
				ck_assert(memcmp(buf_data(&b) + 1, in, i) == 0);
				ck_assert(memcmp(buf_data(&b) + b.len - (n - i), in + i + 1, n - i - 1) == 0);
			}
			in[i] = 'x';
		}
	}
	buf_free(&b);
}
END_TEST

START_TEST(long_string)
{
	struct buf text = {0}, b = {0};
	uint8_t *back;
	size_t used, n;

	help_text(&text, 100003);
	json_string(&b, buf_str(&text));
	back = buf_reserve(&text, b.len);
	n = json_unescape(back, (char *)buf_data(&b) + 1, b.len - 2, &used);
	ck_assert_uint_eq(used, b.len - 2);
	ck_assert_uint_eq(n, text.len);
	ck_assert_mem_eq(back, buf_data(&text), n);
	buf_free(&text);
	buf_free(&b);
}
END_TEST

START_TEST(long_latin1)
{
	static char in[10000];
	struct buf b = {0};

	memset(in, '\xe4', sizeof(in));
	json_string(&b, str_of(in, sizeof(in)));
	ck_assert_uint_eq(b.len, 2 * sizeof(in) + 2);
	ck_assert_mem_eq(buf_data(&b), "\"\xc3\xa4", 3);
	buf_free(&b);
}
END_TEST

/* An escape that is not whole is left for the next piece. */
START_TEST(unescape_in_pieces)
{
	static const char text[] = "a\\n\\\"\\u2028\\u0001\\\\z";
	static const char want[] = "a\n\"\xe2\x80\xa8\x01\\z";
	uint8_t out[32];
	size_t cut, used, used2, n;

	for (cut = 0; cut < sizeof(text); cut++) {
		n = json_unescape(out, text, cut, &used);
		ck_assert_uint_le(used, cut);
		n += json_unescape(out + n, text + used, sizeof(text) - 1 - used, &used2);
		ck_assert_uint_eq(used + used2, sizeof(text) - 1);
		ck_assert_uint_eq(n, sizeof(want) - 1);
		ck_assert_mem_eq(out, want, n);
	}
}
END_TEST

START_TEST(members)
{
	struct buf b = {0};

	buf_putc(&b, '{');
	json_member(&b, "a", STR("x"));
	json_member_int(&b, "b", INT64_MIN);
	json_member_int(&b, "c", INT64_MAX);
	json_member_bool(&b, "d", true);
	json_name(&b, "e");
	buf_putc(&b, '[');
	json_comma(&b);
	buf_putc(&b, '1');
	json_comma(&b);
	buf_putc(&b, '2');
	buf_putz(&b, "]}");
	buf_putc(&b, '\0');
	ck_assert_str_eq((char *)buf_data(&b), "{\"a\":\"x\",\"b\":-9223372036854775808,"
	    "\"c\":9223372036854775807,\"d\":true,\"e\":[1,2]}");
	buf_free(&b);
}
END_TEST

static const struct {
	int64_t us;
	const char *text;
} ms[] = {
	{0, "0"}, {1, "0.001"}, {10, "0.01"}, {100, "0.1"}, {120, "0.12"}, {1000, "1"},
	{1500, "1.5"}, {123456789, "123456.789"}, {-1, "-1"}, {-5000, "-1"},
	{INT64_MAX, "9223372036854775.807"},
};

START_TEST(milliseconds)
{
	struct buf b = {0};

	json_ms(&b, ms[_i].us);
	buf_putc(&b, '\0');
	ck_assert_str_eq((char *)buf_data(&b), ms[_i].text);
	buf_free(&b);
}
END_TEST

Suite *
json_suite(void)
{
	Suite *s = suite_create("json");
	TCase *t = tcase_create("json");

	tcase_add_loop_test(t, string, 0, NELEM(strings));
	tcase_add_test(t, special_byte_at_every_place);
	tcase_add_test(t, odd_byte_in_every_length);
	tcase_add_test(t, long_string);
	tcase_add_test(t, long_latin1);
	tcase_add_test(t, unescape_in_pieces);
	tcase_add_test(t, members);
	tcase_add_loop_test(t, milliseconds, 0, NELEM(ms));
	suite_add_tcase(s, t);
	return s;
}
