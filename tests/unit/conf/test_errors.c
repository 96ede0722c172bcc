/* SPDX-License-Identifier: ISC */
/* test_errors.c - what is refused, with its exact words and place. */
#include "config.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "suites.h"

static void
must_fail(struct str text, const char *error)
{
	struct errmsg err = {""};
	struct conf *c = conf_load_text("t.yaml", text, &err);

	ck_assert_msg(c == NULL, "accepted: %.*s", STR_ARG(text));
	ck_assert_str_eq(err.text, error);
}

static const struct {
	const char *text, *error;
} cases[] = {
	{"spool: {when_full: wait}",
	    "t.yaml:1:20: key 'spool.when_full': expected pass or block, got 'wait'"},
	/* Keys. */
	{"lisen: x\n", "t.yaml:1:1: unknown key 'lisen': did you mean 'listen'?"},
	{"workers: 2\n\n  \nbanana: 1\n", "t.yaml:4:1: unknown key 'banana'"},
	{"limits: {conections: 1}\n",
	    "t.yaml:1:10: unknown key 'limits.conections': did you mean 'limits.connections'?"},
	{"limits.connections: 1\n",
	    "t.yaml:1:1: unknown key 'limits.connections': write 'connections' below 'limits'"},
	{"<<: {}\n", "t.yaml:1:1: unknown key '<<'"},
	{"\"\": 1\n", "t.yaml:1:1: unknown key ''"},
	{"[a]: 1\n", "t.yaml:1:1: expected a key"},
	{"~: 1\n", "t.yaml:1:1: expected a key"},
	{"user: a\nuser: b\n", "t.yaml:2:1: key 'user': given twice, first in line 1"},
	{"log: {}\nlog: {}\n", "t.yaml:2:1: key 'log': given twice, first in line 1"},
	{"log:\n  level: info\n  level: debug\n",
	    "t.yaml:3:3: key 'log.level': given twice, first in line 2"},
	{"log: info\n", "t.yaml:1:6: key 'log': expected keys below it, got a value"},
	{"log: [info]\n", "t.yaml:1:6: key 'log': expected keys below it, got a list"},
	/* Numbers. */
	{"workers: many\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got 'many'"},
	{"workers: 0\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got '0'"},
	{"workers: 257\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got '257'"},
	{"workers: -1\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got '-1'"},
	{"workers: [1]\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got a list"},
	{"workers: {}\n",
	    "t.yaml:1:10: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got a mapping"},
	{"workers:\nuser: x\n",
	    "t.yaml:1:9: key 'workers': expected auto or a "
	    "whole number from 1 to 256, got nothing"},
	{"limits:\n  connections: 1000001\n", "t.yaml:2:16: key 'limits.connections': "
	    "expected a whole number from 1 to 1000000, got '1000001'"},
	{"limits: {header_count: 7}\n", "t.yaml:1:24: key 'limits.header_count': "
	    "expected a whole number from 8 to 4096, got '7'"},
	/* Sizes. */
	{"limits: {header_size: 2K}\n",
	    "t.yaml:1:23: key 'limits.header_size': expected a size from 4K to 1M, got '2K'"},
	{"limits: {header_size: 2M}\n",
	    "t.yaml:1:23: key 'limits.header_size': expected a size from 4K to 1M, got '2M'"},
	{"limits: {header_size: 64k}\n",
	    "t.yaml:1:23: key 'limits.header_size': expected a size from 4K to 1M, got '64k'"},
	{"capture: {max_body: 1025M}\n",
	    "t.yaml:1:21: key 'capture.max_body': expected a size from 0 to 1G, got '1025M'"},
	/* Times. */
	{"timeouts: {idle: 0s}\n",
	    "t.yaml:1:18: key 'timeouts.idle': expected a time from 1ms to 30d, got '0s'"},
	{"timeouts: {idle: 10}\n", "t.yaml:1:18: key 'timeouts.idle': expected a time from "
	    "1ms to 30d, got '10' without a unit (500ms, 10s, 5m, 24h, 7d)"},
	{"leaf: {lifetime: 59m}\n",
	    "t.yaml:1:18: key 'leaf.lifetime': expected a time from 1h to 30d, got '59m'"},
	{"leaf: {lifetime: 31d}\n",
	    "t.yaml:1:18: key 'leaf.lifetime': expected a time from 1h to 30d, got '31d'"},
	/* Words. */
	{"log: {level: loud}\n", "t.yaml:1:14: key 'log.level': expected error, warning, info "
	    "or debug, got 'loud'"},
	{"tls: {client_min: 1.1}\n",
	    "t.yaml:1:19: key 'tls.client_min': expected \"1.2\" or \"1.3\", got '1.1'"},
	{"origin: {verify: maybe}\n",
	    "t.yaml:1:18: key 'origin.verify': expected mirror, reject or off, got 'maybe'"},
	{"bypass: {pinned: 500ms}\n", "t.yaml:1:18: key 'bypass.pinned': expected off or a "
	    "time from 1s to 30d, got '500ms'"},
	{"origin:\n  strict: maybe..\n",
	    "t.yaml:2:11: key 'origin.strict': 'maybe..' has an empty label"},
	{"origin: {strict: {}}\n", "t.yaml:1:18: key 'origin.strict': expected true, false or "
	    "a list of host patterns, got a mapping"},
	{"origin: {strict: [a, yes]}\n",
	    "t.yaml:1:22: key 'origin.strict': 'yes' cannot be one of a list"},
	/* Mappings. */
	{"origin: {verify_hosts: {a: off, b: maybe}}\n", "t.yaml:1:36: key "
	    "'origin.verify_hosts': expected a mapping of host patterns to mirror, reject or "
	    "off, got 'maybe'"},
	{"origin: {verify_hosts: {a: off, \"b..c\": off}}\n",
	    "t.yaml:1:33: key 'origin.verify_hosts': 'b..c' has an empty label"},
	{"origin:\n  verify_hosts:\n    a: off\n    a: mirror\n", "t.yaml:4:5: key "
	    "'origin.verify_hosts': 'a' is given twice, first in line 3"},
	{"origin: {verify_hosts: {a: [off]}}\n", "t.yaml:1:28: key 'origin.verify_hosts': "
	    "expected a mapping of host patterns to mirror, reject or off, got a list"},
	{"origin: {verify_hosts: {[a]: off}}\n",
	    "t.yaml:1:25: key 'origin.verify_hosts': expected a name"},
	{"origin: {verify_hosts: off}\n", "t.yaml:1:24: key 'origin.verify_hosts': expected a "
	    "mapping of host patterns to mirror, reject or off, got 'off'"},
	{"origin:\n  verify_hosts:\n", "t.yaml:2:16: key 'origin.verify_hosts': expected a "
	    "mapping of host patterns to mirror, reject or off, got nothing"},
	{"certs: [a]\n", "t.yaml:1:8: key 'certs': expected a mapping of host names to files, "
	    "got a list"},
	{"certs: {a: /x, A: /y}\n", "t.yaml:1:16: key 'certs': 'a' is given twice, first in "
	    "line 1"},
	{"certs:\n  \"::1\": /x\n  \"[::1]\": /y\n",
	    "t.yaml:3:3: key 'certs': '::1' is given twice, first in line 2"},
	{"certs: {a: \"\"}\n",
	    "t.yaml:1:12: key 'certs': expected a mapping of host names to files, got ''"},
	{"certs: {\"a.*.b\": /x}\n", "t.yaml:1:9: key 'certs': 'a.*.b' may have a '*' only "
	    "alone or as '*.' in front: a certificate is for www.example.com, "
	    "\"*.example.com\" or \"*\""},
	{"certs: {\"*a.b\": /x}\n", "t.yaml:1:9: key 'certs': '*a.b' may have a '*' only "
	    "alone or as '*.' in front: a certificate is for www.example.com, "
	    "\"*.example.com\" or \"*\""},
	{"certs: {\"*.*\": /x}\n", "t.yaml:1:9: key 'certs': '*.*' may have a '*' only "
	    "alone or as '*.' in front: a certificate is for www.example.com, "
	    "\"*.example.com\" or \"*\""},
	{"certs: {\"*.\": /x}\n", "t.yaml:1:9: key 'certs': '*.' has no name: a certificate "
	    "is for www.example.com, \"*.example.com\" or \"*\""},
	{"certs: {.a.b: /x}\n", "t.yaml:1:9: key 'certs': '.a.b' has an empty label: a "
	    "certificate is for www.example.com, \"*.example.com\" or \"*\""},
	{"certs: {\"a:443\": /x}\n", "t.yaml:1:9: key 'certs': 'a:443' has a character that "
	    "no host name has: a certificate is for www.example.com, \"*.example.com\" or "
	    "\"*\""},
	{"certs: {127.1: /x}\n", "t.yaml:1:9: key 'certs': '127.1' is neither a name nor a "
	    "canonical address: a certificate is for www.example.com, \"*.example.com\" or "
	    "\"*\""},
	/* What a CA can be limited to. */
	{"ca:\n  permit:\n  - a\n  - \"~a\"\n", "t.yaml:4:5: key 'ca.permit': '~a' has a "
	    "character that no host name has: a CA can be limited to www.example.com, "
	    "\"*.example.com\", .example.com, 10.0.0.0/8"},
	{"ca: {permit: \"*\"}\n", "t.yaml:1:14: key 'ca.permit': '*' may have a '*' only alone "
	    "or as '*.' in front: a CA can be limited to www.example.com, "
	    "\"*.example.com\", .example.com, 10.0.0.0/8"},
	{"ca: {permit: [a, \"a:1\"]}\n", "t.yaml:1:18: key 'ca.permit': 'a:1' has a character "
	    "that no host name has: a CA can be limited to www.example.com, "
	    "\"*.example.com\", .example.com, 10.0.0.0/8"},
	/* Names and paths. */
	{"instance: a.b\n",
	    "t.yaml:1:11: key 'instance': expected 1 to 32 letters, digits and '-', got 'a.b'"},
	{"instance: abcdefghijklmnopqrstuvwxyz0123456\n", "t.yaml:1:11: key 'instance': "
	    "expected 1 to 32 letters, digits and '-', got "
	    "'abcdefghijklmnopqrstuvwxyz0123456'"},
	{"user: -x\n", "t.yaml:1:7: key 'user': expected 1 to 32 letters, digits and any of "
	    "'-', '_', '.', got '-x'"},
	{"user: \"\"\n", "t.yaml:1:7: key 'user': expected 1 to 32 letters, digits and any of "
	    "'-', '_', '.', got ''"},
	{"control: \"\"\n", "t.yaml:1:10: key 'control': expected off or a path, got ''"},
	{"client_ca: []\n", "t.yaml:1:12: key 'client_ca': expected a path, or \"\" for none, "
	    "got a list"},
	{"ca: {dir: \"\"}\n", "t.yaml:1:11: key 'ca.dir': expected a path, got ''"},
	{"origin: {ca: [/a, \"\"]}\n",
	    "t.yaml:1:19: key 'origin.ca': expected a list of paths, got ''"},
	{"origin: {ca: [[/a]]}\n",
	    "t.yaml:1:15: key 'origin.ca': expected a list of paths, got a list"},
	/* Addresses and networks. */
	{"listen: 8080\n", "t.yaml:1:9: key 'listen': expected a list of addresses with port, "
	    "got '8080' (127.0.0.1:8080, \"[::1]:8080\")"},
	{"listen: localhost:8080\n", "t.yaml:1:9: key 'listen': expected a list of addresses "
	    "with port, got 'localhost:8080' (127.0.0.1:8080, \"[::1]:8080\")"},
	{"listen: 127.0.0.1:65536\n", "t.yaml:1:9: key 'listen': expected a list of addresses "
	    "with port, got '127.0.0.1:65536' (127.0.0.1:8080, \"[::1]:8080\")"},
	{"listen: 127.1:80\n", "t.yaml:1:9: key 'listen': expected a list of addresses with "
	    "port, got '127.1:80' (127.0.0.1:8080, \"[::1]:8080\")"},
	{"listen: []\n", "t.yaml:1:9: key 'listen': needs an address"},
	{"listen:\n", "t.yaml:1:8: key 'listen': expected a list of addresses with port, got "
	    "nothing"},
	{"listen:\n- [::1]:8080\n", "t.yaml:2:3: key 'listen': expected a list of addresses "
	    "with port, got a list (an IPv6 address needs quotes: \"[::1]:8080\")"},
	{"listen: [{}]\n", "t.yaml:1:10: key 'listen': an entry needs an address"},
	{"listen:\n- adress: 127.0.0.1:1\n",
	    "t.yaml:2:3: unknown key 'listen[].adress': did you mean 'listen[].address'?"},
	{"listen:\n- address: 127.0.0.1:1\n  address: 127.0.0.1:2\n",
	    "t.yaml:3:3: key 'listen[].address': given twice, first in line 2"},
	{"listen:\n- address: [127.0.0.1:1]\n",
	    "t.yaml:2:12: key 'listen[].address': expected an address with port, got a list"},
	{"access: {allow: [10.0.0.0/8, 10.0.0.0/33]}\n", "t.yaml:1:30: key 'access.allow': "
	    "'10.0.0.0/33' is not an address or a network (192.0.2.1, 10.0.0.0/8, fd00::/8)"},
	{"ignore_hosts:\n- a\n- a..b\n",
	    "t.yaml:3:3: key 'ignore_hosts': 'a..b' has an empty label"},
	{"allow_hosts: \"~(\"\n", "t.yaml:1:14: key 'allow_hosts': '~(': missing closing "
	    "parenthesis, at character 2"},
	/* Across keys. */
	{"listen: [127.0.0.1:80,\n 0.0.0.0:80]\n", "t.yaml:2:2: key 'listen': 0.0.0.0:80 is "
	    "open to other hosts: say who may use the proxy, for example access: {allow: "
	    "[192.168.0.0/16]}"},
	{"listen: \"[::]:80\"\n", "t.yaml:1:9: key 'listen': [::]:80 is open to other hosts: "
	    "say who may use the proxy, for example access: {allow: [\"fd00::/8\"]}"},
	{"access: {allow: []}\nlisten: 10.0.0.1:80\n", "t.yaml:2:9: key 'listen': 10.0.0.1:80 "
	    "is open to other hosts: say who may use the proxy, for example access: {allow: "
	    "[192.168.0.0/16]}"},
	{"listen:\n- 127.0.0.1:80\n- \"[::1]:80\"\n- \"[::ffff:127.0.0.1]:80\"\n",
	    "t.yaml:4:3: key 'listen': 127.0.0.1:80 is given twice, first in line 2"},
	{"client_ca: /x\n", "t.yaml:1:12: key 'client_ca': clients are not asked for a "
	    "certificate: set request_client_cert: true as well"},
	{"request_client_cert: no\nclient_ca: /x\n", "t.yaml:2:12: key 'client_ca': clients "
	    "are not asked for a certificate: set request_client_cert: true as well"},
	/* YAML. */
	{"user: &a x\n", "t.yaml:1:7: anchors are not supported here"},
	{"log: &a {}\n", "t.yaml:1:6: anchors are not supported here"},
	{"user: *a\n",
	    "t.yaml:1:7: aliases are not supported (a value that starts with * needs quotes)"},
	{"user: !!str x\n", "t.yaml:1:7: tags are not supported here"},
	{"---\nuser: x\n---\nuser: y\n",
	    "t.yaml:3:1: a second document: only one is supported"},
	{"- a\n", "t.yaml:1:1: expected keys and values"},
	{"hello\n", "t.yaml:1:1: expected keys and values"},
	{"log:\n\tlevel: info\n",
	    "t.yaml:2:1: found character that cannot start any token "
	    "(while scanning for the next token that starts in line 2)"},
	{"log:\n  level: info\n format: text\n", "t.yaml:3:2: did not find expected key (while "
	    "parsing a block mapping that starts in line 1)"},
	{"user: x: y\n", "t.yaml:1:8: mapping values are not allowed in this context"},
	{"ignore_hosts: [a,\n", "t.yaml:2:1: did not find expected node content (while parsing "
	    "a flow node that starts in line 2; a value that starts with * or [ needs quotes)"},
	{"ignore_hosts: *.example.com\n", "t.yaml:1:16: did not find expected alphabetic or "
	    "numeric character (while scanning an alias that starts in line 1; a value that "
	    "starts with * or [ needs quotes)"},
	{"user: a\nuser: \xff\n", "t.yaml:2:7: invalid leading UTF-8 octet"},
	{"# \xc3\xbc \xc3", "t.yaml:1:5: incomplete UTF-8 octet sequence"},
	{"\xff\xfeu\x00s\x00", "t.yaml:1:1: invalid leading UTF-8 octet"},
	{"user: \"a\\tb\"\n", "t.yaml:1:7: a control character in a value"},
	{"user: \"a\\0b\"\n", "t.yaml:1:7: a control character in a value"},
	{"user: \"a\\u2028b\"\n", "t.yaml:1:7: a control character in a value"},
	{"user: \"a\\Nb\"\n", "t.yaml:1:7: a control character in a value"},
	{"user: \"a\\uFEFFb\"\n", "t.yaml:1:7: a control character in a value"},
	/* Columns are characters. */
	{"origin: {ca: [\"\xc3\xbc\xc3\xbc\", {}]}\n",
	    "t.yaml:1:21: key 'origin.ca': expected a list of paths, got a mapping"},
};

