/* SPDX-License-Identifier: ISC */
/* test_permit.c - what ca.permit and a CA's own constraints let through. */
#include "config.h"

#include "tls/permit.h"

#include "base/mem.h"
#include "suites.h"
#include "tls/name.h"

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

static struct permit *
permit_of(const char *const *names, size_t n)
{
	struct errmsg err = {.text = ""};
	struct permit *p = permit_new((char **)(uintptr_t)names, n, &err);

	ck_assert_msg(p != NULL, "%s", err.text);
	return p;
}

START_TEST(permits)
{
	struct permit *p = permit_of(patterns, NELEM(patterns));

	ck_assert_int_eq(permit_has(p, cases[_i].type, cases[_i].name), cases[_i].permitted);
	permit_free(&p);
}
END_TEST

START_TEST(empty_permits_all)
{
	struct permit *p = permit_of(NULL, 0);

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
	struct errmsg err = {.text = ""};

	ck_assert_ptr_null(permit_new((char **)(uintptr_t)&unusable[_i], 1, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "limit of a CA"));
}
END_TEST

static const struct {
	const char *host;
	bool permitted;
} hosts[] = {
	{"exact.test", true}, {"exact.test.", true}, {"a.exact.test", false},
	{"10.1.2.3", true}, {"11.1.2.3", false}, {"2001:db8::1", true},
	{"[2001:db8::1]", true}, {"[2001:db8::2]", false}, {"*.below.test", true},
	{"", false}, {".", false}, {"[]", false},
};

START_TEST(has_hosts_as_people_write_them)
{
	struct permit *p = permit_of(patterns, NELEM(patterns));

	ck_assert_int_eq(permit_has_host(p, str_z(hosts[_i].host)), hosts[_i].permitted);
	permit_free(&p);
	p = permit_of(NULL, 0);
	ck_assert(permit_has_host(p, str_z(hosts[_i].host)));
	permit_free(&p);
}
END_TEST

static GENERAL_SUBTREE *
subtree(NAME_CONSTRAINTS *nc, bool permitted, int i)
{
	return sk_GENERAL_SUBTREE_value(permitted ? nc->permittedSubtrees : nc->excludedSubtrees,
	    i);
}

START_TEST(constraints_exclude_the_kinds_that_are_not_permitted)
{
	static const char *const names[] = {"example.com"}, *const v4[] = {"10.1.2.3/8"};
	struct permit *p = permit_of(names, 1);
	NAME_CONSTRAINTS *nc = permit_constraints(p);
	GENERAL_NAME *base;

	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->permittedSubtrees), 1);
	ck_assert_int_eq(subtree(nc, true, 0)->base->type, GEN_DNS);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 2);
	NAME_CONSTRAINTS_free(nc);
	permit_free(&p);
	p = permit_of(v4, 1);
	nc = permit_constraints(p);
	base = subtree(nc, true, 0)->base;
	ck_assert_int_eq(base->type, GEN_IPADD);
	ck_assert_mem_eq(ASN1_STRING_get0_data(base->d.iPAddress), "\x0a\0\0\0\xff\0\0\0", 8);
	ck_assert_int_eq(sk_GENERAL_SUBTREE_num(nc->excludedSubtrees), 2);
	base = subtree(nc, false, 0)->base;
	ck_assert_int_eq(base->type, GEN_DNS);
	ck_assert_int_eq(ASN1_STRING_length(base->d.dNSName), 0);
	base = subtree(nc, false, 1)->base;
	ck_assert_int_eq(ASN1_STRING_length(base->d.iPAddress), 32);
	NAME_CONSTRAINTS_free(nc);
	permit_free(&p);
}
END_TEST

/* ---- a CA's own constraints ---- */

static X509 *
cert_with(const char *constraints)
{
	X509 *cert = X509_new();
	X509_EXTENSION *e;

	ck_assert_ptr_nonnull(cert);
	if (constraints == NULL)
		return cert;
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraints);
	ck_assert_msg(e != NULL, "%s", constraints);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
	return cert;
}

