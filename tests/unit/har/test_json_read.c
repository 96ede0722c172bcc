/* SPDX-License-Identifier: ISC */
/* test_json_read.c - JSON read in place, strings made plain, dates, what is left out. */
#include "config.h"

#include <stdlib.h>

#include "har/base64.h"
#include "har/iso_date.h"
#include "har/json_read.h"
#include "har/shorten.h"
#include "suites.h"

static void
same(const struct buf *b, const char *text, size_t n)
{
	ck_assert_msg(str_eq(buf_str(b), str_of(text, n)), "'%.*s' instead of '%.*s'",
	    STR_ARG(buf_str(b)), (int)n, text);
}

START_TEST(a_tree)
{
	struct json_read r = json_read_from(STR(" { \"a\" : [ 1 , \"x\\\"]\" , [ ] , {} ] ,"
	    "\"b\":-1.5e3,\n\"c\":{\"d\":true} } rest"));
	struct str name, value;

	ck_assert(json_read_enter(&r, '{'));
	ck_assert(json_read_member(&r, &name));
	ck_assert(str_eq(name, STR("a")));
	ck_assert(!json_read_enter(&r, '{'));
	ck_assert(json_read_enter(&r, '['));
	ck_assert(json_read_element(&r));
	json_read_value(&r, &value);
	ck_assert(str_eq(value, STR("1")));
	ck_assert(json_read_element(&r));
	ck_assert(json_read_string(&r, &value));
	ck_assert(str_eq(value, STR("x\\\"]")));
	ck_assert(json_read_element(&r));
	json_read_value(&r, &value);
	ck_assert(str_eq(value, STR("[ ]")));
	ck_assert(json_read_element(&r));
	ck_assert(!json_read_string(&r, &value));	/* the object is taken */
	ck_assert(!json_read_element(&r));
	ck_assert(json_read_member(&r, &name));
	json_read_value(&r, &value);
	ck_assert(str_eq(value, STR("-1.5e3")));
	ck_assert(json_read_member(&r, &name));
	json_read_value(&r, &value);
	ck_assert(str_eq(value, STR("{\"d\":true}")));
	ck_assert(!json_read_member(&r, &name));
}
END_TEST

/* Nothing but JSON is promised to be understood, but it ends and stays inside. */
START_TEST(nonsense)
{
	static const char *const texts[] = {"", "{", "[", "{\"", "{\"a", "{\"a\"", "{\"a\":",
		"[,,", "{,}", "[1 2 3]", "{\"a\" \"b\" \"c\"", "[\"\\", "}", "]", "{:::", "[}]{"};
	struct str name, value;
	size_t i, n;

	for (i = 0; i < NELEM(texts); i++) {
		size_t len = strlen(texts[i]);
		char *copy = malloc(len + 1);	/* without a NUL behind it */
		struct json_read r;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, texts[i], len);
		r = json_read_from(str_of(copy, len));
		if (json_read_enter(&r, '{'))
			for (n = 0; json_read_member(&r, &name); n++) {
				json_read_value(&r, &value);
				ck_assert_uint_lt(n, 20);
			}
		else if (json_read_enter(&r, '['))
			for (n = 0; json_read_element(&r); n++) {
				json_read_value(&r, &value);
				ck_assert_uint_lt(n, 20);
			}
		ck_assert(r.p <= r.end);
		free(copy);
	}
}
END_TEST

static const struct {
	struct str raw, plain;
} strings[] = {
	{STR("plain"), STR("plain")},
	{STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), STR("\"\\/\b\f\n\r\t")},
	{STR("\\u0041\\u00e4\\u20AC"), STR("A\xc3\xa4\xe2\x82\xac")},
	{STR("\\ud83d\\ude00!"), STR("\xf0\x9f\x98\x80!")},
	{STR("\\ud83dx"), STR("\xef\xbf\xbdx")},
	{STR("\\ude00\\ud83d\\ud83d\\ude00"), STR("\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80")},
	{STR("a\\u0000b"), STR("a\0b")},
	{STR("a\\u00"), STR("a\xef\xbf\xbd""00")},
	{STR("a\\"), STR("a")},
	{STR(""), STR("")},
};

START_TEST(plain_text)
{
	struct buf b = {0};

	json_read_decode(&b, strings[_i].raw);
	same(&b, strings[_i].plain.p, strings[_i].plain.n);
	buf_free(&b);
}
END_TEST

START_TEST(numbers)
{
	double v = 0;

	ck_assert(json_read_number(STR("0"), &v) && v == 0);
	ck_assert(json_read_number(STR("-1"), &v) && v == -1);
	ck_assert(json_read_number(STR("12.25"), &v) && v == 12.25);
	ck_assert(json_read_number(STR("1e3"), &v) && v == 1000);
	ck_assert(json_read_number(STR("123456789012345678"), &v) && v == 123456789012345678.0);
	ck_assert(!json_read_number(STR(""), &v));
	ck_assert(!json_read_number(STR("null"), &v));
	ck_assert(!json_read_number(STR("1x"), &v));
	ck_assert(!json_read_number(STR("0x10"), &v));
	ck_assert(!json_read_number(STR("NaN"), &v));
	ck_assert(!json_read_number(STR("-"), &v));
}
END_TEST

