/* SPDX-License-Identifier: ISC */
/* test_hosts.c - host patterns. */
#include "config.h"

#include <stdlib.h>

#include "conf/hosts.h"
#include "suites.h"

static struct hosts *
one(const char *pattern)
{
	struct hosts *h = hosts_new();
	struct errmsg err;

	ck_assert_msg(hosts_add(h, str_z(pattern), 7, &err) == 0, "%s: %s", pattern, err.text);
	return h;
}

static const struct {
	const char *pattern, *host;
	uint16_t port;
	const char *addr;	/* NULL: not connected */
	bool match;
} matches[] = {
	{"www.example.com", "www.example.com", 443, NULL, true},
	{"www.example.com", "www.example.com", 80, NULL, true},
	{"WWW.Example.COM.", "www.example.com", 443, NULL, true},
	{"www.example.com", "xwww.example.com", 443, NULL, false},
	{"www.example.com", "a.www.example.com", 443, NULL, false},
	{"www.example.com:443", "www.example.com", 443, NULL, true},
	{"www.example.com:443", "www.example.com", 8443, NULL, false},
	{"my_host", "my_host", 443, NULL, true},
	{"*.example.com", "a.example.com", 443, NULL, true},
	{"*.example.com", "a.b.c.example.com", 443, NULL, true},
	{"*.example.com", "example.com", 443, NULL, false},
	{"*.example.com", ".example.com", 443, NULL, false},
	{"*.example.com", "badexample.com", 443, NULL, false},
	{"*.Example.com:8443", "a.example.com", 8443, NULL, true},
	{"*.example.com:8443", "a.example.com", 443, NULL, false},
	{"*.example.com", "a.example.com", 443, "10.0.0.1", true},
	{".example.com", "example.com", 443, NULL, true},
	{".example.com", "a.b.example.com", 443, NULL, true},
	{".example.com", "badexample.com", 443, NULL, false},
	{".example.com:80", "example.com", 443, NULL, false},
	{"*", "anything", 1, NULL, true},
	{"*:443", "anything", 443, NULL, true},
	{"*:443", "anything", 80, NULL, false},
	{"10.0.0.0/8", "db.internal", 443, "10.1.2.3", true},
	{"10.0.0.0/8", "db.internal", 443, "11.1.2.3", false},
	{"10.0.0.0/8", "db.internal", 443, NULL, false},
	{"10.0.0.0/8", "10.9.9.9", 443, NULL, true},
	{"10.0.0.0/8", "10.9.9.9", 443, "11.0.0.1", false},
	{"10.0.0.0/8:443", "x", 443, "10.1.2.3", true},
	{"10.0.0.0/8:443", "x", 80, "10.1.2.3", false},
	{"192.0.2.1", "192.0.2.1", 443, NULL, true},
	{"192.0.2.1", "192.0.2.10", 443, NULL, false},
	{"192.0.2.1:443", "192.0.2.1", 80, NULL, false},
	{"::1", "::1", 443, NULL, true},
	{"2001:db8::/32", "2001:db8::1", 443, NULL, true},
	{"[2001:db8::]", "x", 443, "2001:db8::", true},
	{"[::1]:443", "::1", 443, NULL, true},
	{"[::1]:443", "::1", 80, NULL, false},
	{"[2001:db8::/32]:443", "x", 443, "2001:db8::5", true},
	{"[2001:db8::/32]:443", "x", 444, "2001:db8::5", false},
	{"::ffff:10.0.0.1", "x", 443, "10.0.0.1", true},
	{"~^build[0-9]+\\.", "build12.internal", 443, NULL, true},
	{"~^build[0-9]+\\.", "rebuild12.internal", 443, NULL, false},
	{"~INTERNAL", "db.internal", 443, NULL, true},
	{"~:8443$", "db.internal", 8443, NULL, true},
	{"~:8443$", "db.internal", 443, NULL, false},
	{"~^\\[::1\\]:443$", "::1", 443, NULL, true},
	{"~^a.c:", "a\nc", 443, NULL, false},
};

START_TEST(test_match)
{
	struct hosts *h = one(matches[_i].pattern);
	struct addr addr, *a = NULL;

	if (matches[_i].addr != NULL) {
		ck_assert(addr_parse_ip(str_z(matches[_i].addr), 443, &addr));
		a = &addr;
	}
	ck_assert_int_eq(hosts_match(h, str_z(matches[_i].host), matches[_i].port, a),
	    matches[_i].match ? 0 : -1);
	hosts_free(&h);
	ck_assert_ptr_null(h);
}
END_TEST