static const struct {
	const char *constraints, *host;
	bool permitted;
} limited[] = {
	{"permitted;DNS:corp.test", "corp.test", true},
	{"permitted;DNS:corp.test", "a.b.corp.test", true},
	{"permitted;DNS:corp.test", "*.corp.test", true},
	{"permitted;DNS:corp.test", "xcorp.test", false},
	{"permitted;DNS:corp.test", "*.test", false},
	{"permitted;DNS:corp.test", "192.0.2.1", true},	/* says nothing of addresses */
	{"permitted;DNS:.corp.test", "corp.test", false},
	{"permitted;DNS:.corp.test", "a.corp.test", true},
	{"permitted;DNS:a.test,permitted;DNS:b.test", "x.b.test", true},
	{"permitted;DNS:corp.test,excluded;DNS:hr.corp.test", "a.corp.test", true},
	{"permitted;DNS:corp.test,excluded;DNS:hr.corp.test", "hr.corp.test", false},
	{"permitted;DNS:corp.test,excluded;DNS:hr.corp.test", "x.hr.corp.test", false},
	{"permitted;DNS:corp.test,excluded;DNS:hr.corp.test", "*.corp.test", false},
	{"permitted;DNS:corp.test,excluded;DNS:hr.corp.test", "*.it.corp.test", true},
	{"permitted;IP:10.0.0.0/255.0.0.0", "10.9.9.9", true},
	{"permitted;IP:10.0.0.0/255.0.0.0", "11.0.0.1", false},
	{"permitted;IP:10.0.0.0/255.0.0.0", "2001:db8::1", false},
	{"permitted;IP:10.0.0.0/255.0.0.0", "any.test", true},
	{"excluded;IP:0.0.0.0/0.0.0.0", "10.9.9.9", false},
	{"excluded;IP:0.0.0.0/0.0.0.0", "2001:db8::1", true},
	{"permitted;email:corp.test", "any.test", true},
};

START_TEST(narrowed_by_a_ca)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = cert_with(limited[_i].constraints);
	struct errmsg err;

	ck_assert_int_eq(permit_narrow(p, cert, &err), 0);
	ck_assert(!permit_any(p));
	ck_assert_int_eq(permit_has_host(p, str_z(limited[_i].host)), limited[_i].permitted);
	ck_assert(!permit_no_subject(p));
	X509_free(cert);
	permit_free(&p);
}
END_TEST

START_TEST(the_narrower_counts)
{
	static const char *const names[] = {".a.test", ".b.test"};
	struct permit *p = permit_of(names, 2);
	X509 *one = cert_with("permitted;DNS:b.test,permitted;DNS:c.test");
	X509 *two = cert_with("excluded;DNS:x.b.test"), *none = cert_with(NULL);
	struct errmsg err;

	ck_assert_int_eq(permit_narrow(p, none, &err), 0);
	ck_assert(permit_has_host(p, STR("y.a.test")));
	ck_assert_int_eq(permit_narrow(p, one, &err), 0);
	ck_assert_int_eq(permit_narrow(p, two, &err), 0);
	ck_assert(!permit_has_host(p, STR("y.a.test")));
	ck_assert(permit_has_host(p, STR("y.b.test")));
	ck_assert(!permit_has_host(p, STR("x.b.test")));
	ck_assert(!permit_has_host(p, STR("y.c.test")));
	X509_free(one);
	X509_free(two);
	X509_free(none);
	permit_free(&p);
}
END_TEST

START_TEST(a_certificate_without_constraints_limits_nothing)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = cert_with(NULL);
	struct errmsg err;

	ck_assert_int_eq(permit_narrow(p, cert, &err), 0);
	ck_assert(permit_any(p));
	X509_free(cert);
	permit_free(&p);
}
END_TEST

START_TEST(other_kinds_are_left_out_when_limited)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = cert_with("excluded;URI:x.test");
	struct errmsg err;

	ck_assert(permit_has(p, NAME_URI, STR("https://a.test/")));
	ck_assert_int_eq(permit_narrow(p, cert, &err), 0);
	ck_assert(!permit_has(p, NAME_URI, STR("https://a.test/")));
	ck_assert(permit_has(p, NAME_EMAIL, STR("a@a.test")));
	X509_free(cert);
	permit_free(&p);
}
END_TEST

/* One permitted subtree of that kind and value. */
static X509 *
cert_with_subtree(int type, struct str value, bool maximum)
{
	NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
	GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
	ASN1_STRING *s = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING :
	    V_ASN1_OCTET_STRING);
	X509 *cert = X509_new();

	if (type == GEN_DIRNAME) {
		ASN1_STRING_free(s);
		GENERAL_NAME_set0_value(tree->base, type, X509_NAME_new());
	} else {
		ck_assert_int_eq(ASN1_STRING_set(s, value.p, (int)value.n), 1);
		GENERAL_NAME_set0_value(tree->base, type, s);
	}
	if (maximum) {
		tree->maximum = ASN1_INTEGER_new();
		ck_assert_int_eq(ASN1_INTEGER_set(tree->maximum, 3), 1);
	}
	nc->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
	ck_assert_int_gt(sk_GENERAL_SUBTREE_push(nc->permittedSubtrees, tree), 0);
	ck_assert_int_eq(X509_add1_ext_i2d(cert, NID_name_constraints, nc, 1, 0), 1);
	NAME_CONSTRAINTS_free(nc);
	return cert;
}

