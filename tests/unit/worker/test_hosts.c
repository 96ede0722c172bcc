/* SPDX-License-Identifier: ISC */
/* test_hosts.c - what the files of the system say of names. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "suites.h"
#include "worker/hosts_table.h"
#include "worker/resolv_conf.h"

/* "ADDRESS ADDRESS" of a name. */
static const struct {
	const char *text, *name, *expect;
} hosts[] = {
    {"127.0.0.1 localhost\n", "localhost", "127.0.0.1"},
    {"127.0.0.1 localhost", "localhost", "127.0.0.1"},
    {"127.0.0.1 localhost\n", "local", ""},
    {"", "localhost", ""},
    {"192.0.2.1\ta B  c # d\n192.0.2.2 d\n", "b", "192.0.2.1"},
    {"192.0.2.1\ta b c # d\n192.0.2.2 d\n", "d", "192.0.2.2"},
    {"2001:db8::1 a\n192.0.2.9 a\n10.0.0.1 a\n", "a", "2001:db8::1 192.0.2.9 10.0.0.1"},
    {"#192.0.2.1 a\nnot.an.address a\n", "a", ""},
    {"192.0.2.1 a\r\n", "a", "192.0.2.1"},
};

START_TEST(a_name_in_hosts)
{
	struct hosts_table *t = hosts_table_new(str_z(hosts[_i].text));
	struct addr found[4];
	struct buf text;
	char one[ADDR_TEXT_SIZE];
	size_t i, n = hosts_table_find(t, hosts[_i].name, found, NELEM(found));

	buf_init(&text, 0);
	for (i = 0; i < n; i++)
		buf_printf(&text, "%s%s", i > 0 ? " " : "", addr_ip_text(&found[i], one));
	buf_putc(&text, '\0');
	ck_assert_str_eq((const char *)buf_data(&text), hosts[_i].expect);
	buf_free(&text);
	hosts_table_free(&t);
}
END_TEST

START_TEST(no_more_than_fit)
{
	struct hosts_table *t = hosts_table_new(STR("192.0.2.1 a\n192.0.2.2 a\n"));
	struct addr found[1];

	ck_assert_uint_eq(hosts_table_find(t, "a", found, 1), 1);
	hosts_table_free(&t);
}
END_TEST

static const struct {
	const char *text, *servers;
} servers[] = {
    {"", "127.0.0.1:53"},
    {"nameserver 192.0.2.1\n", "192.0.2.1:53"},
    {"nameserver 192.0.2.1 # one\n;nameserver 192.0.2.2\n#nameserver 192.0.2.3\n"
     "nameserver\t2001:db8::1\n", "192.0.2.1:53 [2001:db8::1]:53"},
    {"nameserver nonsense\nnameserver\n", "127.0.0.1:53"},
    {"nameserver 1.1.1.1\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4\n"
     "nameserver 1.1.1.5\nnameserver 1.1.1.6\nnameserver 1.1.1.7\nnameserver 1.1.1.8\n"
     "nameserver 1.1.1.9\n",
     "1.1.1.1:53 1.1.1.2:53 1.1.1.3:53 1.1.1.4:53 1.1.1.5:53 1.1.1.6:53 1.1.1.7:53 "
     "1.1.1.8:53"},
};

START_TEST(name_servers)
{
	struct resolv_conf c;
	struct buf text;
	char one[ADDR_TEXT_SIZE];
	size_t i;

	resolv_conf_parse(&c, str_z(servers[_i].text));
	buf_init(&text, 0);
	for (i = 0; i < c.nservers; i++)
		buf_printf(&text, "%s%s", i > 0 ? " " : "", addr_text(&c.servers[i], one));
	buf_putc(&text, '\0');
	ck_assert_str_eq((const char *)buf_data(&text), servers[_i].servers);
	buf_free(&text);
}
END_TEST

/* Which names are asked for, in order. */
static const struct {
	const char *text, *host, *names;
} searches[] = {
    {"", "short", "short"},
    {"search a.test b.test\n", "short", "short.a.test short.b.test short"},
    {"search a.test b.test\n", "www.example", "www.example www.example.a.test "
     "www.example.b.test"},
    {"search a.test\noptions ndots:2\n", "www.example", "www.example.a.test www.example"},
    {"search a.test\noptions rotate ndots:0 edns0\n", "short", "short short.a.test"},
    {"search a.test\n", "short.", "short."},
    {"search a.test\nsearch b.test.\n", "short", "short.b.test short"},
    {"search a.test\ndomain b.test c.test\n", "short", "short.b.test short"},
    {"search .\n", "short", "short"},
    {"search a.test\noptions ndots:99\n", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
     "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.a.test"},
};

START_TEST(names_to_ask_for)
{
	struct resolv_conf c;
	struct buf text;
	char name[RESOLV_NAME];
	const char *one;
	unsigned i;

	resolv_conf_parse(&c, str_z(searches[_i].text));
	buf_init(&text, 0);
	for (i = 0; (one = resolv_conf_name(&c, searches[_i].host, i, name)) != NULL; i++)
		buf_printf(&text, "%s%s", i > 0 ? " " : "", one);
	buf_putc(&text, '\0');
	ck_assert_str_eq((const char *)buf_data(&text), searches[_i].names);
	buf_free(&text);
}
END_TEST

/* What does not fit is left out, nothing is cut into another name. */
START_TEST(long_names)
{
	char text[600], host[300], name[RESOLV_NAME];
	struct resolv_conf c;

	memset(text, 'a', sizeof(text));
	memcpy(text, "search ", 7);
	(void)snprintf(text + 400, sizeof(text) - 400, " b.test\n");
	resolv_conf_parse(&c, str_z(text));
	ck_assert_uint_eq(c.nsearch, 1);
	ck_assert_str_eq(c.search[0], "b.test");
	memset(host, 'h', sizeof(host));
	host[253] = '\0';
	ck_assert_ptr_eq(resolv_conf_name(&c, host, 0, name), host);
	ck_assert_ptr_eq(resolv_conf_name(&c, host, 1, name), host);
	ck_assert_ptr_null(resolv_conf_name(&c, host, 2, name));
}
END_TEST

Suite *
hosts_suite(void)
{
	Suite *s = suite_create("hosts");
	TCase *tc = tcase_create("hosts");

	tcase_add_loop_test(tc, a_name_in_hosts, 0, NELEM(hosts));
	tcase_add_test(tc, no_more_than_fit);
	tcase_add_loop_test(tc, name_servers, 0, NELEM(servers));
	tcase_add_loop_test(tc, names_to_ask_for, 0, NELEM(searches));
	tcase_add_test(tc, long_names);
	suite_add_tcase(s, tc);
	return s;
}
