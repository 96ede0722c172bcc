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

/* Each is wrong by one thing only. */
static const struct {
	struct msg_sign_ask m;
	const char *why;
} denied[] = {
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_EC}, "a key"},
	{{.recipe = RECIPE_UNTRUSTED_LEAF, .key = SIGN_KEY_RSA}, "a key"},
	{{.recipe = RECIPE_FORGED, .key = SIGN_KEY_WEAK}, "a key"},
	{{.recipe = RECIPE_NOT_CA, .key = SIGN_KEY_MIRROR_EC}, "a key"},
	{{.key = SIGN_KEY_MIRROR_RSA}, "a key"},
	{{.key = SIGN_KEY_WEAK}, "a key"},
	{{.key = SIGN_KEY_COUNT}, "a key"},
	{{.key = SIGN_KEY_EC, .copy = COPY_NO_AKI}, "a key"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_WEAK_KEY}, "a key"},
	{{.key = SIGN_KEY_EC, .copy = COPY_WEAK_KEY, .recipe = RECIPE_NOT_CA}, "a key"},
	{{.key = SIGN_KEY_WEAK, .copy = COPY_NO_AKI}, "a key"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_ALL + 1}, "an unknown defect"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = UINT32_C(1) << 31}, "an unknown defect"},
	{{.staple = SIGN_STAPLE_STALE + 1}, "an unknown kind of staple"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .staple = SIGN_STAPLE_GOOD},
	    "a staple"},
	{{.recipe = RECIPE_NOT_CA, .staple = SIGN_STAPLE_REVOKED}, "a staple"},
	{{.recipe = RECIPE_FORGED, .key = SIGN_KEY_MIRROR_EC, .staple = SIGN_STAPLE_GOOD},
	    "a staple"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_KEY_USAGE, .key_usage = 0x100},
	    "an unknown key usage"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_KEY_USAGE, .key_usage = UINT32_C(1) << 31},
	    "an unknown key usage"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_NO_NAMES, .names = STR("\2\0\1a")},
	    "names for"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .why = STR("a\nb")}, "the reason"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .why = STR("\xe2\x80\xae")},
	    "the reason"},
	/* Dates of ours, and dates that nobody has. */
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES, .not_before = NOW + 48 * 3600 + 1,
	    .not_after = NOW + 864000}, "the first date"},
	{{.recipe = RECIPE_NOT_CA, .copy = COPY_DATES, .not_before = NOW + 48 * 3600 + 1,
	    .not_after = NOW + 864000}, "the first date"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES, .not_before = NOW - 1}, "a date"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES, .not_before = ASK_DATE_MIN - 1,
	    .not_after = NOW - 1}, "a date"},
	{{.key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES, .not_after = ASK_DATE_MAX + 1},
	    "a date"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES,
	    .not_before = INT64_MAX, .not_after = 1}, "a date"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .copy = COPY_DATES,
	    .not_after = INT64_MIN}, "a date"},
	/* What only a copied date may say. */
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .not_after = NOW}, "the last date"},
	{{.recipe = RECIPE_SELF, .key = SIGN_KEY_MIRROR_EC, .not_before = NOW + 864000},
	    "the first date"},
};

START_TEST(what_a_broken_worker_asks_is_denied)
{
	struct msg_sign_ask m = denied[_i].m;

	m.asked_name = STR("a.test");
	why = "";
	ck_assert_int_eq(check(&m), ERR_DENIED);
	ck_assert_msg(strstr(why, denied[_i].why) == why, "%s, not %s", why, denied[_i].why);
}
END_TEST

/* As in msg.h: who may have which key. */
START_TEST(keys_follow_from_recipe_and_defects)
{
	static const uint32_t copies[] = {0, COPY_NO_AKI, COPY_WEAK_KEY,
	    COPY_WEAK_KEY | COPY_NO_AKI};
	struct msg_sign_ask m = ask_for("a.test");
	unsigned recipe, key, i;

	for (recipe = 0; recipe < RECIPE_COUNT; recipe++)
		for (i = 0; i < NELEM(copies); i++)
			for (key = 0; key < SIGN_KEY_COUNT + 1; key++) {
				bool fits = key == fixture_key_for(recipe, copies[i], false) ||
				    key == fixture_key_for(recipe, copies[i], true);

				m.recipe = (uint8_t)recipe;
				m.copy = copies[i];
				m.key = (uint8_t)key;
				ck_assert_int_eq(check(&m), fits ? 0 : ERR_DENIED);
			}
}
END_TEST

START_TEST(strangers_have_names_outside_permit_but_not_too_broad_ones)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	m.recipe = RECIPE_SELF;
	m.key = SIGN_KEY_MIRROR_EC;
	names_add(&names, NAME_DNS, STR("other.test"));
	names_add(&names, NAME_DNS, STR("*.com"));
	names_add(&names, NAME_IP, STR("\x7f\0\0\1"));
	m.names = buf_str(&names);
	m.cn = STR("other.test");
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_uint_eq(ask.nnames, 2);
	ck_assert(str_eq(ask.names[0].value, STR("other.test")));
	ck_assert(str_eq(ask.cn, STR("other.test")));
	m.asked_name = STR("other.test");
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), ERR_DENIED);
	permit_free(&some);
}
END_TEST

/* Nothing is left for a client to compare with; the CN must not take its place. */
START_TEST(a_stranger_of_too_broad_names_has_no_name_at_all)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.recipe = RECIPE_SELF;
	m.key = SIGN_KEY_MIRROR_EC;
	names_add(&names, NAME_DNS, STR("*.test"));
	m.names = buf_str(&names);
	m.cn = STR("a.test");
	m.org = STR("Org");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 0);
	ck_assert_uint_eq(ask.cn.n, 0);
	ck_assert_uint_eq(ask.org.n, 3);
}
END_TEST