static const struct {
	int type;
	struct str value;
	bool maximum;
} strange[] = {
	{GEN_DNS, STR("a..b"), false},
	{GEN_DNS, STR("a\0b"), false},
	{GEN_DNS, STR("a.test"), true},
	{GEN_IPADD, STR("1234567"), false},
	{GEN_IPADD, STR("\x0a\0\0\0\xff\0\xff\0"), false},
	{GEN_IPADD, STR(""), false},
};

START_TEST(what_is_not_understood_is_refused)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = cert_with_subtree(strange[_i].type, strange[_i].value,
	    strange[_i].maximum);
	struct errmsg err = {.text = ""};

	ck_assert_int_eq(permit_narrow(p, cert, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "name constraints"));
	X509_free(cert);
	permit_free(&p);
}
END_TEST

START_TEST(bytes_that_are_no_constraints_are_refused)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = X509_new();
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	struct errmsg err;

	ck_assert_int_eq(ASN1_OCTET_STRING_set(s, (const uint8_t *)"\x30\x05", 2), 1);
	e = X509_EXTENSION_create_by_NID(NULL, NID_name_constraints, 1, s);
	ck_assert_int_eq(X509_add_ext(cert, e, -1), 1);
	ck_assert_int_eq(permit_narrow(p, cert, &err), -1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(s);
	X509_free(cert);
	permit_free(&p);
}
END_TEST

START_TEST(limited_subjects_are_told)
{
	struct permit *p = permit_of(NULL, 0);
	X509 *cert = cert_with_subtree(GEN_DIRNAME, STR_NONE, false);
	struct errmsg err;

	ck_assert_int_eq(permit_narrow(p, cert, &err), 0);
	ck_assert(permit_no_subject(p));
	ck_assert(permit_has_host(p, STR("any.test")));
	X509_free(cert);
	permit_free(&p);
}
END_TEST

/* What we write for a list is read back as that list, or a little wider. */
START_TEST(own_constraints_read_back)
{
	struct permit *list = permit_of(patterns, NELEM(patterns)), *p = permit_of(NULL, 0);
	NAME_CONSTRAINTS *nc = permit_constraints(list);
	X509 *cert = X509_new();
	struct errmsg err;

	ck_assert_int_eq(X509_add1_ext_i2d(cert, NID_name_constraints, nc, 1, 0), 1);
	ck_assert_int_eq(permit_narrow(p, cert, &err), 0);
	ck_assert(permit_has_host(p, STR("exact.test")));
	ck_assert(permit_has_host(p, STR("a.below.test")));
	ck_assert(permit_has_host(p, STR("10.1.2.3")));
	ck_assert(permit_has_host(p, STR("2001:db8::1")));
	ck_assert(!permit_has_host(p, STR("other.test")));
	ck_assert(!permit_has_host(p, STR("11.1.2.3")));
	ck_assert(!permit_has_host(p, STR("2001:db8::2")));
	NAME_CONSTRAINTS_free(nc);
	X509_free(cert);
	permit_free(&p);
	permit_free(&list);
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
	tcase_add_loop_test(tc, has_hosts_as_people_write_them, 0, NELEM(hosts));
	tcase_add_test(tc, constraints_exclude_the_kinds_that_are_not_permitted);
	tcase_add_loop_test(tc, narrowed_by_a_ca, 0, NELEM(limited));
	tcase_add_test(tc, the_narrower_counts);
	tcase_add_test(tc, a_certificate_without_constraints_limits_nothing);
	tcase_add_test(tc, other_kinds_are_left_out_when_limited);
	tcase_add_loop_test(tc, what_is_not_understood_is_refused, 0, NELEM(strange));
	tcase_add_test(tc, bytes_that_are_no_constraints_are_refused);
	tcase_add_test(tc, limited_subjects_are_told);
	tcase_add_test(tc, own_constraints_read_back);
	suite_add_tcase(s, tc);
	return s;
}