static const struct {
	const char *text;
	int64_t us;		/* -1: it is none */
} dates[] = {
	{"1970-01-01T00:00:00Z", 0},
	{"2026-11-22T08:01:02.345Z", INT64_C(1795334462345000)},
	{"2026-11-22T09:01:02.345+01:00", INT64_C(1795334462345000)},
	{"2026-11-22T02:31:02.345-0530", INT64_C(1795334462345000)},
	{"2026-11-22T08:01:02.3456789Z", INT64_C(1795334462345678)},
	{"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
	{"2000-02-29T23:59:60Z", INT64_C(951868800000000)},
	{"2026-02-29T00:00:00Z", -1},
	{"1900-02-29T00:00:00Z", -1},
	{"2026-04-31T00:00:00Z", -1},
	{"2026-13-01T00:00:00Z", -1},
	{"2026-00-01T00:00:00Z", -1},
	{"2026-01-01T24:00:00Z", -1},
	{"2026-01-01T00:60:00Z", -1},
	{"2026-11-22T08:01:02.345", -1},
	{"2026-11-22T08:01:02.Z", -1},
	{"2026-11-22 08:01:02Z", -1},
	{"2026-11-22", -1},
	{"2026-11-22T08:01:02Z ", -1},
	{"Sun, 22 Nov 2026 08:01:02 GMT", -1},
	{"", -1},
};

START_TEST(iso_dates)
{
	int64_t us = -1;
	bool good = iso_date_parse(str_z(dates[_i].text), &us);

	ck_assert_msg(good == (dates[_i].us != -1), "%s", dates[_i].text);
	if (good)
		ck_assert_msg(us == dates[_i].us, "%s is %lld", dates[_i].text, (long long)us);
}
END_TEST

static const struct {
	struct str text, bytes;
	bool good;
} base64s[] = {
	{STR(""), STR(""), true},
	{STR("QUJD"), STR("ABC"), true},
	{STR("QUI="), STR("AB"), true},
	{STR("QQ=="), STR("A"), true},
	{STR("AAEC/+8="), STR("\x00\x01\x02\xff\xef"), true},
	{STR("QUJDQ"), STR("ABC"), false},
	{STR("QU=D"), STR(""), false},
	{STR("Q==="), STR(""), false},
	{STR("===="), STR(""), false},
	{STR("QUJD!UJD"), STR("ABC"), false},
	{STR("Q!JDQUJD"), STR(""), false},
};

START_TEST(from_base64)
{
	struct buf b = {0};

	ck_assert(base64_decode(&b, base64s[_i].text) == base64s[_i].good);
	same(&b, base64s[_i].bytes.p, base64s[_i].bytes.n);
	buf_free(&b);
}
END_TEST

static const struct {
	size_t keep;
	const char *text, *shortened;
} shortened[] = {
	{100, "{ \"a b\" :\n\t[ 1, \"x y\" ] }\r\n", "{\"a b\":[1,\"x y\"]}"},
	{3, "{\"a\":\"abcdef\",\"b\":\"abc\"}", "{\"a\":\"abc\",\"b\":\"abc\"}"},
	{3, "{\"abcdef\":1}", "{\"abc\":1}"},
	{3, "[\"ab\\\"cd\",\"abc\\\"d\",\"ab\\\\\",\"ab\\u0041x\"]",
	    "[\"ab\\\"\",\"abc\",\"ab\\\\\",\"ab\\u0041\"]"},
	{3, "[\"a\\u0041\\u0041\",\"\\\\\\\\\\\\\"]", "[\"a\\u0041\",\"\\\\\\\\\"]"},
	{2, "[\"a\xe2\x82\xac\xe2\x82\xac\",\"\xc3\xa4\xc3\xa4\",\"\xf0\x9f\x98\x80x\"]",
	    "[\"a\xe2\x82\xac\",\"\xc3\xa4\",\"\xf0\x9f\x98\x80\"]"},
	{0, "[\"abc\",\"\\n\",\"\"]", "[\"\",\"\",\"\"]"},
};

START_TEST(long_strings_lose_their_end)
{
	static const size_t pieces[] = {1000, 1, 2, 3, 5};
	struct str text = str_z(shortened[_i].text);
	size_t i, at;

	for (i = 0; i < NELEM(pieces); i++) {
		struct shorten s;
		struct buf b = {0};

		shorten_init(&s, shortened[_i].keep);
		for (at = 0; at < text.n; at += pieces[i])
			shorten_feed(&s, &b, text.p + at, MIN(pieces[i], text.n - at));
		same(&b, shortened[_i].shortened, strlen(shortened[_i].shortened));
		buf_free(&b);
	}
}
END_TEST

Suite *
json_read_suite(void)
{
	Suite *s = suite_create("json_read");
	TCase *tc = tcase_create("json_read");

	tcase_add_test(tc, a_tree);
	tcase_add_test(tc, nonsense);
	tcase_add_loop_test(tc, plain_text, 0, (int)NELEM(strings));
	tcase_add_test(tc, numbers);
	tcase_add_loop_test(tc, iso_dates, 0, (int)NELEM(dates));
	tcase_add_loop_test(tc, from_base64, 0, (int)NELEM(base64s));
	tcase_add_loop_test(tc, long_strings_lose_their_end, 0, (int)NELEM(shortened));
	suite_add_tcase(s, tc);
	return s;
}
