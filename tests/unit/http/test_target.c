/* SPDX-License-Identifier: ISC */
/* test_target.c - authorities and URLs. */
#include "config.h"

#include "base/err.h"
#include "http/target.h"
#include "suites.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEITHER "the host is neither a name nor an address"
#define NOT_CANONICAL "the host is an address that is not written canonically"
#define PORT "the port is not a number from 1 to 65535"
#define NO_V6 "what is in brackets is no IPv6 address"

static const struct authority {
	struct str in;
	uint16_t default_port;
	const char *host;	/* NULL: refused */
	uint16_t port;
	bool is_ip;
	const char *why;
} AUTHORITIES[] = {
	{STR("example.com:443"), 0, "example.com", 443, false, NULL},
	{STR("example.com"), 80, "example.com", 80, false, NULL},
	{STR("EXAMPLE.Com:1"), 0, "example.com", 1, false, NULL},
	{STR("example.com.:443"), 0, "example.com", 443, false, NULL},
	{STR("localhost:65535"), 0, "localhost", 65535, false, NULL},
	{STR("my_host.a-b:80"), 0, "my_host.a-b", 80, false, NULL},
	{STR("xn--bcher-kva.example:80"), 0, "xn--bcher-kva.example", 80, false, NULL},
	{STR("1a.2b:80"), 0, "1a.2b", 80, false, NULL},
	{STR("1.example:80"), 0, "1.example", 80, false, NULL},
	{STR("127.0.0.1:80"), 0, "127.0.0.1", 80, true, NULL},
	{STR("[::1]:80"), 0, "::1", 80, true, NULL},
	{STR("[2001:DB8:0::1]"), 443, "2001:db8::1", 443, true, NULL},
	{STR("[::ffff:127.0.0.1]:80"), 0, "127.0.0.1", 80, true, NULL},
	{STR(L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	    80,
	    L63 "." L63 "." L63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    80, false, NULL},
	/* ports */
	{STR("h"), 0, NULL, 0, false, "the port is missing"},
	{STR("[::1]"), 0, NULL, 0, false, "the port is missing"},
	{STR("h:"), 80, NULL, 0, false, PORT},
	{STR("h:0"), 80, NULL, 0, false, PORT},
	{STR("h:65536"), 80, NULL, 0, false, PORT},
	{STR("h:+443"), 80, NULL, 0, false, PORT},
	{STR("h:0443"), 80, NULL, 0, false, PORT},
	{STR("h:443 "), 80, NULL, 0, false, PORT},
	{STR("h:443/"), 80, NULL, 0, false, PORT},
	{STR("h:80:80"), 80, NULL, 0, false, PORT},
	{STR("[::1]80"), 80, NULL, 0, false, "something other than a port behind the bracket"},
	/* what is no host */
	{STR(""), 80, NULL, 0, false, "the host is empty"},
	{STR("."), 80, NULL, 0, false, "the host is empty"},
	{STR(":80"), 80, NULL, 0, false, "the host is empty"},
	{STR("u@h:80"), 80, NULL, 0, false, "user information in the authority"},
	{STR("u:p@h:80"), 80, NULL, 0, false, "user information in the authority"},
	{STR("h/x:80"), 80, NULL, 0, false, NEITHER},
	{STR("h?x:80"), 80, NULL, 0, false, NEITHER},
	{STR("h#x:80"), 80, NULL, 0, false, NEITHER},
	{STR("h\0x:80"), 80, NULL, 0, false, NEITHER},
	{STR("h x:80"), 80, NULL, 0, false, NEITHER},
	{STR("h%2ex:80"), 80, NULL, 0, false, NEITHER},
	{STR("h\\x:80"), 80, NULL, 0, false, NEITHER},
	{STR("*.h:80"), 80, NULL, 0, false, NEITHER},
	{STR("a..b:80"), 80, NULL, 0, false, NEITHER},
	{STR(".a:80"), 80, NULL, 0, false, NEITHER},
	{STR("a..:80"), 80, NULL, 0, false, NEITHER},
	{STR("b\xc3\xbc" "cher:80"), 80, NULL, 0, false, NEITHER},
	{STR(L63 "a:80"), 80, NULL, 0, false, NEITHER},
	{STR(L63 "." L63 "." L63 "." L63), 80, NULL, 0, false,
	    "the host name is longer than 253 bytes"},
	/* addresses that are written so that they pass for names */
	{STR("127.1:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("2130706433:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("0x7f.1:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("0x7f000001:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("0X7F.0.0.0x1:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("a.0x:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("0177.0.0.1:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("0:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("1.1:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("1.2.3.04:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("1.2.3.4.5:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("1.2.3.256:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("127.0.0.1.:80"), 80, NULL, 0, false, NOT_CANONICAL},
	{STR("\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1:80"), 80, NULL, 0, false, NEITHER},
	/* IPv6 */
	{STR("::1"), 80, NULL, 0, false, PORT},
	{STR("2001:db8::1:80"), 80, NULL, 0, false, PORT},
	{STR("[::1"), 80, NULL, 0, false, "the bracket of an IPv6 address is not closed"},
	{STR("[]:80"), 80, NULL, 0, false, NO_V6},
	{STR("[1.2.3.4]:80"), 80, NULL, 0, false, NO_V6},
	{STR("[example.com]:80"), 80, NULL, 0, false, NO_V6},
	{STR("[1::2::3]:80"), 80, NULL, 0, false, NO_V6},
	{STR("[v1.x]:80"), 80, NULL, 0, false, NO_V6},
	{STR("[fe80::1%lo]:80"), 80, NULL, 0, false, "an IPv6 address with a zone"},
	{STR("[fe80::1%25lo]:80"), 80, NULL, 0, false, "an IPv6 address with a zone"},
	{STR("fe80::1%lo"), 80, NULL, 0, false, PORT},
};

START_TEST(authorities)
{
	const struct authority *row = &AUTHORITIES[_i];
	const char *why = NULL;
	struct host_port hp;
	int err = target_parse_authority(row->in, row->default_port, &hp, &why);

	if (row->host == NULL) {
		ck_assert_msg(err == ERR_SYNTAX, "%.*s passed", STR_ARG(row->in));
		ck_assert_str_eq(why, row->why);
		return;
	}
	ck_assert_msg(err == 0, "%.*s: %s", STR_ARG(row->in), why);
	ck_assert_str_eq(hp.host, row->host);
	ck_assert_uint_eq(hp.host_len, strlen(row->host));
	ck_assert_uint_eq(hp.port, row->port);
	ck_assert_int_eq(hp.is_ip, row->is_ip);
	if (row->is_ip)
		ck_assert_uint_eq(addr_port(&hp.ip), row->port);
}
END_TEST

START_TEST(hosts_alone)
{
	static const struct {
		struct str in;
		const char *host;
	} rows[] = {
		{STR("Example.com."), "example.com"}, {STR("::1"), "::1"},
		{STR("10.0.0.1"), "10.0.0.1"}, {STR("h:80"), NULL}, {STR("[::1]"), NULL},
		{STR(""), NULL}, {STR("127.1"), NULL}, {STR("fe80::1%lo"), NULL},
		{STR("a@b"), NULL},
	};
	struct host_port hp;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		int err = target_parse_host(rows[i].in, &hp);

		ck_assert_msg((err == 0) == (rows[i].host != NULL), "%.*s", STR_ARG(rows[i].in));
		if (rows[i].host != NULL)
			ck_assert_str_eq(hp.host, rows[i].host);
	}
}
END_TEST

START_TEST(authority_text)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{STR("A.b:443"), "a.b"}, {STR("A.b:444"), "a.b:444"},
		{STR("[0::1]:443"), "[::1]"}, {STR("[::1]:8"), "[::1]:8"},
		{STR("[::ffff:1.2.3.4]:8"), "1.2.3.4:8"},
	};
	struct host_port hp;
	const char *why;
	struct buf out;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		buf_init(&out, 0);
		ck_assert_int_eq(target_parse_authority(rows[i].in, 0, &hp, &why), 0);
		target_put_authority(&out, &hp, 443);
		buf_putc(&out, '\0');
		ck_assert_str_eq((char *)buf_data(&out), rows[i].out);
		buf_free(&out);
	}
}
END_TEST

START_TEST(urls)
{
	static const struct {
		struct str scheme, authority, path;
		const char *out;
	} rows[] = {
		{STR("HTTPS"), STR("A.Example:443"), STR(""), "https://a.example/"},
		{STR("https"), STR("a:80"), STR("/x"), "https://a:80/x"},
		{STR("http"), STR("a:80"), STR("/x?y=z"), "http://a/x?y=z"},
		{STR("wss"), STR("a:443"), STR("/"), "wss://a/"},
		{STR("ws"), STR("a:443"), STR("/"), "ws://a:443/"},
		{STR("http"), STR("[::1]:81"), STR("/"), "http://[::1]:81/"},
		{STR("http"), STR("a:80"), STR("?q"), "http://a/?q"},
		{STR("http"), STR("a:80"), STR("/a#b"), "http://a/a"},
		{STR("http"), STR("a:80"), STR("*"), "http://a/*"},
		{STR("http"), STR("a:80"), STR("/ \"<>`\x7f\x80\xff\n%20{|}"),
		    "http://a/%20%22%3C%3E%60%7F%80%FF%0A%20{|}"},
		{STR("http"), STR("a:80"), STR("/a<b>"), "http://a/a%3Cb%3E"},
	};
	struct host_port hp;
	const char *why;
	struct buf out;
	size_t i;

	for (i = 0; i < NELEM(rows); i++) {
		buf_init(&out, 0);
		ck_assert_int_eq(target_parse_authority(rows[i].authority, 0, &hp, &why), 0);
		target_put_url(&out, rows[i].scheme, &hp, rows[i].path);
		buf_putc(&out, '\0');
		ck_assert_str_eq((char *)buf_data(&out), rows[i].out);
		buf_free(&out);
	}
}
END_TEST

Suite *
target_suite(void)
{
	Suite *s = suite_create("target");
	TCase *tc = tcase_create("target");

	tcase_add_loop_test(tc, authorities, 0, NELEM(AUTHORITIES));
	tcase_add_test(tc, hosts_alone);
	tcase_add_test(tc, authority_text);
	tcase_add_test(tc, urls);
	suite_add_tcase(s, tc);
	return s;
}
