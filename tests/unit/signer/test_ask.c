/* SPDX-License-Identifier: ISC */
/* test_ask.c - what a broken worker may ask for in vain. */
#include "config.h"

#include "signer/ask.h"

#include "fixture.h"
#include "suites.h"
#include "tls/name.h"

static struct permit *all;
static struct ask ask;
static struct buf names;
static const char *why;

static void
setup(void)
{
	all = fixture_permit_all();
}

static void
teardown(void)
{
	permit_free(&all);
	buf_free(&names);
}

static int
check(const struct msg_sign_ask *m)
{
	return ask_check(m, all, NOW, &ask, &why);
}

START_TEST(without_an_origin_the_asked_name_is_the_name)
{
	struct msg_sign_ask m = ask_for("www.example.com");

	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	ck_assert_uint_eq(ask.names[0].type, NAME_DNS);
	ck_assert(str_eq(ask.names[0].value, STR("www.example.com")));
	ck_assert(str_eq(ask.cn, STR("www.example.com")));
	ck_assert_uint_eq(ask.org.n, 0);
}
END_TEST

START_TEST(an_address_is_an_address)
{
	struct msg_sign_ask m = ask_for("192.0.2.1");

	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.names[0].type, NAME_IP);
	ck_assert(str_eq(ask.names[0].value, STR("\xc0\x00\x02\x01")));
	m = ask_for("2001:db8::1");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.names[0].type, NAME_IP);
	ck_assert_uint_eq(ask.names[0].value.n, 16);
}
END_TEST

START_TEST(the_origins_names_are_kept_in_order)
{
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_URI, STR("https://example.com/"));
	names_add(&names, NAME_DNS, STR("*.example.com"));
	names_add(&names, NAME_IP, STR("\x7f\0\0\1"));
	names_add(&names, NAME_EMAIL, STR("a@example.com"));
	names_add(&names, NAME_DNS, STR("example.com"));
	m.names = buf_str(&names);
	m.cn = STR("Example");
	m.org = STR("Example Org");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 5);
	ck_assert_uint_eq(ask.names[0].type, NAME_URI);
	ck_assert(str_eq(ask.names[1].value, STR("*.example.com")));
	ck_assert_uint_eq(ask.names[2].type, NAME_IP);
	ck_assert_uint_eq(ask.names[3].type, NAME_EMAIL);
	ck_assert(str_eq(ask.names[4].value, STR("example.com")));
	ck_assert(str_eq(ask.cn, STR("Example")));
	ck_assert(str_eq(ask.org, STR("Example Org")));
}
END_TEST

START_TEST(too_broad_wildcards_are_left_out)
{
	struct msg_sign_ask m = ask_for("a.test");

	names_add(&names, NAME_DNS, STR("*"));
	names_add(&names, NAME_DNS, STR("*.test"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), ERR_DENIED);
	names_add(&names, NAME_DNS, STR("a.test"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	ck_assert(str_eq(ask.names[0].value, STR("a.test")));
}
END_TEST

START_TEST(names_outside_permit_are_left_out_the_asked_one_is_refused)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_DNS, STR("other.test"));
	names_add(&names, NAME_IP, STR("\x7f\0\0\1"));
	names_add(&names, NAME_DNS, STR("www.example.com"));
	m.names = buf_str(&names);
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	m.asked_name = STR("other.test");
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), ERR_DENIED);
	m.asked_name = STR("192.0.2.1");
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), ERR_DENIED);
	permit_free(&some);
}
END_TEST

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(a_name_too_long_for_a_cn_gives_an_empty_subject)
{
	struct msg_sign_ask m = ask_for(L63 ".t");

	m.org = STR("Org");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.cn.n, 0);
	ck_assert_uint_eq(ask.org.n, 0);
	m.asked_name = STR(L63);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.cn.n, 63);
	m.cn = STR(L63 "bb");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.cn.n, 0);
}
END_TEST