START_TEST(test_case)
{
	must_fail(str_z(cases[_i].text), cases[_i].error);
}
END_TEST

/* What is parsed but not done is refused, never ignored. */
static const struct {
	const char *text, *key;
	unsigned line, col;
} later[] = {
	{"listen: {address: 127.0.0.1:1, proxy_protocol: [10.0.0.0/8]}",
	    "listen[].proxy_protocol", 1, 48},
	{"ca: {crl_url: http://x}", "ca.crl_url", 1, 15},
	{"parent_proxy: {url: \"http://x\"}", "parent_proxy.url", 1, 21},
	{"parent_proxy: {except: [a]}", "parent_proxy.except", 1, 24},
	{"redact: {tags: {a: off}}", "redact.tags", 1, 16},
	{"redact: {headers: [a]}", "redact.headers", 1, 19},
	{"redact: {fields: a}", "redact.fields", 1, 18},
	{"access: {users: /x}", "access.users", 1, 17},
	{"access: {connect_ports: [443]}", "access.connect_ports", 1, 25},
	{"access: {deny: [a]}", "access.deny", 1, 16},
	{"portal: {host: x}", "portal.host", 1, 16},
	{"rules: [{}]", "rules", 1, 8},
	{"rules: \"[]\"", "rules", 1, 8},
	{"rules: {}", "rules", 1, 8},
	{"redact: {tags: []}", "redact.tags", 1, 16},
};

