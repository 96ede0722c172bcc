/* SPDX-License-Identifier: ISC */
/* test_policy.c - what is decided for a host, and by which line. */
#include "config.h"

#include "conf/policy.h"
#include "suites.h"

static const char tunnels[] =
    "ignore_hosts:\n"
    "  - \"*.apple.example\"\n"		/* 2 */
    "  - 10.0.0.0/8\n"			/* 3 */
    "  - db.internal:5432\n"		/* 4 */
    "  - \"~^build[0-9]+\\\\.\"\n";	/* 5 */
static const char allowed[] =
    "allow_hosts: [\"*.ours.example\",\n"	/* 1 */
    "  192.0.2.0/24]\n"			/* 2 */
    "ignore_hosts: secret.ours.example\n";	/* 3 */
static const char verifies[] =
    "origin:\n"
    "  verify_hosts:\n"
    "    a.dev.example: reject\n"		/* 3 */
    "    \"*.dev.example\": off\n"		/* 4 */
    "    10.0.0.0/8: off\n"		/* 5 */
    "    \"*:8443\": mirror\n"		/* 6 */
    "  verify: reject\n"			/* 7 */
    "  strict:\n"
    "    - bank.example\n"		/* 9 */
    "    - 10.1.0.0/16\n";		/* 10 */

static const struct {
	const char *conf, *connect, *name;
	uint16_t port;
	const char *addr;	/* NULL: nothing is connected */
	const char *tunnel, *option;
	unsigned line;
	const char *pattern;
} tunnel_cases[] = {
	{"", "a.example", "a.example", 443, NULL, NULL, "allow_hosts", 0, ""},
	{tunnels, "www.apple.example", "x.example", 443, NULL, "ignore_hosts", "ignore_hosts",
	    2, "*.apple.example"},
	{tunnels, "x.example", "www.apple.example", 443, NULL, "ignore_hosts", "ignore_hosts",
	    2, "*.apple.example"},
	{tunnels, "apple.example", "apple.example", 443, NULL, NULL, "allow_hosts", 0, ""},
	{tunnels, "x.example", "x.example", 443, "10.9.9.9", "ignore_hosts", "ignore_hosts", 3,
	    "10.0.0.0/8"},
	{tunnels, "x.example", "x.example", 443, "11.9.9.9", NULL, "allow_hosts", 0, ""},
	{tunnels, "10.1.2.3", "10.1.2.3", 443, NULL, "ignore_hosts", "ignore_hosts", 3,
	    "10.0.0.0/8"},
	{tunnels, "db.internal", "db.internal", 5432, NULL, "ignore_hosts", "ignore_hosts", 4,
	    "db.internal:5432"},
	{tunnels, "db.internal", "db.internal", 443, NULL, NULL, "allow_hosts", 0, ""},
	{tunnels, "a.example", "build7.example", 443, NULL, "ignore_hosts", "ignore_hosts", 5,
	    "~^build[0-9]+\\."},
	/* Both match: the line that stands first. */
	{tunnels, "build7.example", "x.apple.example", 443, NULL, "ignore_hosts",
	    "ignore_hosts", 2, "*.apple.example"},
	{tunnels, "x.apple.example", "build7.example", 443, "10.0.0.1", "ignore_hosts",
	    "ignore_hosts", 2, "*.apple.example"},
	{allowed, "x.example", "x.example", 443, NULL, "allow_hosts", "allow_hosts", 1, ""},
	{allowed, "a.ours.example", "x.example", 443, NULL, NULL, "allow_hosts", 1,
	    "*.ours.example"},
	{allowed, "x.example", "a.ours.example", 443, NULL, NULL, "allow_hosts", 1,
	    "*.ours.example"},
	{allowed, "x.example", "x.example", 443, "192.0.2.7", NULL, "allow_hosts", 2,
	    "192.0.2.0/24"},
	{allowed, "secret.ours.example", "secret.ours.example", 443, NULL, "ignore_hosts",
	    "ignore_hosts", 3, "secret.ours.example"},
	{"allow_hosts: []\n", "a.example", "a.example", 443, NULL, NULL, "allow_hosts", 1, ""},
};

