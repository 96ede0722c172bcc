/* SPDX-License-Identifier: ISC */
/* test_conf.c - what is accepted, and where it goes. */
#include "config.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "conf/load.h"
#include "suites.h"

static struct conf *
load(const char *text)
{
	struct errmsg err;
	struct conf *c = conf_load_text("/etc/mitmd/t.yaml", str_z(text), &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	return c;
}

static void
check_defaults(const struct conf *c)
{
	char text[ADDR_TEXT_SIZE];

	ck_assert_uint_eq(c->nlisten, 1);
	ck_assert_str_eq(addr_text(&c->listen[0].address, text), "127.0.0.1:8080");
	ck_assert(c->workers >= 1 && c->workers <= 256);
	if (geteuid() == 0)
		ck_assert_str_eq(c->control, "/run/mitmd/control.sock");
	ck_assert_str_eq(c->user, "mitmd");
	ck_assert_uint_eq(c->drain_timeout_ms, 3600000);
	ck_assert_uint_eq(c->drain_idle_ms, 30000);
	ck_assert_uint_eq(c->stop_timeout_ms, 10000);
	ck_assert_int_eq(c->sandbox, CONF_SANDBOX_AUTO);
	ck_assert(!c->ca.key_rsa && !c->ca.origin_allow);
	ck_assert_uint_eq(c->ca.permit.n, 0);
	ck_assert_str_eq(c->ca.crl_url, "");
	ck_assert_uint_eq(c->leaf_lifetime_ms, 86400000);
	ck_assert_uint_eq(hosts_count(c->ignore_hosts) + hosts_count(c->allow_hosts), 0);
	ck_assert_uint_eq(c->ncerts, 0);
	ck_assert(c->client_certs == NULL && c->client_ca == NULL && !c->request_client_cert);
	ck_assert_uint_eq(c->bypass_pinned_ms, 0);
	ck_assert_int_eq(c->origin.verify, CONF_VERIFY_MIRROR);
	ck_assert_uint_eq(hosts_count(c->origin.verify_hosts), 0);
	ck_assert_uint_eq(hosts_count(c->origin.strict), 0);
	ck_assert(c->origin.sniff);
	ck_assert_int_eq(c->tls.client_min, 0x0303);
	ck_assert_int_eq(c->tls.origin_min, 0x0303);
	ck_assert_uint_eq(c->spool.rotate_size, 64u << 20);
	ck_assert_uint_eq(c->spool.rotate_age_ms, 600000);
	ck_assert_uint_eq(c->spool.rotate_idle_ms, 30000);
	ck_assert_uint_eq(c->spool.keep_size, UINT64_C(10) << 30);
	ck_assert_uint_eq(c->spool.keep_age_ms, UINT64_C(7) * 86400 * 1000);
	ck_assert_uint_eq(c->spool.min_free, UINT64_C(1) << 30);
	ck_assert_int_eq(c->spool.when_full, CONF_FULL_PASS);
	ck_assert_uint_eq(c->capture.max_body, 16u << 20);
	ck_assert_uint_eq(c->access.nallow, 0);
	ck_assert_int_eq(c->access.guard, CONF_GUARD_ON);
	ck_assert_str_eq(c->portal_host, "mitm.it");
	ck_assert_uint_eq(c->limits.connections, 16384);
	ck_assert_uint_eq(c->limits.connections_per_client, 2048);
	ck_assert_uint_eq(c->limits.header_size, 65536);
	ck_assert_uint_eq(c->limits.header_count, 256);
	ck_assert_uint_eq(c->timeouts.header_ms, 10000);
	ck_assert_uint_eq(c->timeouts.handshake_ms, 10000);
	ck_assert_uint_eq(c->timeouts.connect_ms, 10000);
	ck_assert_uint_eq(c->timeouts.idle_ms, 300000);
	ck_assert_uint_eq(c->timeouts.sniff_ms, 5000);
	ck_assert_int_eq(c->log.level, LOG_LEVEL_INFO);
	ck_assert_int_eq(c->log.format, LOG_FORMAT_TEXT);
	ck_assert_int_eq(c->log.flows, CONF_FLOWS_ERRORS);
}

/* All of these say nothing. */
static const char *const empty[] = {
	"", "\n", "# nothing\n", "---\n", "---\n...\n", "{}\n", "~\n", "\xef\xbb\xbf# BOM\n",
	"log:\nlimits: {}\nspool: ~\n",
};

START_TEST(test_defaults)
{
	struct conf *c = load(empty[_i]);

	check_defaults(c);
	ck_assert_str_eq(c->file, "/etc/mitmd/t.yaml");
	conf_free(&c);
	ck_assert_ptr_null(c);
	conf_free(&c);
}
END_TEST

static const char everything[] =
    "listen:\n"
    "  - 127.0.0.1:0\n"
    "  - 127.0.0.1:0\n"
    "  - \"[::]:8080\"\n"
    "  - {address: 10.0.0.1:81, proxy_protocol: []}\n"
    "workers: 3\n"
    "user: nobody\n"
    "instance: Ci-1\n"
    "drain_timeout: 0s\n"
    "drain_idle: 1m\n"
    "stop_timeout: 250ms\n"
    "sandbox: off\n"
    "ca: {dir: /ca, key_type: rsa, origin: allow, permit: [A.example, 10.0.0.0/8]}\n"
    "leaf: {lifetime: 30d}\n"
    "ignore_hosts: \"*.a.example\"\n"
    "allow_hosts: [a, '~^b\\.', \"10.0.0.0/8:443\"]\n"
    "origin:\n"
    "  verify: off\n"
    "  ca:\n"
    "    - /roots\n"
    "    - more/roots.pem\n"
    "  verify_hosts: {\"*.x\": mirror, \"~^y\": reject, \"*\": off}\n"
    "  strict: [s.example, 10.0.0.0/8]\n"
    "  sniff: no\n"
    "tls: {client_min: \"1.3\", origin_min: 1.3}\n"
    "http: {relaxed: [old.example]}\n"
    "spool: {dir: ./har, rotate_size: 4K, rotate_age: 100ms, rotate_idle: 1s}\n"
    "capture: {max_body: 0}\n"
    "access: {allow: [10.0.0.0/8, 192.0.2.1, \"fd00::/8\"], guard: off}\n"
    "limits: {connections: 1, connections_per_client: 1000000, header_size: 1M,\n"
    "  header_count: 4096}\n"
    "timeouts: {header: 1ms, handshake: 2s, connect: 3m, idle: 4h, sniff: 1h}\n"
    "log: {level: debug, format: json, flows: all}\n"
    "control: run/ctl\n"
    "certs:\n"
    "  \"*\": /any.pem\n"
    "  \"*.B.example\": b.pem\n"
    "  \"[2001:DB8::1]\":\n"
    "    /six.pem\n"
    "client_certs: cc\n"
    "request_client_cert: yes\n"
    "client_ca: /cca.pem\n"
    "bypass: {pinned: 24h}\n";

START_TEST(test_everything_set)
{
	struct conf *c = load(everything);
	char text[ADDR_TEXT_SIZE];

	ck_assert_uint_eq(c->nlisten, 4);
	ck_assert_str_eq(addr_text(&c->listen[2].address, text), "[::]:8080");
	ck_assert_str_eq(addr_text(&c->listen[3].address, text), "10.0.0.1:81");
	ck_assert_uint_eq(c->listen[2].line, 4);
	ck_assert_uint_eq(c->listen[2].col, 5);
	ck_assert_uint_eq(c->workers, 3);
	ck_assert_str_eq(c->user, "nobody");
	ck_assert_str_eq(c->instance, "Ci-1");
	ck_assert_uint_eq(c->drain_timeout_ms, 0);
	ck_assert_uint_eq(c->drain_idle_ms, 60000);
	ck_assert_uint_eq(c->stop_timeout_ms, 250);
	ck_assert_int_eq(c->sandbox, CONF_SANDBOX_OFF);
	ck_assert_str_eq(c->ca.dir, "/ca");
	ck_assert(c->ca.key_rsa);
	ck_assert_uint_eq(c->leaf_lifetime_ms, 30 * 86400000ull);
	ck_assert_uint_eq(hosts_count(c->ignore_hosts), 1);
	ck_assert_uint_eq(hosts_line(c->ignore_hosts, 0), 15);
	ck_assert_uint_eq(hosts_count(c->allow_hosts), 3);
	ck_assert_int_eq(hosts_match(c->allow_hosts, STR("b.x"), 1, NULL), 1);
	ck_assert_int_eq(c->origin.verify, CONF_VERIFY_OFF);
	ck_assert_uint_eq(c->origin.ca.n, 2);
	ck_assert_str_eq(c->origin.ca.v[0], "/roots");
	ck_assert_str_eq(c->origin.ca.v[1], "/etc/mitmd/more/roots.pem");
	ck_assert_uint_eq(c->origin.ca.line[1], 21);
	ck_assert_int_eq(c->tls.client_min, 0x0304);
	ck_assert_int_eq(c->tls.origin_min, 0x0304);
	ck_assert_uint_eq(hosts_count(c->http_relaxed), 1);
	ck_assert_str_eq(c->spool.dir, "/etc/mitmd/har");
	ck_assert_uint_eq(c->spool.rotate_size, 4096);
	ck_assert_uint_eq(c->spool.rotate_age_ms, 100);
	ck_assert_uint_eq(c->spool.rotate_idle_ms, 1000);
	ck_assert_uint_eq(c->capture.max_body, 0);
	ck_assert_uint_eq(c->access.nallow, 3);
	ck_assert_uint_eq(c->access.allow[1].bits, 32);
	ck_assert_int_eq(c->access.guard, CONF_GUARD_OFF);
	ck_assert_uint_eq(c->limits.connections, 1);
	ck_assert_uint_eq(c->limits.connections_per_client, 1000000);
	ck_assert_uint_eq(c->limits.header_size, 1u << 20);
	ck_assert_uint_eq(c->limits.header_count, 4096);
	ck_assert_uint_eq(c->timeouts.header_ms, 1);
	ck_assert_uint_eq(c->timeouts.handshake_ms, 2000);
	ck_assert_uint_eq(c->timeouts.connect_ms, 180000);
	ck_assert_uint_eq(c->timeouts.idle_ms, 14400000);
	ck_assert_uint_eq(c->timeouts.sniff_ms, 3600000);
	ck_assert_int_eq(c->log.level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(c->log.format, LOG_FORMAT_JSON);
	ck_assert_int_eq(c->log.flows, CONF_FLOWS_ALL);
	ck_assert_str_eq(c->control, "/etc/mitmd/run/ctl");
	ck_assert_uint_eq(c->bypass_pinned_ms, 86400000);
	conf_free(&c);
}
END_TEST

START_TEST(test_trust_set)
{
	struct conf *c = load(everything);

	ck_assert(c->ca.origin_allow);
	ck_assert_uint_eq(c->ca.permit.n, 2);
	ck_assert_str_eq(c->ca.permit.v[0], "a.example");
	ck_assert_str_eq(c->ca.permit.v[1], "10.0.0.0/8");
	ck_assert_uint_eq(c->ncerts, 3);
	ck_assert_str_eq(c->certs[0].name, "*");
	ck_assert_str_eq(c->certs[0].file, "/any.pem");
	ck_assert_str_eq(c->certs[1].name, "*.b.example");
	ck_assert_str_eq(c->certs[1].file, "/etc/mitmd/b.pem");
	ck_assert_str_eq(c->certs[2].name, "2001:db8::1");
	ck_assert_uint_eq(c->certs[2].line, 39);
	ck_assert_uint_eq(c->certs[2].col, 5);
	ck_assert_str_eq(c->client_certs, "/etc/mitmd/cc");
	ck_assert(c->request_client_cert);
	ck_assert_str_eq(c->client_ca, "/cca.pem");
	ck_assert_uint_eq(hosts_count(c->origin.verify_hosts), 3);
	ck_assert_int_eq(c->origin.verify_of[0], CONF_VERIFY_MIRROR);
	ck_assert_int_eq(c->origin.verify_of[1], CONF_VERIFY_REJECT);
	ck_assert_int_eq(c->origin.verify_of[2], CONF_VERIFY_OFF);
	ck_assert_uint_eq(hosts_line(c->origin.verify_hosts, 1), 22);
	ck_assert_uint_eq(hosts_count(c->origin.strict), 2);
	ck_assert(!c->origin.sniff);
	conf_free(&c);
}
END_TEST

START_TEST(test_places)
{
	struct conf *c = load(everything);
	struct conf_place at = conf_place(c, "client_certs");

	ck_assert_uint_eq(at.line, 40);
	ck_assert_uint_eq(at.col, 15);
	ck_assert_uint_eq(conf_place(c, "origin.verify").line, 18);
	ck_assert_uint_eq(conf_place(c, "portal.host").line, 0);
	conf_free(&c);
}
END_TEST

/* Every way to say what comes to the same. */
static const struct {
	const char *text;
	size_t n;
} stricts[] = {
	{"true", 1}, {"on", 1}, {"\"*\"", 1}, {"[\"*\"]", 1}, {"a.example", 1}, {"[a, b]", 2},
	{"false", 0}, {"no", 0}, {"[]", 0},
};

START_TEST(test_strict)
{
	char *text = mem_printf("origin: {strict: %s}", stricts[_i].text);
	struct conf *c = load(text);

	ck_assert_uint_eq(hosts_count(c->origin.strict), stricts[_i].n);
	if (_i < 4)
		ck_assert_str_eq(hosts_pattern(c->origin.strict, 0).p, "*");
	conf_free(&c);
	free(text);
}
END_TEST

START_TEST(test_none)
{
	struct conf *c = load("control: off\nclient_certs: \"\"\nclient_ca: ''\n");

	ck_assert_ptr_null(c->control);
	ck_assert_ptr_null(c->client_certs);
	ck_assert_ptr_null(c->client_ca);
	conf_free(&c);
}
END_TEST

START_TEST(test_instance_auto)
{
	struct conf *c = load("instance: auto\n");
	size_t n = strlen(c->instance);

	ck_assert(n >= 1 && n <= 32);
	ck_assert_uint_eq(strspn(c->instance, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-"), n);
	conf_free(&c);
}
END_TEST

static const struct {
	const char *host, *instance;
} instances[] = {
	{"build7", "build7"},
	{"Build-7.example.com", "Build-7"},
	{"a_b c/d\xc3\xbc", "a-b-c-d--"},
	{"-x", "xx"},
	{"", "localhost"},
	{".example.com", "localhost"},
	{"abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345"},
};

START_TEST(test_instance_of_host)
{
	char *name = defaults_instance(instances[_i].host);

	ck_assert_str_eq(name, instances[_i].instance);
	free(name);
}
END_TEST

/* Paths of the file count from its directory, wherever the process is. */
static const struct {
	const char *file, *path, *result;	/* "@": the working directory */
} paths[] = {
	{"/etc/mitmd.yaml", "ca", "/etc/ca"},
	{"/mitmd.yaml", "ca", "/ca"},
	{"/a/b.yaml", "././ca/x", "/a/ca/x"},
	{"/a/b.yaml", "../ca", "/a/../ca"},
	{"/a/b.yaml", "/ca", "/ca"},
	{"b.yaml", "ca", "@/ca"},
	{"./b.yaml", "ca", "@/./ca"},
	{"x/b.yaml", "ca", "@/x/ca"},
};

START_TEST(test_relative_paths)
{
	char *text = mem_printf("ca: {dir: %s}\n", paths[_i].path), cwd[PATH_MAX], *want;
	struct errmsg err;
	struct conf *c = conf_load_text(paths[_i].file, str_z(text), &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	want = mem_printf("%s%s", paths[_i].result[0] == '@' ? cwd : "",
	    paths[_i].result + (paths[_i].result[0] == '@'));
	ck_assert_str_eq(c->ca.dir, want);
	conf_free(&c);
	free(want);
	free(text);
}
END_TEST

static void
check_dirs(const char *ca, const char *spool, const char *control)
{
	struct conf *c = load("");

	ck_assert_str_eq(c->control, control);
	ck_assert_str_eq(c->ca.dir, ca);
	ck_assert_str_eq(c->spool.dir, spool);
	conf_free(&c);
}

START_TEST(test_dirs_of_root)
{
	if (geteuid() == 0)
		check_dirs("/var/lib/mitmd", "/var/spool/mitmd", "/run/mitmd/control.sock");
}
END_TEST

START_TEST(test_dirs_of_a_user)
{
	char *home = getenv("HOME") != NULL ? mem_strdup(getenv("HOME")) : NULL;
	uid_t was = geteuid();

	ck_assert_int_eq(was == 0 ? seteuid(65534) : 0, 0);
	(void)setenv("HOME", "/home/ben", 1);
	(void)setenv("XDG_STATE_HOME", "/state", 1);
	(void)setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	check_dirs("/state/mitmd/ca", "/state/mitmd/spool", "/run/user/7/mitmd/control.sock");
	(void)setenv("XDG_RUNTIME_DIR", "relative", 1);
	check_dirs("/state/mitmd/ca", "/state/mitmd/spool", "/state/mitmd/control.sock");
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)setenv("XDG_STATE_HOME", "relative", 1);
	check_dirs("/home/ben/.local/state/mitmd/ca", "/home/ben/.local/state/mitmd/spool",
	    "/home/ben/.local/state/mitmd/control.sock");
	(void)unsetenv("XDG_STATE_HOME");
	check_dirs("/home/ben/.local/state/mitmd/ca", "/home/ben/.local/state/mitmd/spool",
	    "/home/ben/.local/state/mitmd/control.sock");
	if (home != NULL)
		(void)setenv("HOME", home, 1);
	free(home);
	ck_assert_int_eq(seteuid(was), 0);
}
END_TEST

/* As systemd starts it: the places of the system, whatever $HOME is. */
START_TEST(test_dirs_of_the_service)
{
	uid_t was = geteuid();
	const struct passwd *pw = getpwuid(was == 0 ? 65534 : was);
	struct conf *c;
	char *text;

	ck_assert_ptr_nonnull(pw);
	text = mem_printf("user: %s\n", pw->pw_name);
	ck_assert_int_eq(was == 0 ? seteuid(65534) : 0, 0);
	c = load(text);
	ck_assert_str_eq(c->control, "/run/mitmd/control.sock");
	ck_assert_str_eq(c->ca.dir, "/var/lib/mitmd");
	ck_assert_str_eq(c->spool.dir, "/var/spool/mitmd");
	conf_free(&c);
	free(text);
	ck_assert_int_eq(seteuid(was), 0);
}
END_TEST

static bool
is_dir(const char *home, const char *name, mode_t mode)
{
	char *path = mem_printf("%s/%s", home, name);
	struct stat st;
	bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == mode;

	free(path);
	return is;
}

static void
remove_tree(const char *home)
{
	static const char *const names[] = {".local/state/mitmd", ".local/state", ".local", ""};
	size_t i;

	for (i = 0; i < NELEM(names); i++) {
		char *path = mem_printf("%s/%s", home, names[i]);

		ck_assert_int_eq(rmdir(path), 0);
		free(path);
	}
}

/* A new user has nothing; the directories themselves are made by who fills them. */
START_TEST(test_missing_levels)
{
	char home[] = "/tmp/conf-home-XXXXXX", *old = getenv("HOME");
	char *was_home = old != NULL ? mem_strdup(old) : NULL;
	uid_t was = geteuid();
	mode_t mask = umask(0);
	struct errmsg err;
	struct conf *c;

	ck_assert_ptr_nonnull(mkdtemp(home));
	ck_assert_int_eq(was == 0 ? chown(home, 65534, 65534) + seteuid(65534) : 0, 0);
	(void)setenv("HOME", home, 1);
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)unsetenv("XDG_STATE_HOME");
	c = load("");
	ck_assert_msg(conf_make_dirs(c, &err) == 0, "%s", err.text);
	ck_assert(is_dir(home, ".local", 0700) && is_dir(home, ".local/state/mitmd", 0700));
	ck_assert(!is_dir(home, ".local/state/mitmd/ca", 0700));
	ck_assert_msg(conf_make_dirs(c, &err) == 0, "%s", err.text);	/* it is all there */
	conf_free(&c);
	(void)setenv("HOME", "/proc/none", 1);
	c = load("");
	ck_assert_int_eq(conf_make_dirs(c, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot make the directory /proc/none"));
	conf_free(&c);
	ck_assert_int_eq(seteuid(was), 0);
	(void)umask(mask);
	remove_tree(home);
	if (was_home != NULL)
		(void)setenv("HOME", was_home, 1);
	free(was_home);
}
END_TEST

/* What the file names is not made up. */
START_TEST(test_named_dirs_are_not_made)
{
	char top[] = "/tmp/conf-named-XXXXXX", *text;
	struct errmsg err;
	struct conf *c;

	ck_assert_ptr_nonnull(mkdtemp(top));
	text = mem_printf("ca: {dir: %s/a/ca}\nspool: {dir: %s/b/spool}\n"
	    "control: %s/c/d/control.sock\n", top, top, top);
	c = load(text);
	ck_assert_int_eq(conf_make_dirs(c, &err), 0);
	ck_assert(!is_dir(top, "a", 0700) && !is_dir(top, "b", 0700) && !is_dir(top, "c", 0700));
	conf_free(&c);
	free(text);
	ck_assert_int_eq(rmdir(top), 0);
}
END_TEST

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_file)
{
	char dir[] = "/tmp/conf-test-XXXXXX", *path, *want;
	struct errmsg err;
	struct conf *c;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	path = mem_printf("%s/mitmd.yaml", dir);
	ck_assert_ptr_null(conf_load(path, &err));
	want = mem_printf("%s: No such file or directory", path);
	ck_assert_str_eq(err.text, want);
	free(want);

	write_file(path, "spool: {dir: har}\nworkers: 7\n");
	c = conf_load(path, &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	ck_assert_uint_eq(c->workers, 7);
	ck_assert_str_eq(c->file, path);
	want = mem_printf("%s/har", dir);
	ck_assert_str_eq(c->spool.dir, want);
	ck_assert_int_eq(access(want, F_OK), -1);	/* nothing was made */
	free(want);
	conf_free(&c);

	ck_assert_int_eq(truncate(path, (1 << 20) + 1), 0);
	ck_assert_ptr_null(conf_load(path, &err));
	want = mem_printf("%s: larger than 1 MiB", path);
	ck_assert_str_eq(err.text, want);
	free(want);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	free(path);
}
END_TEST

static char *
example_path(void)
{
	const char *srcdir = getenv("srcdir");

	return mem_printf("%s/conf/mitmd.yaml.example", srcdir != NULL ? srcdir : ".");
}

START_TEST(test_example)
{
	char *path = example_path();
	struct errmsg err;
	struct conf *c = conf_load(path, &err);

	ck_assert_msg(c != NULL, "%s", err.text);
	check_defaults(c);
	conf_free(&c);
	free(path);
}
END_TEST

/* With every "#key:" turned into "key:", which are the defaults again. */
START_TEST(test_example_uncommented)
{
	char *path = example_path(), line[512];
	FILE *f = fopen(path, "r");
	size_t keys = 0;
	struct errmsg err;
	struct conf *c;
	struct buf b;

	ck_assert_ptr_nonnull(f);
	buf_init(&b, 0);
	while (fgets(line, sizeof(line), f) != NULL) {
		size_t indent = strspn(line, " ");

		if (line[indent] == '#' && strchr(" \n", line[indent + 1]) == NULL) {
			memmove(line + indent, line + indent + 1, strlen(line + indent));
			keys++;
		}
		buf_putz(&b, line);
	}
	(void)fclose(f);
	ck_assert_uint_gt(keys, 30);
	c = conf_load_text(path, buf_str(&b), &err);
	ck_assert_msg(c != NULL, "%s", err.text);
	check_defaults(c);
	conf_free(&c);
	buf_free(&b);
	free(path);
}
END_TEST

Suite *
conf_suite(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("conf");

	tcase_add_loop_test(t, test_defaults, 0, (int)NELEM(empty));
	tcase_add_test(t, test_everything_set);
	tcase_add_test(t, test_trust_set);
	tcase_add_test(t, test_places);
	tcase_add_loop_test(t, test_strict, 0, (int)NELEM(stricts));
	tcase_add_test(t, test_none);
	tcase_add_test(t, test_instance_auto);
	tcase_add_loop_test(t, test_instance_of_host, 0, (int)NELEM(instances));
	tcase_add_loop_test(t, test_relative_paths, 0, (int)NELEM(paths));
	tcase_add_test(t, test_dirs_of_root);
	tcase_add_test(t, test_dirs_of_a_user);
	tcase_add_test(t, test_dirs_of_the_service);
	tcase_add_test(t, test_missing_levels);
	tcase_add_test(t, test_named_dirs_are_not_made);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_example);
	tcase_add_test(t, test_example_uncommented);
	suite_add_tcase(s, t);
	return s;
}