START_TEST(test_not_yet)
{
	char error[256];

	(void)snprintf(error, sizeof(error), "t.yaml:%u:%u: key '%s': not yet supported",
	    later[_i].line, later[_i].col, later[_i].key);
	must_fail(str_z(later[_i].text), error);
}
END_TEST

static const struct {
	const char *text, *error;
} later_words[] = {
	{"redact: {level: credentials}",
	    "t.yaml:1:17: key 'redact.level': not yet supported: 'credentials'"},
	{"access: {guard: strict}",
	    "t.yaml:1:17: key 'access.guard': not yet supported: 'strict'"},
};

START_TEST(test_not_yet_words)
{
	must_fail(str_z(later_words[_i].text), later_words[_i].error);
}
END_TEST

static char *
repeated(const char *head, const char *piece, size_t n, const char *tail)
{
	struct buf b;

	buf_init(&b, 0);
	buf_putz(&b, head);
	while (n-- > 0)
		buf_putz(&b, piece);
	buf_putz(&b, tail);
	buf_putc(&b, '\0');
	return (char *)b.mem;	/* nothing was consumed: it can be freed */
}

START_TEST(test_nested_deeply)
{
	char *text = repeated("ignore_hosts: ", "[", 500000, "\n");

	must_fail(str_z(text),
	    "t.yaml:1:16: key 'ignore_hosts': expected a list of host patterns, got a list");
	free(text);
}
END_TEST