START_TEST(an_origin_without_cn_gives_none)
{
	struct msg_sign_ask m = ask_for("a.test");

	names_add(&names, NAME_DNS, STR("a.test"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.cn.n, 0);
}
END_TEST

START_TEST(asked_names_refused)
{
	static const struct str bad[] = {
		STR(""), STR("*.example.com"), STR("a\0b.test"), STR("a b"), STR("127.1"),
		STR("0x7f.1"), STR("2130706433"), STR("example.com."), STR("[::1]"), STR("a/b"),
		STR("192.0.2.1:443"), STR(L63 "a.test"), STR("fe80::1%eth0"), STR("\xff"),
	};
	struct msg_sign_ask m = ask_for("");

	m.asked_name = bad[_i];
	ck_assert_int_eq(check(&m), ERR_DENIED);
	ck_assert_ptr_nonnull(strstr(why, "asked name"));
}
END_TEST

START_TEST(origin_names_refused)
{
	static const struct {
		uint8_t type;
		struct str value;
	} bad[] = {
		{NAME_DNS, STR("")}, {NAME_DNS, STR("a\0.test")}, {NAME_DNS, STR("a.b*.test")},
		{NAME_DNS, STR("a b")}, {NAME_DNS, STR("a..b")},
		{NAME_DNS, STR("\xc3\xbc.test")},
		{NAME_IP, STR("")}, {NAME_IP, STR("abc")}, {NAME_IP, STR("abcdefgh")},
		{NAME_URI, STR("a:\n")}, {NAME_EMAIL, STR("x")}, {0, STR("x")}, {4, STR("x")},
		{8, STR("x")}, {255, STR("x")},
	};
	struct msg_sign_ask m = ask_for("a.test");

	ck_assert_uint_eq(NELEM(bad), 15);
	names_add(&names, NAME_DNS, STR("a.test"));
	names_add(&names, bad[_i].type, bad[_i].value);
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), ERR_DENIED);
}
END_TEST

START_TEST(a_cut_list_is_refused_at_every_byte)
{
	struct msg_sign_ask m = ask_for("a.test");
	size_t cut;

	names_add(&names, NAME_DNS, STR("a.test"));
	names_add(&names, NAME_DNS, STR("b.test"));
	for (cut = 1; cut < names.len; cut++) {
		m.names = str_sub(buf_str(&names), 0, cut);
		ck_assert_int_eq(check(&m), cut == 9 ? 0 : ERR_DENIED);
	}
}
END_TEST

START_TEST(fields_refused)
{
	struct msg_sign_ask m = ask_for("a.test");

	switch (_i) {
	case 0: m.recipe = RECIPE_COUNT; break;
	case 1: m.recipe = 255; break;
	case 2: m.key = 2; break;
	case 3: m.cn = STR("a\nb"); break;
	case 4: m.org = STR("\xff"); break;
	case 5: m.not_after = NOW; break;
	case 6: m.not_after = -1; break;
	case 7: m.not_before = -1; break;
	case 8: m.not_before = NOW + 48 * 3600 + 1; break;
	case 9: m.not_before = INT64_MAX; break;
	case 10: m.not_after = INT64_MIN; break;
	}
	ck_assert_int_eq(check(&m), ERR_DENIED);
}
END_TEST

START_TEST(dates_allowed)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.not_before = NOW + 48 * 3600;
	m.not_after = NOW + 1;
	ck_assert_int_eq(check(&m), 0);
	ck_assert_int_eq(ask.not_after, NOW + 1);
	m.not_after = INT64_MAX;
	ck_assert_int_eq(check(&m), 0);
}
END_TEST

START_TEST(sizes)
{
	static char large[ASK_MAX + 1];
	struct msg_sign_ask m = ask_for("a.test");
	unsigned i;

	memset(large, 'a', sizeof(large));
	m.org = str_of(large, ASK_MAX - 6);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.org.n, 0);
	m.org = str_of(large, ASK_MAX - 5);
	ck_assert_int_eq(check(&m), ERR_DENIED);
	m.org = STR_NONE;
	for (i = 0; i < ASK_NAMES_MAX; i++)
		names_add(&names, NAME_DNS, STR("a"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), 0);
	names_add(&names, NAME_DNS, STR("a"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), ERR_DENIED);
}
END_TEST

Suite *
ask_suite(void)
{
	Suite *s = suite_create("ask");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_an_origin_the_asked_name_is_the_name);
	tcase_add_test(tc, an_address_is_an_address);
	tcase_add_test(tc, the_origins_names_are_kept_in_order);
	tcase_add_test(tc, too_broad_wildcards_are_left_out);
	tcase_add_test(tc, names_outside_permit_are_left_out_the_asked_one_is_refused);
	tcase_add_test(tc, a_name_too_long_for_a_cn_gives_an_empty_subject);
	tcase_add_test(tc, an_origin_without_cn_gives_none);
	tcase_add_loop_test(tc, asked_names_refused, 0, 14);
	tcase_add_loop_test(tc, origin_names_refused, 0, 15);
	tcase_add_test(tc, a_cut_list_is_refused_at_every_byte);
	tcase_add_loop_test(tc, fields_refused, 0, 11);
	tcase_add_test(tc, dates_allowed);
	tcase_add_test(tc, sizes);
	suite_add_tcase(s, tc);
	return s;
}
