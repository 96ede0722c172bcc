/* SPDX-License-Identifier: ISC */
/* test_fields.c - the list of fields, and what belongs to one hop. */
#include "config.h"

#include <stdio.h>

#include "http/fields.h"
#include "http/hop.h"
#include "suites.h"

static struct fields f;

static void
setup(void)
{
	fields_init(&f);
}

static void
teardown(void)
{
	fields_free(&f);
}

static void
assert_str(struct str got, const char *want)
{
	ck_assert_msg(str_eq(got, str_z(want)), "'%.*s' is not '%s'", STR_ARG(got), want);
}

START_TEST(ids)
{
	static const struct {
		const char *name;
		enum field_id id;
	} rows[] = {
		{"Host", FIELD_HOST},
		{"CONTENT-LENGTH", FIELD_CONTENT_LENGTH},
		{"transfer-encoding", FIELD_TRANSFER_ENCODING},
		{"Proxy-Authentication-Info", FIELD_PROXY_AUTHENTICATION_INFO},
		{"te", FIELD_TE},
		{"Via", FIELD_VIA},
		{"HTTP2-Settings", FIELD_HTTP2_SETTINGS},
		{"transfer_encoding", FIELD_OTHER},
		{"Hosts", FIELD_OTHER},
		{"", FIELD_OTHER},
	};
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		ck_assert_msg(field_id_of(str_z(rows[i].name)) == rows[i].id, "%s", rows[i].name);
}
END_TEST

START_TEST(keeps_case_order_duplicates)
{
	uint32_t i;
	char name[16];

	for (i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "X-%u", i % 50);
		fields_add(&f, str_z(name), STR("v"));
	}
	ck_assert_uint_eq(f.n, 100);
	assert_str(fields_name(&f, &f.v[51]), "X-1");
	ck_assert_ptr_eq(fields_find_name(&f, STR("x-1")), &f.v[1]);
}
END_TEST

START_TEST(finds)
{
	fields_add(&f, STR("Set-Cookie"), STR("a"));
	fields_add(&f, STR("set-cookie"), STR("b"));
	fields_add(&f, STR("Host"), STR(""));
	ck_assert_uint_eq(fields_count(&f, FIELD_SET_COOKIE), 2);
	assert_str(fields_get(&f, FIELD_SET_COOKIE), "a");
	ck_assert_ptr_nonnull(fields_get(&f, FIELD_HOST).p);
	ck_assert_ptr_null(fields_get(&f, FIELD_VIA).p);
	ck_assert_ptr_null(fields_find(&f, FIELD_VIA));
	ck_assert_ptr_null(fields_find_name(&f, STR("nope")));
}
END_TEST

START_TEST(tokens)
{
	fields_add(&f, STR("Connection"), STR("keep-alive"));
	fields_add(&f, STR("connection"), STR(" x-foo ,, CLOSE"));
	ck_assert(fields_has_token(&f, FIELD_CONNECTION, STR("close")));
	ck_assert(!fields_has_token(&f, FIELD_CONNECTION, STR("foo")));
	ck_assert(!fields_has_token(&f, FIELD_UPGRADE, STR("close")));
}
END_TEST

START_TEST(clear_and_copy)
{
	struct fields to;

	fields_init(&to);
	fields_copy(&to, &f);
	ck_assert_uint_eq(to.n, 0);
	fields_add(&f, STR("A"), STR("b"));
	fields_copy(&to, &f);
	fields_clear(&f);
	ck_assert_uint_eq(f.n, 0);
	fields_add(&f, STR("C"), STR("d"));
	assert_str(fields_value(&to, &to.v[0]), "b");
	assert_str(fields_value(&f, &f.v[0]), "d");
	fields_free(&to);
}
END_TEST

START_TEST(extends)
{
	fields_add(&f, STR("A"), STR(""));
	fields_extend(&f, STR("b"));
	fields_extend(&f, STR(""));
	fields_extend(&f, STR("c"));
	assert_str(fields_value(&f, &f.v[0]), "b c");
}
END_TEST

START_TEST(name_and_value_bytes)
{
	unsigned c;

	for (c = 0; c < 256; c++) {
		char b = (char)c;
		bool token = c > 0x20 && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", b) == NULL;

		ck_assert_msg(field_name_ok(str_of(&b, 1)) == token, "name %u", c);
		ck_assert_msg(field_value_ok(str_of(&b, 1)) ==
			(c == '\t' || (c >= 0x20 && c != 0x7f)), "value %u", c);
	}
	ck_assert(!field_name_ok(STR("")));
	ck_assert(field_value_ok(STR("")));
}
END_TEST

START_TEST(hop_by_hop)
{
	static const struct {
		const char *name;
		bool drops;
	} rows[] = {
		{"Connection", true}, {"Keep-Alive", true}, {"Proxy-Connection", true},
		{"TE", true}, {"Upgrade", true}, {"Transfer-Encoding", true},
		{"HTTP2-Settings", true}, {"Proxy-Authorization", true},
		{"Proxy-Authenticate", true}, {"Proxy-Authentication-Info", true},
		{"X-Secret", true}, {"x-other", true},
		{"Host", false}, {"Content-Length", false}, {"Authorization", false},
		{"Cookie", false}, {"Trailer", false}, {"Proxy-Status", false}, {"X", false},
	};
	struct hop hop;
	size_t i;

	fields_add(&f, STR("Connection"), STR("close, x-secret, Host, Content-Length, Trailer"));
	fields_add(&f, STR("Connection"), STR("X-Other,Authorization,Cookie"));
	ck_assert(hop_init(&hop, &f));
	for (i = 0; i < NELEM(rows); i++) {
		fields_add(&f, str_z(rows[i].name), STR("v"));
		ck_assert(hop_init(&hop, &f));
		ck_assert_msg(hop_drops(&hop, &f, &f.v[f.n - 1]) == rows[i].drops, "%s",
		    rows[i].name);
	}
}
END_TEST

START_TEST(hop_limit)
{
	struct hop hop;
	unsigned i;

	for (i = 0; i < HOP_MAX; i++)
		fields_add(&f, STR("Connection"), STR("x"));
	ck_assert(hop_init(&hop, &f));
	fields_add(&f, STR("Connection"), STR("close"));
	ck_assert(!hop_init(&hop, &f));
}
END_TEST

Suite *
fields_suite(void)
{
	Suite *s = suite_create("fields");
	TCase *tc = tcase_create("fields");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, keeps_case_order_duplicates);
	tcase_add_test(tc, finds);
	tcase_add_test(tc, tokens);
	tcase_add_test(tc, clear_and_copy);
	tcase_add_test(tc, extends);
	tcase_add_test(tc, name_and_value_bytes);
	tcase_add_test(tc, hop_by_hop);
	tcase_add_test(tc, hop_limit);
	suite_add_tcase(s, tc);
	return s;
}