static const struct {
	const char *conf, *connect, *name;
	uint16_t port;
	const char *addr;
	enum conf_verify verify;
	const char *option;
	unsigned line;
	const char *pattern;
} verify_cases[] = {
	{"", "a", "a", 443, NULL, CONF_VERIFY_MIRROR, "origin.verify", 0, ""},
	{verifies, "a", "a", 443, NULL, CONF_VERIFY_REJECT, "origin.verify", 7, ""},
	{verifies, "a.dev.example", "a.dev.example", 443, NULL, CONF_VERIFY_REJECT,
	    "origin.verify_hosts", 3, "a.dev.example"},
	{verifies, "b.dev.example", "b.dev.example", 8443, NULL, CONF_VERIFY_OFF,
	    "origin.verify_hosts", 4, "*.dev.example"},
	/* Of the two names the one that is verified. */
	{verifies, "a", "b.dev.example", 443, NULL, CONF_VERIFY_OFF, "origin.verify_hosts", 4,
	    "*.dev.example"},
	{verifies, "b.dev.example", "a", 443, NULL, CONF_VERIFY_REJECT, "origin.verify", 7, ""},
	{verifies, "a", "a", 443, "10.0.0.1", CONF_VERIFY_OFF, "origin.verify_hosts", 5,
	    "10.0.0.0/8"},
	{verifies, "a", "a", 8443, "10.0.0.1", CONF_VERIFY_OFF, "origin.verify_hosts", 5,
	    "10.0.0.0/8"},
	{verifies, "a", "a", 8443, "11.0.0.1", CONF_VERIFY_MIRROR, "origin.verify_hosts", 6,
	    "*:8443"},
};

static const struct {
	const char *conf, *connect, *name, *addr;
	bool strict;
	unsigned line;
	const char *pattern;
} strict_cases[] = {
	{"", "a", "a", NULL, false, 0, ""},
	{"origin: {strict: false}\n", "a", "a", NULL, false, 1, ""},
	{"\norigin: {strict: true}\n", "a", "a", NULL, true, 2, "*"},
	{verifies, "bank.example", "bank.example", NULL, true, 9, "bank.example"},
	{verifies, "a", "bank.example", NULL, true, 9, "bank.example"},
	{verifies, "bank.example", "a", NULL, false, 9, ""},
	{verifies, "a", "a", "10.1.2.3", true, 10, "10.1.0.0/16"},
	{verifies, "a", "a", "10.2.2.3", false, 9, ""},
};

struct fixture {
	struct conf *conf;
	struct addr addr;
	struct policy_ask ask;
};

static void
set_up(struct fixture *f, const char *text, const char *connect, const char *name,
    uint16_t port, const char *addr)
{
	struct errmsg err;

	*f = (struct fixture){.conf = conf_load_text("/d/t", str_z(text), &err)};
	ck_assert_msg(f->conf != NULL, "%s", err.text);
	f->ask = (struct policy_ask){.connect_host = str_z(connect),
	    .name = str_z(name),
	    .port = port};
	if (addr == NULL)
		return;
	ck_assert(addr_parse_ip(str_z(addr), port, &f->addr));
	f->ask.addr = &f->addr;
}

static void
check_source(const struct policy_source *s, const char *option, unsigned line,
    const char *pattern)
{
	ck_assert_str_eq(s->option, option);
	ck_assert_uint_eq(s->line, line);
	ck_assert_msg(str_eq(s->pattern, str_z(pattern)), "'%.*s', not '%s'",
	    STR_ARG(s->pattern), pattern);
}

START_TEST(test_tunnel)
{
	struct fixture f;
	struct policy p;

	set_up(&f, tunnel_cases[_i].conf, tunnel_cases[_i].connect, tunnel_cases[_i].name,
	    tunnel_cases[_i].port, tunnel_cases[_i].addr);
	policy_decide(f.conf, &f.ask, &p);
	if (tunnel_cases[_i].tunnel == NULL)
		ck_assert_ptr_null(p.tunnel);
	else
		ck_assert_pstr_eq(p.tunnel, tunnel_cases[_i].tunnel);
	check_source(&p.tunnel_source, tunnel_cases[_i].option, tunnel_cases[_i].line,
	    tunnel_cases[_i].pattern);
	conf_free(&f.conf);
}
END_TEST

