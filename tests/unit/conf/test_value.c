/* SPDX-License-Identifier: ISC */
/* test_value.c - scalars as text and back. */
#include "config.h"

#include "conf/value.h"
#include "suites.h"

#define BAD UINT64_MAX

static const struct {
	const char *text;
	uint64_t value;
	const char *back;
} sizes[] = {
	{"0", 0, "0"},
	{"1", 1, "1"},
	{"1023", 1023, "1023"},
	{"1024", 1024, "1K"},
	{"1025K", 1025 * 1024, "1025K"},
	{"64K", 65536, "64K"},
	{"16M", 16777216, "16M"},
	{"1024M", 1073741824, "1G"},
	{"10G", 10737418240, "10G"},
	{"2T", 2199023255552, "2T"},
	{"16777215T", 18446742974197923840u, "16777215T"},
	{"16777216T", BAD, NULL},
	{"18446744073709551616", BAD, NULL},
	{"", BAD, NULL},
	{"K", BAD, NULL},
	{"-1", BAD, NULL},
	{"+1", BAD, NULL},
	{" 1", BAD, NULL},
	{"01K", BAD, NULL},
	{"1 K", BAD, NULL},
	{"1k", BAD, NULL},
	{"1KB", BAD, NULL},
	{"1KiB", BAD, NULL},
	{"1.5K", BAD, NULL},
	{"0x10", BAD, NULL},
}, times[] = {
	{"0s", 0, "0s"},
	{"500ms", 500, "500ms"},
	{"1000ms", 1000, "1s"},
	{"10s", 10000, "10s"},
	{"90s", 90000, "90s"},
	{"5m", 300000, "5m"},
	{"24h", 86400000, "1d"},
	{"7d", 604800000, "7d"},
	{"213503982334d", 18446744073657600000u, "213503982334d"},
	{"213503982335d", BAD, NULL},
	{"10", BAD, NULL},
	{"0", BAD, NULL},
	{"", BAD, NULL},
	{"s", BAD, NULL},
	{"1.5h", BAD, NULL},
	{"1h30m", BAD, NULL},
	{"-1s", BAD, NULL},
	{"10S", BAD, NULL},
	{"10 s", BAD, NULL},
	{"1w", BAD, NULL},
};

START_TEST(test_size)
{
	uint64_t v = BAD;
	struct buf b;

	ck_assert_int_eq(value_size(str_z(sizes[_i].text), &v), sizes[_i].value != BAD);
	if (sizes[_i].value == BAD)
		return;
	ck_assert_uint_eq(v, sizes[_i].value);
	buf_init(&b, 0);
	value_put_size(&b, v);
	ck_assert(str_eq(buf_str(&b), str_z(sizes[_i].back)));
	buf_free(&b);
}
END_TEST

START_TEST(test_time)
{
	uint64_t v = BAD;
	struct buf b;

	ck_assert_int_eq(value_time(str_z(times[_i].text), &v), times[_i].value != BAD);
	if (times[_i].value == BAD)
		return;
	ck_assert_uint_eq(v, times[_i].value);
	buf_init(&b, 0);
	value_put_time(&b, v);
	ck_assert(str_eq(buf_str(&b), str_z(times[_i].back)));
	buf_free(&b);
}
END_TEST

START_TEST(test_bool)
{
	static const char *const yes[] = {"true", "yes", "on"},
	    *const no[] = {"false", "no", "off"},
	    *const none[] = {"", "True", "1", "0", "y", "enabled"};
	bool b;
	size_t i;

	for (i = 0; i < NELEM(yes); i++) {
		b = false;
		ck_assert(value_bool(str_z(yes[i]), &b) && b);
	}
	for (i = 0; i < NELEM(no); i++) {
		b = true;
		ck_assert(value_bool(str_z(no[i]), &b) && !b);
	}
	for (i = 0; i < NELEM(none); i++)
		ck_assert(!value_bool(str_z(none[i]), &b));
}
END_TEST

START_TEST(test_cidr)
{
	static const char *const in[] = {"10.0.0.0/8", "192.0.2.1", "fd00::/8", "::1", "::/0"},
	    *const out[] = {"10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "::1/128", "::/0"};
	struct cidr c;
	struct buf b;
	size_t i;

	buf_init(&b, 0);
	for (i = 0; i < NELEM(in); i++) {
		ck_assert(cidr_parse(str_z(in[i]), &c));
		buf_clear(&b);
		value_put_cidr(&b, &c);
		ck_assert(str_eq(buf_str(&b), str_z(out[i])));
	}
	buf_free(&b);
}
END_TEST

START_TEST(test_quoted)
{
	struct buf b;

	buf_init(&b, 0);
	value_put_quoted(&b, STR("a\"b\\c\xc3\xbc #: '"));
	ck_assert(str_eq(buf_str(&b), STR("\"a\\\"b\\\\c\xc3\xbc #: '\"")));
	buf_free(&b);
}
END_TEST

Suite *
value_suite(void)
{
	Suite *s = suite_create("value");
	TCase *t = tcase_create("value");

	tcase_add_loop_test(t, test_size, 0, (int)NELEM(sizes));
	tcase_add_loop_test(t, test_time, 0, (int)NELEM(times));
	tcase_add_test(t, test_bool);
	tcase_add_test(t, test_cidr);
	tcase_add_test(t, test_quoted);
	suite_add_tcase(s, t);
	return s;
}
