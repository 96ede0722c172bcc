/* SPDX-License-Identifier: ISC */
/* test_permit.c - what ca.permit lets through. */
#include "config.h"

#include "signer/permit.h"

#include "fixture.h"
#include "signer/name.h"
#include "suites.h"

static const char *const patterns[] = {
	"exact.test", "*.below.test", ".both.test", "10.0.0.0/8", "2001:db8::1",
};

static const struct {
	uint8_t type;
	struct str name;
	bool permitted;
} cases[] = {
	{NAME_DNS, STR("exact.test"), true},
	{NAME_DNS, STR("EXACT.test"), true},
	{NAME_DNS, STR("a.exact.test"), false},
	{NAME_DNS, STR("*.exact.test"), false},
	{NAME_DNS, STR("below.test"), false},
	{NAME_DNS, STR("a.below.test"), true},
	{NAME_DNS, STR("a.b.below.test"), true},
	{NAME_DNS, STR("*.below.test"), true},
	{NAME_DNS, STR("*.a.below.test"), true},
	{NAME_DNS, STR("xbelow.test"), false},
	{NAME_DNS, STR("both.test"), true},
	{NAME_DNS, STR("a.both.test"), true},
	{NAME_DNS, STR("*.both.test"), true},
	{NAME_DNS, STR("aboth.test"), false},
	{NAME_DNS, STR("*.test"), false},
	{NAME_DNS, STR("other.test"), false},
	{NAME_IP, STR("\x0a\x01\x02\x03"), true},
	{NAME_IP, STR("\x0b\x01\x02\x03"), false},
	{NAME_IP, STR("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), true},
	{NAME_IP, STR("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"), false},
	{NAME_URI, STR("https://exact.test/"), false},
	{NAME_EMAIL, STR("a@exact.test"), false},
};

START_TEST(permits)
{
	struct permit *p = fixture_permit(patterns, NELEM(patterns));

	ck_assert_int_eq(permit_has(p, cases[_i].type, cases[_i].name), cases[_i].permitted);
	permit_free(&p);
}
END_TEST

START_TEST(empty_permits_all)
{
	struct permit *p = fixture_permit_all();

	ck_assert(permit_any(p));
	ck_assert(permit_has(p, cases[_i].type, cases[_i].name));
	permit_free(&p);
}
END_TEST

static const char *const unusable[] = {
	"~^build", "example.com:443", "*", "", "a b", "10.0.0.0/33", "*.", "a.*.test",
};

START_TEST(refuses_what_a_ca_cannot_say)
{
	struct conf_strings list = {.v = (char **)(uintptr_t)&unusable[_i], .n = 1};
	struct errmsg err = {.text = ""};

	ck_assert_ptr_null(permit_new(&list, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "ca.permit"));
}
END_TEST

START_TEST(constraints_exclude_addresses_unless_permitted)
{
	static const char *const names[] = {"example.com"}, *const v4[] = {"10.1.2.3/8"};
	struct permit *p = fixture_permit(names, 1);
	NAME_CONSTRAINTS *nc = permit_constraints(p);
	GENERAL_NAME *base;

	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->permittedSubtrees), 1);
	base = sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, 0)->base;
	ck_assert_int_eq(base->type, GEN_DNS);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 2);
	NAME_CONSTRAINTS_free(nc);
	permit_free(&p);
	p = fixture_permit(v4, 1);
	nc = permit_constraints(p);
	base = sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, 0)->base;
	ck_assert_int_eq(base->type, GEN_IPADD);
	ck_assert_mem_eq(ASN1_STRING_get0_data(base->d.iPAddress), "\x0a\0\0\0\xff\0\0\0", 8);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 1);
	base = sk_GENERAL_SUBTREE_value(nc->excludedSubtrees, 0)->base;
	ck_assert_int_eq(ASN1_STRING_length(base->d.iPAddress), 32);
	NAME_CONSTRAINTS_free(nc);
	permit_free(&p);
}
END_TEST

Suite *
permit_suite(void)
{
	Suite *s = suite_create("permit");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, permits, 0, NELEM(cases));
	tcase_add_loop_test(tc, empty_permits_all, 0, NELEM(cases));
	tcase_add_loop_test(tc, refuses_what_a_ca_cannot_say, 0, NELEM(unusable));
	tcase_add_test(tc, constraints_exclude_addresses_unless_permitted);
	suite_add_tcase(s, tc);
	return s;
}
