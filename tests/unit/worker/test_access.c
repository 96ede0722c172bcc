/* SPDX-License-Identifier: ISC */
/* test_access.c - who may come, where they may go, and under which tag. */
#include "config.h"

#include <string.h>

#include "conf/conf.h"
#include "proc/proc.h"
#include "suites.h"
#include "worker/access.h"

static struct cidr allow[2];
static struct conf conf;
static struct proc_listener listeners[2];
static struct access *access_list;

static struct addr
at(const char *text)
{
	struct addr a;

	ck_assert_msg(addr_parse(str_z(text), &a), "%s", text);
	return a;
}

static void
setup(void)
{
	ck_assert(cidr_parse(STR("10.1.0.0/16"), &allow[0]));
	ck_assert(cidr_parse(STR("2001:db8:1::/48"), &allow[1]));
	conf = (struct conf){.access = {.allow = allow, .nallow = 2, .guard = CONF_GUARD_ON},
	    .limits = {.connections_per_client = 3}};
	listeners[0].address = at("0.0.0.0:8080");
	listeners[1].address = at("192.0.2.7:3128");
	access_list = access_new(&conf, listeners, 2);
}

static void
teardown(void)
{
	access_free(&access_list);
	ck_assert_ptr_null(access_list);
	access_free(&access_list);
}

static const struct {
	const char *client;
	bool ok;
} clients[] = {
    {"127.0.0.1:1", true},
    {"127.9.9.9:1", true},
    {"[::1]:1", true},
    {"10.1.2.3:1", true},
    {"10.2.0.0:1", false},
    {"10.0.255.255:1", false},
    {"[2001:db8:1::5]:1", true},
    {"[2001:db8:2::5]:1", false},
    {"203.0.113.9:1", false},
};

START_TEST(client)
{
	struct addr a = at(clients[_i].client);
	const char *why = access_client(access_list, &a);

	ck_assert_msg((why == NULL) == clients[_i].ok, "%s: %s", clients[_i].client,
	    why != NULL ? why : "let in");
}
END_TEST

#define SELF "this proxy itself"
#define HOST "own host"
#define LINK "link-local"

static const struct {
	const char *client, *destination;
	enum conf_guard guard;
	const char *why;	/* NULL: may be reached */
} destinations[] = {
    {"10.1.2.3:1", "203.0.113.1:443", CONF_GUARD_ON, NULL},
    {"10.1.2.3:1", "10.9.9.9:80", CONF_GUARD_ON, NULL},
    {"10.1.2.3:1", "127.0.0.1:80", CONF_GUARD_ON, HOST},
    {"10.1.2.3:1", "127.8.8.8:80", CONF_GUARD_ON, HOST},
    {"10.1.2.3:1", "[::1]:80", CONF_GUARD_ON, HOST},
    {"10.1.2.3:1", "0.0.0.0:80", CONF_GUARD_ON, HOST},
    {"10.1.2.3:1", "[::]:80", CONF_GUARD_ON, HOST},
    {"10.1.2.3:1", "169.254.169.254:80", CONF_GUARD_ON, LINK},
    {"10.1.2.3:1", "[fe80::1]:80", CONF_GUARD_ON, LINK},
    {"10.1.2.3:1", "[fd00:ec2::254]:80", CONF_GUARD_ON, LINK},
    {"10.1.2.3:1", "[fd00:ec2::255]:80", CONF_GUARD_ON, NULL},
    /* A client of this host could do all that alone. */
    {"127.0.0.1:1", "127.0.0.1:80", CONF_GUARD_ON, NULL},
    {"127.0.0.1:1", "169.254.169.254:80", CONF_GUARD_ON, NULL},
    {"10.1.2.3:1", "127.0.0.1:80", CONF_GUARD_OFF, NULL},
    {"10.1.2.3:1", "169.254.169.254:80", CONF_GUARD_OFF, NULL},
    /* A loop is refused to everybody. */
    {"127.0.0.1:1", "127.0.0.1:8080", CONF_GUARD_ON, SELF},
    {"127.0.0.1:1", "127.0.0.2:8080", CONF_GUARD_ON, SELF},
    {"127.0.0.1:1", "[::1]:8080", CONF_GUARD_ON, SELF},
    {"127.0.0.1:1", "0.0.0.0:8080", CONF_GUARD_ON, SELF},
    {"10.1.2.3:1", "127.0.0.1:8080", CONF_GUARD_OFF, SELF},
    {"10.1.2.3:1", "192.0.2.7:3128", CONF_GUARD_OFF, SELF},
    {"127.0.0.1:1", "0.0.0.0:3128", CONF_GUARD_OFF, SELF},
    {"10.1.2.3:1", "192.0.2.7:3129", CONF_GUARD_ON, NULL},
    {"10.1.2.3:1", "192.0.2.8:3128", CONF_GUARD_ON, NULL},
    {"10.1.2.3:1", "203.0.113.1:8080", CONF_GUARD_ON, NULL},
};

