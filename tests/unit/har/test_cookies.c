/* SPDX-License-Identifier: ISC */
/* test_cookies.c - cookies and name=value lists as HAR shows them. */
#include "config.h"

#include <string.h>

#include "har/cookies.h"
#include "har/pairs.h"
#include "suites.h"

#define EPOCH_2026 UINT64_C(1767225600)

static const struct {
	const char *text;
	bool good;
	uint64_t seconds;
} dates[] = {
	{"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},	/* IMF-fixdate */
	{"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},	/* RFC 850 */
	{"Sun Nov  6 08:49:37 1994", true, 784111777},		/* asctime */
	{"Thu, 01-Jan-1970 00:00:00 GMT", true, 0},
	{"Thu, 01 Jan 1970 00:00:01 GMT", true, 1},
	{"Wed, 31 Dec 1969 23:59:59 GMT", true, 0},
	{"Mon, 01 Jan 1601 00:00:00 GMT", true, 0},
	{"Tue, 29 Feb 2000 12:00:00 GMT", true, 951825600},
	{"Sat, 29 Feb 2020 12:00:00 GMT", true, 1582977600},
	{"Tue, 19 Jan 2038 03:14:08 GMT", true, 2147483648},
	{"Fri, 31 Dec 9999 23:59:59 GMT", true, 253402300799},
	{"Thu, 01-jan-69 00:00:00 GMT", true, 3124224000},	/* two digits below 70: 20xx */
	{"1 Mar 2024 1:2:3", true, 1709254923},
	{"Sat, 29 Feb 2100 12:00:00 GMT", false, 0},
	{"Fri, 30 Feb 2024 00:00:00 GMT", false, 0},
	{"Fri, 00 Mar 2024 00:00:00 GMT", false, 0},
	{"Fri, 01 Mar 2024 24:00:00 GMT", false, 0},
	{"Fri, 01 Mar 2024 00:60:00 GMT", false, 0},
	{"Fri, 01 Foo 2024 00:00:00 GMT", false, 0},
	{"Fri, 01 Mar 1600 00:00:00 GMT", false, 0},
	{"Fri, 01 Mar 12024 00:00:00 GMT", false, 0},
	{"Fri, 01 Mar 2024", false, 0},
	{"2024-03-01", false, 0},
	{"", false, 0},
	{"0", false, 0},
};

START_TEST(date)
{
	uint64_t s = 7;

	ck_assert_int_eq(cookies_date(str_z(dates[_i].text), &s), dates[_i].good);
	if (dates[_i].good)
		ck_assert_uint_eq(s, dates[_i].seconds);
}
END_TEST

static const struct {
	const char *field, *json;
} sent[] = {
	{"a=1", "{\"name\":\"a\",\"value\":\"1\"}"},
	{"a=1; b=2 ;c = 3;", "{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\",\"value\":\"2\"},"
			     "{\"name\":\"c\",\"value\":\"3\"}"},
	{"a=\"q\"; b==", "{\"name\":\"a\",\"value\":\"\\\"q\\\"\"},{\"name\":\"b\",\"value\":\"=\"}"},
	{"lone", "{\"name\":\"\",\"value\":\"lone\"}"},
	{" ;; ", ""},
};

static const struct {
	const char *field, *json;	/* members behind the value */
} set[] = {
	{"a=1", ",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Path=/x; Domain=.e.com; Secure; HttpOnly; SameSite=Lax",
	    ",\"path\":\"/x\",\"domain\":\".e.com\",\"httpOnly\":true,\"secure\":true,"
	    "\"sameSite\":\"Lax\""},
	{"a=1; expires=Sun, 06 Nov 1994 08:49:37 GMT",
	    ",\"expires\":\"1994-11-06T08:49:37.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; expires=tomorrow", ",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=60; expires=Sun, 06 Nov 1994 08:49:37 GMT",
	    ",\"expires\":\"2026-01-01T00:01:00.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; expires=Sun, 06 Nov 1994 08:49:37 GMT; max-age=3600",
	    ",\"expires\":\"2026-01-01T01:00:00.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=0",
	    ",\"expires\":\"1970-01-01T00:00:00.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=-5",
	    ",\"expires\":\"1970-01-01T00:00:00.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=99999999999999999999999",
	    ",\"expires\":\"9999-12-31T23:59:59.000Z\",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=6x", ",\"httpOnly\":false,\"secure\":false"},
	{"a=1; Max-Age=", ",\"httpOnly\":false,\"secure\":false"},
};

static void
one_field(struct fields *f, const char *name, const char *value)
{
	fields_init(f);
	fields_add(f, str_z(name), str_z(value));
}

START_TEST(cookie)
{
	struct fields f;
	struct buf b = {0};

	one_field(&f, "Cookie", sent[_i].field);
	ck_assert(cookies_put_sent(&b, &f));
	buf_putc(&b, '\0');
	ck_assert_str_eq((char *)buf_data(&b), sent[_i].json);
	buf_free(&b);
	fields_free(&f);
}
END_TEST

START_TEST(set_cookie)
{
	struct fields f;
	struct buf b = {0}, want = {0};

	one_field(&f, "set-cookie", set[_i].field);
	ck_assert(cookies_put_set(&b, &f, EPOCH_2026 * 1000000));
	buf_printf(&want, "{\"name\":\"a\",\"value\":\"1\"%s}", set[_i].json);
	ck_assert_msg(str_eq(buf_str(&b), buf_str(&want)), "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	buf_free(&want);
	fields_free(&f);
}
END_TEST

static const struct {
	struct str in;
	const char *decoded, *decodable;
} pairs[] = {
	{STR("a=1&b=2"), "{\"name\":\"a\",\"value\":\"1\"},{\"name\":\"b\",\"value\":\"2\"}", NULL},
	{STR("a&&=b&"), "{\"name\":\"a\",\"value\":\"\"},{\"name\":\"\",\"value\":\"b\"}", NULL},
	{STR("a+b=c%20d"), "{\"name\":\"a b\",\"value\":\"c d\"}", NULL},
	{STR("a=%C3%A4"), "{\"name\":\"a\",\"value\":\"\xc3\xa4\"}", NULL},
	{STR("a=%e4"), "{\"name\":\"a\",\"value\":\"\xc3\xa4\"}", NULL},
	{STR("a=%00%0a"), "{\"name\":\"a\",\"value\":\"\\u0000\\n\"}", NULL},
	{STR("a=%25"), "{\"name\":\"a\",\"value\":\"%\"}", "{\"name\":\"a\",\"value\":\"%25\"}"},
	{STR("x%25=+"), "{\"name\":\"x%\",\"value\":\" \"}", "{\"name\":\"x%25\",\"value\":\"+\"}"},
	{STR("a=%"), "{\"name\":\"a\",\"value\":\"%\"}", NULL},
	{STR("a=%4"), "{\"name\":\"a\",\"value\":\"%4\"}", NULL},
	{STR("a=%zz"), "{\"name\":\"a\",\"value\":\"%zz\"}", NULL},
	{STR("a=b=c"), "{\"name\":\"a\",\"value\":\"b=c\"}", NULL},
	{STR(""), "", NULL},
};

START_TEST(name_value)
{
	struct buf b = {0};
	const char *want = pairs[_i].decodable != NULL ? pairs[_i].decodable : pairs[_i].decoded;

	ck_assert(pairs_put(&b, pairs[_i].in, PAIRS_DECODED));
	buf_putc(&b, '\0');
	ck_assert_str_eq((char *)buf_data(&b), pairs[_i].decoded);
	buf_clear(&b);
	ck_assert(pairs_put(&b, pairs[_i].in, PAIRS_DECODABLE));
	buf_putc(&b, '\0');
	ck_assert_str_eq((char *)buf_data(&b), want);
	buf_free(&b);
}
END_TEST

START_TEST(lists_are_bounded)
{
	struct buf in = {0}, b = {0};
	struct fields f;
	int i;

	for (i = 0; i < PAIRS_MAX; i++)
		buf_putz(&in, "a=b&;");
	ck_assert(pairs_put(&b, str_sub(buf_str(&in), 0, in.len - 1), PAIRS_DECODED));
	ck_assert(!pairs_put(&b, buf_str(&in), PAIRS_DECODED));
	buf_clear(&b);
	fields_init(&f);
	fields_add(&f, STR("cookie"), buf_str(&in));
	ck_assert(cookies_put_sent(&b, &f));
	fields_add(&f, STR("cookie"), STR("one=more"));
	ck_assert(!cookies_put_sent(&b, &f));
	fields_free(&f);
	buf_free(&in);
	buf_free(&b);
}
END_TEST

Suite *
cookies_suite(void)
{
	Suite *s = suite_create("cookies");
	TCase *t = tcase_create("cookies");

	tcase_add_loop_test(t, date, 0, NELEM(dates));
	tcase_add_loop_test(t, cookie, 0, NELEM(sent));
	tcase_add_loop_test(t, set_cookie, 0, NELEM(set));
	tcase_add_loop_test(t, name_value, 0, NELEM(pairs));
	tcase_add_test(t, lists_are_bounded);
	suite_add_tcase(s, t);
	return s;
}
