/* SPDX-License-Identifier: ISC */
/* test_name.c - which bytes are a name. */
#include "config.h"

#include "tls/name.h"

#include "suites.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define H253 L63 "." L63 "." L63 "." L61

static const struct {
	struct str s;
	bool host, asked;
} hosts[] = {
	{STR("example.com"), true, true},
	{STR("localhost"), true, true},
	{STR("EXAMPLE.Com"), true, true},
	{STR("xn--bcher-kva.example"), true, true},
	{STR("_dmarc.example.com"), true, true},
	{STR("a-.-b.example"), true, true},
	{STR("1.example"), true, true},
	{STR(L63 ".test"), true, true},
	{STR(L63 "a.test"), false, false},
	{STR(H253), true, true},
	{STR(H253 "a"), false, false},
	{STR("192.0.2.1"), true, false},
	{STR("127.1"), true, false},
	{STR("2130706433"), true, false},
	{STR("0x7f000001"), true, false},
	{STR("a.0x7f"), true, false},
	{STR(""), false, false},
	{STR("."), false, false},
	{STR("a."), false, false},
	{STR(".a"), false, false},
	{STR("a..b"), false, false},
	{STR("a b.test"), false, false},
	{STR("a\0b.test"), false, false},
	{STR("a\nb.test"), false, false},
	{STR("a/b.test"), false, false},
	{STR("*.a.test"), false, false},
	{STR("b\xc3\xbc" "cher.test"), false, false},
	{STR("a:443"), false, false},
	{STR("[::1]"), false, false},
};

START_TEST(host_names)
{
	ck_assert_int_eq(name_is_host(hosts[_i].s), hosts[_i].host);
	ck_assert_int_eq(name_is_asked_host(hosts[_i].s), hosts[_i].asked);
}
END_TEST

static const struct {
	struct str s;
	enum name_wildcard is;
} wildcards[] = {
	{STR("*.example.com"), NAME_WILDCARD},
	{STR("*.a.b.example.com"), NAME_WILDCARD},
	{STR("*.co.uk"), NAME_WILDCARD},
	{STR("*"), NAME_TOO_BROAD},
	{STR("*.com"), NAME_TOO_BROAD},
	{STR("example.com"), NAME_NO_WILDCARD},
	{STR("a*.example.com"), NAME_PARTIAL},
	{STR("*a.example.com"), NAME_PARTIAL},
	{STR("s*e.test"), NAME_PARTIAL},
	{STR("s*e"), NAME_NO_WILDCARD},
	{STR("s*e."), NAME_NO_WILDCARD},
	{STR("s**e.test"), NAME_NO_WILDCARD},
	{STR("s*/e.test"), NAME_NO_WILDCARD},
	{STR("s*\0e.test"), NAME_NO_WILDCARD},
	{STR("*.*.example.com"), NAME_NO_WILDCARD},
	{STR("a.*.example.com"), NAME_NO_WILDCARD},
	{STR("*..example.com"), NAME_NO_WILDCARD},
	{STR("*."), NAME_NO_WILDCARD},
	{STR("*." H253), NAME_NO_WILDCARD},
};

static const struct {
	struct str s;
	bool is;
} dns_names[] = {
	{STR("example.com"), true}, {STR("example.com."), true}, {STR("*.example.com."), true},
	{STR("*"), true}, {STR("s*e.test"), true}, {STR(""), false}, {STR("."), false},
	{STR("example.com.."), false}, {STR("a b"), false}, {STR(".example.com"), false},
};

START_TEST(names_of_origins)
{
	ck_assert_int_eq(name_is_dns(dns_names[_i].s), dns_names[_i].is);
}
END_TEST

START_TEST(wildcard_names)
{
	ck_assert_int_eq(name_wildcard(wildcards[_i].s), wildcards[_i].is);
}
END_TEST

static const struct {
	struct str s;
	bool text;
} texts[] = {
	{STR(""), true},
	{STR("Example GmbH & Co. KG"), true},
	{STR("B\xc3\xbc" "cher \xe6\x9b\xb8 \xf0\x9f\x93\x96"), true},
	{STR("a\nb"), false},
	{STR("a\0b"), false},
	{STR("a\x7f"), false},
	{STR("a\xc2\x85"), false},		/* NEL */
	{STR("a\xe2\x80\xae" "b"), false},	/* right-to-left override */
	{STR("\xc3"), false},
	{STR("\xc3("), false},
	{STR("\xc0\xaf"), false},
	{STR("\xe0\x80\xaf"), false},
	{STR("\xed\xa0\x80"), false},		/* a surrogate */
	{STR("\xf4\x90\x80\x80"), false},
	{STR("\xf0\x80\x80\x80"), false},
	{STR("\xff"), false},
};

START_TEST(texts_of_subjects)
{
	ck_assert_int_eq(name_is_text(texts[_i].s), texts[_i].text);
}
END_TEST

START_TEST(other_kinds)
{
	ck_assert(name_is_uri(STR("https://example.com/a?b#c")));
	ck_assert(name_is_uri(STR("spiffe://cluster.local/ns/a")));
	ck_assert(!name_is_uri(STR("no-scheme")));
	ck_assert(!name_is_uri(STR(":x")));
	ck_assert(!name_is_uri(STR("a:b c")));
	ck_assert(!name_is_uri(STR("a:b\0")));
	ck_assert(name_is_email(STR("root@example.com")));
	ck_assert(!name_is_email(STR("root")));
	ck_assert(!name_is_email(STR("@example.com")));
	ck_assert(!name_is_email(STR("a@b@c")));
	ck_assert(!name_is_email(STR("a b@example.com")));
}
END_TEST

Suite *
name_suite(void)
{
	Suite *s = suite_create("name");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, host_names, 0, NELEM(hosts));
	tcase_add_loop_test(tc, wildcard_names, 0, NELEM(wildcards));
	tcase_add_loop_test(tc, names_of_origins, 0, NELEM(dns_names));
	tcase_add_loop_test(tc, texts_of_subjects, 0, NELEM(texts));
	tcase_add_test(tc, other_kinds);
	suite_add_tcase(s, tc);
	return s;
}