START_TEST(destination)
{
	struct addr from = at(destinations[_i].client), to = at(destinations[_i].destination);
	const char *want = destinations[_i].why, *why;

	conf.access.guard = destinations[_i].guard;
	why = access_destination(access_list, &from, &to);
	ck_assert_msg((why == NULL) == (want == NULL) && (why == NULL || strstr(why, want) != NULL),
	    "%s to %s: %s", destinations[_i].client, destinations[_i].destination,
	    why != NULL ? why : "may");
}
END_TEST

/* A mapped address is the IPv4 address it maps. */
START_TEST(mapped_destination)
{
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(80),
	    .sin6_addr = {.s6_addr = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}}};
	struct addr from = at("10.1.2.3:1"),
	    to = addr_from_sockaddr((struct sockaddr *)&mapped, sizeof(mapped));

	ck_assert_ptr_nonnull(access_destination(access_list, &from, &to));
}
END_TEST

/* ---- tags ---- */

#define T64 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff0123"

static const struct {
	const char *field;	/* value of Proxy-Authorization; NULL: none */
	const char *tag;	/* NULL: refused */
} tags[] = {
    {NULL, "10.1.2.3"},
    {"Basic am9iLTE6", "job-1"},		/* job-1: */
    {"Basic am9iLTE6cHc=", "job-1"},		/* job-1:pw */
    {"basic am9iLTE6cHc=", "job-1"},
    {"Basic   am9iLTE6cHc=  ", "job-1"},
    {"Basic am9iLTE=", "job-1"},		/* no colon */
    {"Basic Xzpw", "_"},			/* _:p */
    {"Basic YTpiOmM=", "a"},			/* a:b:c */
    {"Basic OnB3", NULL},			/* :pw */
    {"Basic LWE6", NULL},			/* -a: */
    {"Basic LmE6", NULL},			/* .a: */
    {"Basic YS9iOg==", NULL},			/* a/b: */
    {"Basic YSBiOg==", NULL},			/* a b: */
    {"Basic YQBiOg==", NULL},			/* a NUL b: */
    {"Basic Li46", NULL},			/* ..: */
    {"Basic w6k6", NULL},			/* e with an accent: */
    {"Basic ", NULL},
    {"Basic", NULL},
    {"Basic am9iLTE", NULL},			/* no padding */
    {"Basic am9i*TE6", NULL},
    {"Basic ====", NULL},
    {"Bearer am9iLTE6", NULL},
    {"", NULL},
    {"Basic YWFhYWFhYWFhYWJiYmJiYmJiYmJjY2NjY2NjY2NjZGRkZGRkZGRkZGVlZWVlZWVlZWVmZmZmZmZmZmZmMDEyMzo=",
	T64},
    {"Basic YWFhYWFhYWFhYWJiYmJiYmJiYmJjY2NjY2NjY2NjZGRkZGRkZGRkZGVlZWVlZWVlZWVmZmZmZmZmZmZmMDEyMzQ6",
	NULL},
};