START_TEST(test_verify)
{
	struct fixture f;
	struct policy p;

	set_up(&f, verify_cases[_i].conf, verify_cases[_i].connect, verify_cases[_i].name,
	    verify_cases[_i].port, verify_cases[_i].addr);
	policy_decide(f.conf, &f.ask, &p);
	ck_assert_int_eq(p.verify, verify_cases[_i].verify);
	check_source(&p.verify_source, verify_cases[_i].option, verify_cases[_i].line,
	    verify_cases[_i].pattern);
	conf_free(&f.conf);
}
END_TEST

START_TEST(test_strict)
{
	struct fixture f;
	struct policy p;

	set_up(&f, strict_cases[_i].conf, strict_cases[_i].connect, strict_cases[_i].name, 443,
	    strict_cases[_i].addr);
	policy_decide(f.conf, &f.ask, &p);
	ck_assert(p.strict == strict_cases[_i].strict);
	check_source(&p.strict_source, "origin.strict", strict_cases[_i].line,
	    strict_cases[_i].pattern);
	conf_free(&f.conf);
}
END_TEST

static const char shown[] =
    "certs:\n"
    "  \"*\": any\n"			/* 0 */
    "  \"*.example\": wide\n"		/* 1 */
    "  \"*.b.example\": narrow\n"		/* 2 */
    "  www.b.example: exact\n"		/* 3 */
    "  192.0.2.1: four\n"			/* 4 */
    "  \"2001:db8::1\": six\n";		/* 5 */

static const struct {
	const char *conf, *connect, *name;
	int cert;
} cert_cases[] = {
	{"", "a.example", "a.example", -1},
	{"certs: {a.example: x}", "b.example", "b.example", -1},
	{"certs: {\"*.example\": x}", "example", "example", -1},
	{"certs: {\"*.example\": x}", "badexample", "badexample", -1},
	{"certs: {\"*.example\": x}", "a.b.c.example", "a.b.c.example", 0},
	{shown, "www.b.example", "www.b.example", 3},
	{shown, "x.b.example", "x.b.example", 2},
	{shown, "x.y.b.example", "x.y.b.example", 2},
	{shown, "b.example", "b.example", 1},
	{shown, "example", "example", 0},
	{shown, "192.0.2.1", "192.0.2.1", 4},
	{shown, "2001:db8::1", "2001:db8::1", 5},
	/* The name of the ClientHello first, whatever is better for the other. */
	{shown, "www.b.example", "a.example", 1},
	{shown, "a.example", "www.b.example", 3},
	{shown, "www.b.example", "elsewhere", 3},	/* and "*" last of all */
	{shown, "elsewhere", "elsewhere", 0},
	{"certs: {a: x}", "a", "b", 0},
};

START_TEST(test_cert)
{
	struct fixture f;

	set_up(&f, cert_cases[_i].conf, cert_cases[_i].connect, cert_cases[_i].name, 443, NULL);
	ck_assert_int_eq(policy_cert(f.conf, &f.ask), cert_cases[_i].cert);
	conf_free(&f.conf);
}
END_TEST

START_TEST(test_verify_names)
{
	ck_assert_str_eq(policy_verify_name(CONF_VERIFY_MIRROR), "mirror");
	ck_assert_str_eq(policy_verify_name(CONF_VERIFY_REJECT), "reject");
	ck_assert_str_eq(policy_verify_name(CONF_VERIFY_OFF), "off");
}
END_TEST

Suite *
policy_suite(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_loop_test(t, test_tunnel, 0, (int)NELEM(tunnel_cases));
	tcase_add_loop_test(t, test_verify, 0, (int)NELEM(verify_cases));
	tcase_add_loop_test(t, test_strict, 0, (int)NELEM(strict_cases));
	tcase_add_loop_test(t, test_cert, 0, (int)NELEM(cert_cases));
	tcase_add_test(t, test_verify_names);
	suite_add_tcase(s, t);
	return s;
}
