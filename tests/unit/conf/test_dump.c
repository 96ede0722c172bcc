/* SPDX-License-Identifier: ISC */
/* test_dump.c - the effective configuration as text that can be loaded again. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "suites.h"

static char *
dump(const char *text)
{
	struct errmsg err;
	struct conf *c = conf_load_text("/d/t.yaml", str_z(text), &err);
	char *out = NULL;
	size_t n;
	FILE *f;

	ck_assert_msg(c != NULL, "%s\n%s", err.text, text);
	f = open_memstream(&out, &n);
	ck_assert_ptr_nonnull(f);
	conf_dump(c, f);
	ck_assert_int_eq(fclose(f), 0);
	conf_free(&c);
	return out;
}

static const char *const sources[] = {
	"",
	"listen: [\"[::]:8080\", 127.0.0.1:0]\n"
	"access: {allow: [10.0.0.0/8, \"::1\"], guard: off}\n",
	"ignore_hosts: ['a', '*.b:1', '~^\"x\\\\y\"[0-9]$', \"~\\\\bx: #\", '10.0.0.0/8:443']\n"
	"allow_hosts: '.c'\nhttp: {relaxed: ['*']}\n",
	"ca: {dir: 'a \"b\" \\ \xc3\xbc', key_type: rsa}\n"
	"spool: {dir: 'null', rotate_size: 5000}\n"
	"origin: {ca: ['x: y', '- z', \"/\"], verify: off}\n",
	"workers: 9\nuser: 'on'\ninstance: 'auto-1'\nsandbox: off\ndrain_idle: 61s\n"
	"tls: {client_min: 1.3}\nlog: {level: error, flows: off, format: json}\n"
	"timeouts: {idle: 90001ms}\ncapture: {max_body: 1000}\n",
	"listen: [{address: 127.0.0.1:5, proxy_protocol: []}]\nrules: []\ncerts: {}\n",
	"certs: {\"*.A\": 'x \"y\"', \"*\": /z, \"::1\": /six}\n"
	"client_certs: /cc\ncontrol: off\nclient_ca: /x\n"
	"request_client_cert: true\nbypass: {pinned: 1h}\n",
	"control: '~/x'\n"
	"origin: {verify_hosts: {'~^\\.\"': off, \"*\": mirror}, strict: true}\n",
	"origin: {strict: [a, '*.b'], verify: reject, sniff: no}\n"
	"ca: {permit: .x, origin: allow}",
};

START_TEST(test_round_trip)
{
	char *first = dump(sources[_i]), *second = dump(first);

	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

/* That the way round is not one of losing everything. */
START_TEST(test_dump_says)
{
	static const char *const says[][2] = {
		{"listen: 127.0.0.1:1", "listen: [\"127.0.0.1:1\"]\n"},
		{"instance: x", "\ninstance: \"x\"\n"},
		{"sandbox: off", "\nsandbox: off\n"},
		{"ca: {dir: x}", "\nca:\n  dir: \"/d/x\"\n"},
		{"ignore_hosts: [a, '~\\.\"']", "\nignore_hosts: [\"a\", \"~\\\\.\\\"\"]\n"},
		{"tls: {origin_min: 1.3}", "  origin_min: \"1.3\"\n"},
		{"access: {allow: 10.0.0.0/8}", "  allow: [\"10.0.0.0/8\"]\n"},
		{"origin: {ca: [/a, b]}", "  ca: [\"/a\", \"/d/b\"]\n"},
		{"spool: {rotate_size: 5000}", "  rotate_size: 5000\n"},
		{"timeouts: {idle: 60s}", "  idle: 1m\n"},
		{"", "  client_min: \"1.2\"\n"},
		{"", "\nrequest_client_cert: false\n"},
		{"", "\ncerts: {}\n"},
		{"", "\nclient_certs: \"\"\n"},
		{"", "  verify: mirror\n  verify_hosts: {}\n  strict: false\n"},
		{"control: off", "\ncontrol: off\n"},
		{"control: /x", "\ncontrol: \"/x\"\n"},
		{"certs: {\"*\": /x, A: b}", "\ncerts: {\"*\": \"/x\", \"a\": \"/d/b\"}\n"},
		{"origin: {strict: on}", "  strict: [\"*\"]\n"},
		{"origin: {verify_hosts: {b: off, a: reject}}",
		    "  verify_hosts: {\"b\": off, \"a\": reject}\n"},
		{"ca: {permit: [.x]}", "  permit: [\".x\"]\n"},
		{"bypass: {pinned: 48h}", "  pinned: 2d\n"},
		{"", "\nrules: []\n"},
		{"", "  keep_size: 10G\n"},
		{"spool: {keep_size: off}", "  keep_size: off\n"},
	};
	size_t i;

	for (i = 0; i < NELEM(says); i++) {
		char *out = dump(says[i][0]);

		ck_assert_msg(strstr(out, says[i][1]) != NULL, "no %s in\n%s", says[i][1], out);
		free(out);
	}
}
END_TEST

Suite *
dump_suite(void)
{
	Suite *s = suite_create("dump");
	TCase *t = tcase_create("dump");

	tcase_add_loop_test(t, test_round_trip, 0, (int)NELEM(sources));
	tcase_add_test(t, test_dump_says);
	suite_add_tcase(s, t);
	return s;
}