static const struct {
	const char *pattern, *reason;
} bad[] = {
	{"", "an empty host pattern"},
	{"a..b", "'a..b' has an empty label"},
	{".", "'.' has an empty label"},
	{"..", "'..' has an empty label"},
	{"*.", "'*.' has an empty label"},
	{"*..com", "'*..com' has an empty label"},
	{":443", "':443' has an empty label"},
	{"*foo", "'*foo' may have a '*' only alone or as '*.' in front"},
	{"foo*", "'foo*' may have a '*' only alone or as '*.' in front"},
	{"a.*.b", "'a.*.b' may have a '*' only alone or as '*.' in front"},
	{"*.*.b", "'*.*.b' may have a '*' only alone or as '*.' in front"},
	{"a b", "'a b' has a character that no host name has"},
	{"https://a", "'https://a' has a port that is not 1..65535"},
	{"a/b", "'a/b' is not a network (10.0.0.0/8, fd00::/8)"},
	{"10.0.0.0/33", "'10.0.0.0/33' is not a network (10.0.0.0/8, fd00::/8)"},
	{"10.0.0.0/", "'10.0.0.0/' is not a network (10.0.0.0/8, fd00::/8)"},
	{"fd00::/129", "'fd00::/129' is no address (IPv6 with a port is written [::1]:443)"},
	{"a:b:443", "'a:b:443' is no address (IPv6 with a port is written [::1]:443)"},
	{"127.1", "'127.1' is neither a name nor a canonical address"},
	{"0x7f.1", "'0x7f.1' is neither a name nor a canonical address"},
	{"2130706433", "'2130706433' is neither a name nor a canonical address"},
	{"a.0x1f", "'a.0x1f' is neither a name nor a canonical address"},
	{"a:0", "'a:0' has a port that is not 1..65535"},
	{"a:65536", "'a:65536' has a port that is not 1..65535"},
	{"a:", "'a:' has a port that is not 1..65535"},
	{"a:0443", "'a:0443' has a port that is not 1..65535"},
	{"[::1", "'[::1' has no ']'"},
	{"[::1]443", "'[::1]443' has something behind ']' that is not a port"},
	{"[10.0.0.1]:443",
	    "'[10.0.0.1]:443' has no IPv6 address or network between the brackets"},
	{"[]", "'[]' has no IPv6 address or network between the brackets"},
	{"b\xc3\xbc.example",
	    "'b\xc3\xbc.example' is not ASCII: write the name as DNS has it (xn--...)"},
	{"~", "'~' has no expression behind it"},
	{"~a(b", "'~a(b': missing closing parenthesis, at character 4"},
	{"~(*UTF)a", "'~(*UTF)a': using UTF is disabled by the application, at character 7"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' has a "
	    "label longer than 63"},
};

START_TEST(test_bad)
{
	struct hosts *h = hosts_new();
	struct errmsg err = {""};

	ck_assert_int_eq(hosts_add(h, str_z(bad[_i].pattern), 1, &err), -1);
	ck_assert_str_eq(err.text, bad[_i].reason);
	ck_assert_uint_eq(hosts_count(h), 0);
	hosts_free(&h);
}
END_TEST

START_TEST(test_long_name)
{
	char name[260];
	struct hosts *h = hosts_new();
	struct errmsg err = {""};
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	ck_assert_int_eq(hosts_add(h, str_of(name, 253), 1, &err), 0);
	ck_assert_int_eq(hosts_add(h, str_of(name, 255), 1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "is longer than a name can be (253)"));
	hosts_free(&h);
}
END_TEST

START_TEST(test_first_match_and_lines)
{
	struct hosts *h = hosts_new();
	struct errmsg err;

	ck_assert_int_eq(hosts_add(h, STR("*.example.com:80"), 3, &err), 0);
	ck_assert_int_eq(hosts_add(h, STR("A.example.com"), 4, &err), 0);
	ck_assert_int_eq(hosts_add(h, STR("~example"), 5, &err), 0);
	ck_assert_uint_eq(hosts_count(h), 3);
	ck_assert_int_eq(hosts_match(h, STR("a.example.com"), 80, NULL), 0);
	ck_assert_int_eq(hosts_match(h, STR("a.example.com"), 443, NULL), 1);
	ck_assert_int_eq(hosts_match(h, STR("b.example.com"), 443, NULL), 2);
	ck_assert_uint_eq(hosts_line(h, 1), 4);
	ck_assert(str_eq(hosts_pattern(h, 1), STR("A.example.com")));
	hosts_free(&h);
}
END_TEST

START_TEST(test_none)
{
	struct hosts *h = hosts_new();

	ck_assert_uint_eq(hosts_count(NULL), 0);
	ck_assert_int_eq(hosts_match(NULL, STR("a"), 443, NULL), -1);
	ck_assert_int_eq(hosts_match(h, STR("a"), 443, NULL), -1);
	hosts_free(&h);
	hosts_free(&h);
}
END_TEST

/* Without the limits this takes longer than the test may. */
START_TEST(test_catastrophic_regex)
{
	struct hosts *h = one("~^((a+)+)+[xy]$");
	char host[200];
	int i;

	memset(host, 'a', sizeof(host));
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(hosts_match(h, str_of(host, sizeof(host)), 443, NULL), -1);
	hosts_free(&h);
}
END_TEST

/* A host that is longer than any name is no reason to write past a buffer. */
START_TEST(test_overlong_host)
{
	struct hosts *h = one("~a");
	char host[4096];

	memset(host, 'a', sizeof(host));
	ck_assert_int_eq(hosts_match(h, str_of(host, 253), 65535, NULL), 0);
	ck_assert_int_eq(hosts_match(h, str_of(host, sizeof(host)), 443, NULL), -1);
	hosts_free(&h);
}
END_TEST

Suite *
hosts_suite(void)
{
	Suite *s = suite_create("hosts");
	TCase *t = tcase_create("hosts");

	tcase_add_loop_test(t, test_match, 0, (int)NELEM(matches));
	tcase_add_loop_test(t, test_bad, 0, (int)NELEM(bad));
	tcase_add_test(t, test_long_name);
	tcase_add_test(t, test_first_match_and_lines);
	tcase_add_test(t, test_none);
	tcase_add_test(t, test_catastrophic_regex);
	tcase_add_test(t, test_overlong_host);
	suite_add_tcase(s, t);
	return s;
}