START_TEST(tag_of_a_request)
{
	struct addr from = at("10.1.2.3:1");
	char out[TAG_MAX + 1] = "";
	struct message m;
	const char *why;

	message_init(&m);
	if (tags[_i].field != NULL)
		fields_add(&m.fields, STR("Proxy-Authorization"), str_z(tags[_i].field));
	why = access_tag(&m, &from, out);
	ck_assert_msg((why == NULL) == (tags[_i].tag != NULL), "%s: %s", tags[_i].field,
	    why != NULL ? why : out);
	if (why == NULL)
		ck_assert_str_eq(out, tags[_i].tag);
	message_free(&m);
}
END_TEST

START_TEST(credentials_of_any_size_are_bounded)
{
	struct addr from = at("10.1.2.3:1");
	char value[8 + 4096], out[TAG_MAX + 1];
	struct message m;
	size_t n;

	for (n = 0; n <= 4096; n += 64) {
		memcpy(value, "Basic ", 6);
		memset(value + 6, 'Q', n);
		message_init(&m);
		fields_add(&m.fields, STR("Proxy-Authorization"), str_of(value, 6 + n));
		if (n != 64)	/* 48 times A */
			ck_assert_ptr_nonnull(access_tag(&m, &from, out));
		message_free(&m);
	}
}
END_TEST

START_TEST(tag_of_an_address)
{
	static const struct {
		const char *addr, *tag;
	} t[] = {{"192.0.2.1:1", "192.0.2.1"}, {"[2001:db8::1]:1", "2001-db8--1"},
	    {"[::1]:1", "0--1"}, {"[::]:1", "0--"}, {"[fe80::]:1", "fe80--"}};
	char out[TAG_MAX + 1];
	size_t i;

	for (i = 0; i < NELEM(t); i++) {
		struct addr a = at(t[i].addr);

		access_tag_of_address(&a, out);
		ck_assert_str_eq(out, t[i].tag);
		ck_assert(access_tag_ok(str_z(out)));
	}
}
END_TEST

/* ---- connections of one client ---- */

START_TEST(one_client_has_only_so_many)
{
	struct addr a = at("10.1.2.3:1"), same = at("10.1.2.3:2"), b = at("10.1.2.4:1"),
	    v6 = at("[2001:db8::1]:1");

	ck_assert(access_enter(access_list, &a));
	ck_assert(access_enter(access_list, &same));
	ck_assert(access_enter(access_list, &a));
	ck_assert(!access_enter(access_list, &same));
	ck_assert(access_enter(access_list, &b));
	ck_assert(access_enter(access_list, &v6));
	access_leave(access_list, &same);
	ck_assert(access_enter(access_list, &a));
	ck_assert(!access_enter(access_list, &a));
	access_leave(access_list, &b);
}
END_TEST

START_TEST(who_left_is_forgotten)
{
	unsigned i;

	for (i = 0; i < 5000; i++) {
		struct addr a = at("10.1.0.0:1");

		a.in.sin_addr.s_addr = htonl(0x0a010000u + i);
		ck_assert(access_enter(access_list, &a));
		access_leave(access_list, &a);
		ck_assert(access_enter(access_list, &a));
		if (i % 2 == 0)
			access_leave(access_list, &a);
	}
}
END_TEST

Suite *
access_suite(void)
{
	Suite *s = suite_create("access");
	TCase *tc = tcase_create("access");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, client, 0, (int)NELEM(clients));
	tcase_add_loop_test(tc, destination, 0, (int)NELEM(destinations));
	tcase_add_test(tc, mapped_destination);
	tcase_add_loop_test(tc, tag_of_a_request, 0, (int)NELEM(tags));
	tcase_add_test(tc, credentials_of_any_size_are_bounded);
	tcase_add_test(tc, tag_of_an_address);
	tcase_add_test(tc, one_client_has_only_so_many);
	tcase_add_test(tc, who_left_is_forgotten);
	suite_add_tcase(s, tc);
	return s;
}