START_TEST(test_too_many_entries)
{
	char *text = repeated("ignore_hosts: [", "a,", 10001, "]\n");

	must_fail(str_z(text), "t.yaml:1:20016: key 'ignore_hosts': more than 10000 entries");
	free(text);
}
END_TEST

START_TEST(test_too_many_pairs)
{
	struct buf b;
	int i;

	buf_init(&b, 0);
	buf_putz(&b, "certs:\n");
	for (i = 0; i <= 4000; i++)
		buf_printf(&b, "  h%d: x\n", i);
	must_fail(buf_str(&b), "t.yaml:4002:3: key 'certs': more than 4000 entries");
	buf_free(&b);
}
END_TEST

/* One that fits may become too long by the directory in front of it. */
START_TEST(test_long_path)
{
	char *text = repeated("ca: {dir: /", "x", 4095, "}\n");
	char *fits = repeated("ca: {dir: /", "x", 4094, "}\n");
	char *shown = repeated("", "x", 59, "");
	char *error = mem_printf("t.yaml:1:11: key 'ca.dir': '/%s...' is too long: it would be "
	    "a path of 4096 bytes, and one may have 4095", shown);
	struct errmsg err;
	struct conf *c = conf_load_text("t.yaml", str_z(fits), &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	conf_free(&c);
	must_fail(str_z(text), error);
	free(error);
	free(shown);
	free(fits);
	free(text);
}
END_TEST

START_TEST(test_too_large)
{
	char *text = repeated("#", "x", 1 << 20, "");

	must_fail(str_z(text), "t.yaml: larger than 1 MiB");
	free(text);
}
END_TEST

/* A long value is cut in the message, and not within a character. */
START_TEST(test_long_value)
{
	char *text = repeated("log: {level: a", "\xc3\xbc", 200, "}\n");
	char *shown = repeated("", "\xc3\xbc", 29, "");
	char *error = mem_printf("t.yaml:1:14: key 'log.level': expected error, warning, info "
	    "or debug, got 'a%s...'", shown);

	must_fail(str_z(text), error);
	free(error);
	free(shown);
	free(text);
}
END_TEST

START_TEST(test_long_key)
{
	char *text = repeated("", "k", 100, ": 1\n");

	must_fail(str_z(text), "t.yaml:1:1: unknown key "
	    "'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...'");
	free(text);
}
END_TEST

Suite *
errors_suite(void)
{
	Suite *s = suite_create("errors");
	TCase *t = tcase_create("errors");

	tcase_add_loop_test(t, test_case, 0, (int)NELEM(cases));
	tcase_add_loop_test(t, test_not_yet, 0, (int)NELEM(later));
	tcase_add_loop_test(t, test_not_yet_words, 0, (int)NELEM(later_words));
	tcase_add_test(t, test_nested_deeply);
	tcase_add_test(t, test_too_many_entries);
	tcase_add_test(t, test_too_many_pairs);
	tcase_add_test(t, test_long_path);
	tcase_add_test(t, test_too_large);
	tcase_add_test(t, test_long_value);
	tcase_add_test(t, test_long_key);
	suite_add_tcase(s, t);
	return s;
}