START_TEST(without_names_the_cn_is_the_origins)
{
	struct msg_sign_ask m = ask_for("a.test");

	m.key = SIGN_KEY_MIRROR_EC;
	m.copy = COPY_NO_NAMES;
	m.cn = STR("b.test");
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 0);
	ck_assert(str_eq(ask.cn, STR("b.test")));
	m.cn = STR_NONE;
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.cn.n, 0);
}
END_TEST

/* Clients that find no dNSName look at the CN. */
static const struct {
	struct str cn;
	bool any, some;	/* kept without ca.permit; with .example.com */
} cns[] = {
	{STR("www.example.com"), true, true},
	{STR("*.example.com"), true, true},
	{STR("w*.example.com"), true, true},
	{STR("other.test"), true, false},
	{STR("other.test."), true, false},
	{STR("*.other.test"), true, false},
	{STR("o*r.test"), true, false},
	{STR("localhost"), true, false},
	{STR("192.0.2.1"), true, false},
	{STR("2001:db8::1"), true, false},
	{STR("*.com"), false, false},
	{STR("*"), false, false},
	{STR("Example Inc."), true, false},	/* to GnuTLS that is a name as well */
	{STR("other/test"), true, false},
};

START_TEST(a_cn_is_a_name)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	m.key = SIGN_KEY_MIRROR_EC;
	m.copy = COPY_NO_NAMES;
	m.cn = cns[_i].cn;
	ck_assert_int_eq(check(&m), 0);
	ck_assert_int_eq(ask.cn.n > 0, cns[_i].any);
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_int_eq(ask.cn.n > 0, cns[_i].some);
	permit_free(&some);
}
END_TEST

START_TEST(a_text_as_cn_is_kept_beside_names)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_DNS, STR("www.example.com"));
	m.names = buf_str(&names);
	m.cn = STR("Example Inc.");
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert(str_eq(ask.cn, m.cn));
	permit_free(&some);
}
END_TEST

START_TEST(partial_wildcards_are_kept_where_all_of_them_is_permitted)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_DNS, STR("w*w.example.com"));
	names_add(&names, NAME_DNS, STR("w*w.test"));
	names_add(&names, NAME_DNS, STR("example*.com"));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 3);
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	ck_assert(str_eq(ask.names[0].value, STR("w*w.example.com")));
	permit_free(&some);
}
END_TEST

START_TEST(a_dot_at_the_end_is_kept_but_hides_nothing)
{
	static const char *const patterns[] = {".example.com"};
	struct permit *some = fixture_permit(patterns, 1);
	struct msg_sign_ask m = ask_for("www.example.com");

	names_add(&names, NAME_DNS, STR("www.example.com"));
	names_add(&names, NAME_DNS, STR("www.example.com."));
	names_add(&names, NAME_DNS, STR("*.com."));
	names_add(&names, NAME_DNS, STR("*."));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), 0);
	ck_assert_uint_eq(ask.nnames, 2);
	ck_assert(str_eq(ask.names[1].value, STR("www.example.com.")));
	/* Clients would call it a violation of the CA's constraints. */
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	names_add(&names, NAME_DNS, STR("www.example.com.."));
	m.names = buf_str(&names);
	ck_assert_int_eq(check(&m), ERR_DENIED);
	permit_free(&some);
}
END_TEST

/* Beside what a list cannot say: an own CA that excludes one of the names. */
START_TEST(partial_wildcards_touch_what_is_excluded)
{
	struct permit *some = fixture_permit_all();
	struct msg_sign_ask m = ask_for("www.example.com");
	struct errmsg err;
	X509_EXTENSION *e;
	struct ca ca;

	fixture_ca(&ca, false);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints,
	    "critical,excluded;DNS:secret.example.com");
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(ca.cert, e, -1), 1);
	ck_assert_int_gt(X509_sign(ca.cert, ca.key, EVP_sha256()), 0);
	ck_assert_int_eq(permit_narrow(some, ca.cert, &err), 0);
	names_add(&names, NAME_DNS, STR("s*t.example.com"));
	names_add(&names, NAME_DNS, STR("www.example.com"));
	m.names = buf_str(&names);
	ck_assert_int_eq(ask_check(&m, some, NOW, &ask, &why), 0);
	ck_assert_uint_eq(ask.nnames, 1);
	ck_assert(str_eq(ask.names[0].value, STR("www.example.com")));
	X509_EXTENSION_free(e);
	ca_free(&ca);
	permit_free(&some);
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
	for (i = 0; i < SIGN_NAMES_MAX; i++)
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
	tcase_add_loop_test(tc, what_a_broken_worker_asks_is_denied, 0, NELEM(denied));
	tcase_add_test(tc, keys_follow_from_recipe_and_defects);
	tcase_add_test(tc, strangers_have_names_outside_permit_but_not_too_broad_ones);
	tcase_add_test(tc, a_stranger_of_too_broad_names_has_no_name_at_all);
	tcase_add_test(tc, without_names_the_cn_is_the_origins);
	tcase_add_loop_test(tc, a_cn_is_a_name, 0, NELEM(cns));
	tcase_add_test(tc, a_text_as_cn_is_kept_beside_names);
	tcase_add_test(tc, partial_wildcards_are_kept_where_all_of_them_is_permitted);
	tcase_add_test(tc, a_dot_at_the_end_is_kept_but_hides_nothing);
	tcase_add_test(tc, partial_wildcards_touch_what_is_excluded);
	tcase_add_test(tc, dates_allowed);
	tcase_add_test(tc, sizes);
	suite_add_tcase(s, tc);
	return s;
}
