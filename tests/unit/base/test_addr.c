/* SPDX-License-Identifier: ISC */
/* test_addr.c - addresses and blocks of them. */
#include "config.h"

#include "base/addr.h"
#include "suites.h"

START_TEST(literals)
{
	static const struct {
		struct str in;
		const char *out;	/* NULL: refused */
	} rows[] = {
		{STR("192.0.2.1"), "192.0.2.1"},
		{STR("2001:DB8::0:1"), "2001:db8::1"},
		{STR("::ffff:192.0.2.1"), "192.0.2.1"},
		{STR("::"), "::"},
		{STR("127.1"), NULL},
		{STR("0x7f.0.0.1"), NULL},
		{STR("0177.0.0.1"), NULL},
		{STR("2130706433"), NULL},
		{STR("1.2.3.4.5"), NULL},
		{STR("1.2.3.256"), NULL},
		{STR("[::1]"), NULL},
		{STR("fe80::1%lo"), NULL},
		{STR("1.2.3.4\0"), NULL},
		{STR(" 1.2.3.4"), NULL},
		{STR(""), NULL},
		{STR("1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222"), NULL},
	};
	char text[ADDR_TEXT_SIZE];
	struct addr a;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		ck_assert_msg(addr_parse_ip(rows[i].in, 80, &a) == (rows[i].out != NULL),
		    "%.*s", STR_ARG(rows[i].in));
		if (rows[i].out != NULL)
			ck_assert_str_eq(addr_ip_text(&a, text), rows[i].out);
	}
}
END_TEST

START_TEST(with_port)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{STR("192.0.2.1:80"), "192.0.2.1:80"},
		{STR("[2001:db8::1]:8080"), "[2001:db8::1]:8080"},
		{STR("192.0.2.1:0"), "192.0.2.1:0"},
		{STR("192.0.2.1"), NULL},
		{STR("192.0.2.1:"), NULL},
		{STR("192.0.2.1:65536"), NULL},
		{STR("192.0.2.1:080"), NULL},
		{STR("[192.0.2.1]:80"), NULL},
		{STR("::1:80"), NULL},
		{STR("[::1]80"), NULL},
		{STR("[::1:80"), NULL},
		{STR("host:80"), NULL},
	};
	char text[ADDR_TEXT_SIZE];
	struct addr a;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		ck_assert_msg(addr_parse(rows[i].in, &a) == (rows[i].out != NULL), "%.*s",
		    STR_ARG(rows[i].in));
		if (rows[i].out != NULL)
			ck_assert_str_eq(addr_text(&a, text), rows[i].out);
	}
}
END_TEST

static struct addr
ip(const char *z, uint16_t port)
{
	struct addr a;

	ck_assert(addr_parse_ip(str_z(z), port, &a));
	return a;
}

START_TEST(equality)
{
	struct addr a = ip("10.0.0.1", 1), b = ip("10.0.0.1", 2), c = ip("::1", 1),
		    none = {.len = 0};
	char text[ADDR_TEXT_SIZE];

	ck_assert(addr_same_ip(&a, &b));
	ck_assert(!addr_eq(&a, &b));
	addr_set_port(&b, 1);
	ck_assert(addr_eq(&a, &b));
	ck_assert(!addr_same_ip(&a, &c));
	ck_assert(!addr_same_ip(&none, &none));
	ck_assert_str_eq(addr_ip_text(&none, text), "");
}
END_TEST

START_TEST(kinds)
{
	static const struct {
		const char *ip;
		bool loopback, any, metadata;
	} rows[] = {
		{"127.0.0.1", true, false, false}, {"127.255.255.254", true, false, false},
		{"128.0.0.1", false, false, false}, {"::1", true, false, false},
		{"::ffff:127.0.0.1", true, false, false}, {"0.0.0.0", false, true, false},
		{"::", false, true, false}, {"169.254.169.254", false, false, true},
		{"169.255.0.1", false, false, false}, {"fe80::1", false, false, true},
		{"febf::1", false, false, true}, {"fec0::1", false, false, false},
		{"fd00:ec2::254", false, false, true}, {"fd00:ec2::253", false, false, false},
	};
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		struct addr a = ip(rows[i].ip, 0);

		ck_assert_msg(addr_is_loopback(&a) == rows[i].loopback, "%s", rows[i].ip);
		ck_assert_msg(addr_is_any(&a) == rows[i].any, "%s", rows[i].ip);
		ck_assert_msg(addr_is_metadata(&a) == rows[i].metadata, "%s", rows[i].ip);
	}
}
END_TEST

START_TEST(blocks)
{
	static const struct {
		struct str block;
		const char *ip;
		bool has;
	} rows[] = {
		{STR("10.0.0.0/8"), "10.255.255.255", true},
		{STR("10.0.0.0/8"), "11.0.0.0", false},
		{STR("10.1.2.3"), "10.1.2.3", true},
		{STR("10.1.2.3"), "10.1.2.4", false},
		{STR("172.16.0.0/12"), "172.31.255.255", true},
		{STR("172.16.0.0/12"), "172.32.0.0", false},
		{STR("0.0.0.0/0"), "8.8.8.8", true},
		{STR("0.0.0.0/0"), "::1", false},
		{STR("::/0"), "1.2.3.4", false},
		{STR("2001:db8::/33"), "2001:db8:7fff::1", true},
		{STR("2001:db8::/33"), "2001:db8:8000::1", false},
		{STR("::1"), "::1", true},
		{STR("10.0.0.0/8"), "::ffff:10.1.1.1", true},
	};
	struct cidr c;
	struct addr none = {.len = 0};
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		struct addr a = ip(rows[i].ip, 0);

		ck_assert(cidr_parse(rows[i].block, &c));
		ck_assert_msg(cidr_has(&c, &a) == rows[i].has, "%.*s %s",
		    STR_ARG(rows[i].block), rows[i].ip);
		ck_assert(!cidr_has(&c, &none));
	}
}
END_TEST

START_TEST(bad_blocks)
{
	static const struct str rows[] = {
		STR("10.0.0.0/33"), STR("::/129"), STR("10.0.0.0/"), STR("10.0.0.0/08"),
		STR("10.0.0/8"), STR("/8"), STR(""), STR("host/8"), STR("10.0.0.0/-1"),
		STR("10.0.0.0/8/8"),
	};
	struct cidr c;
	size_t i;

	for (i = 0; i < NELEM(rows); i++)
		ck_assert_msg(!cidr_parse(rows[i], &c), "%.*s", STR_ARG(rows[i]));
}
END_TEST

Suite *
addr_suite(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = tcase_create("addr");

	tcase_add_test(tc, literals);
	tcase_add_test(tc, with_port);
	tcase_add_test(tc, equality);
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, blocks);
	tcase_add_test(tc, bad_blocks);
	suite_add_tcase(s, tc);
	return s;
}
