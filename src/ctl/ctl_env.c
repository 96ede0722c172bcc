/* SPDX-License-Identifier: ISC */
/*
 * ctl_env.c - mitmctl env and exec: the environment that makes programs use the
 * proxy and trust its CA, to be read by a shell, or for one command.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "ctl/control.h"
#include "ctl/env_vars.h"
#include "ctl/tsv.h"
#include "har/json.h"
#include "shm/ring.h"

#define NO_PROXY "localhost,127.0.0.1,::1"

/* ---- formats ---- */

/* text, with `before` put before each of the letters. */
static void
put_escaped(const char *text, const char *letters, const char *before)
{
	for (; *text != '\0'; text++) {
		if (strchr(letters, *text) != NULL)
			(void)fputs(before, stdout);
		(void)putchar(*text);
	}
}

/* A quote ends the string, is written by itself, and begins it again. */
static void
put_sh(const struct env_var *v)
{
	const char *p;

	(void)printf("export %s='", v->name);
	for (p = v->value; *p != '\0'; p++)
		if (*p == '\'')
			(void)fputs("'\\''", stdout);
		else
			(void)putchar(*p);
	(void)puts("'");
}

static void
put_fish(const struct env_var *v)
{
	(void)printf("set -gx %s '", v->name);
	put_escaped(v->value, "'\\", "\\");
	(void)puts("'");
}

static void
put_powershell(const struct env_var *v)
{
	(void)printf("$env:%s = '", v->name);
	put_escaped(v->value, "'", "'");
	(void)puts("'");
}

static void
put_dotenv(const struct env_var *v)
{
	(void)printf("%s=\"", v->name);
	put_escaped(v->value, "\"\\$`", "\\");
	(void)puts("\"");
}

/* $GITHUB_ENV, and GitLab's dotenv reports, know no quotes. */
static void
put_bare(const struct env_var *v)
{
	(void)printf("%s=%s\n", v->name, v->value);
}

static void
put_json(const struct env_vars *e)
{
	struct buf out = {0};
	size_t i;

	buf_putc(&out, '{');
	for (i = 0; i < e->n; i++)
		json_member(&out, e->v[i].name, str_z(e->v[i].value));
	buf_putz(&out, "}\n");
	(void)fwrite(buf_data(&out), 1, out.len, stdout);
	buf_free(&out);
}

static void
put_tsv(const struct env_vars *e)
{
	static const char *const names[] = {"name", "value"};
	struct buf out = {0};
	size_t i;

	tsv_names(&out, names, NELEM(names));
	for (i = 0; i < e->n; i++) {
		struct str cells[] = {str_z(e->v[i].name), str_z(e->v[i].value)};

		tsv_row(&out, cells, NELEM(cells));
	}
	tsv_print(&out);
}

static const struct format {
	const char *name;
	void (*put)(const struct env_var *);
	void (*put_all)(const struct env_vars *);	/* where lines are not all */
} formats[] = {
	{"sh", put_sh, NULL}, {"fish", put_fish, NULL}, {"powershell", put_powershell, NULL},
	{"dotenv", put_dotenv, NULL}, {"json", NULL, put_json}, {"tsv", NULL, put_tsv},
	{"github", put_bare, NULL}, {"gitlab", put_bare, NULL},
};

static void
put_vars(const struct format *f, const struct env_vars *e)
{
	size_t i;

	if (f->put_all != NULL)
		f->put_all(e);
	for (i = 0; f->put != NULL && i < e->n; i++)
		f->put(&e->v[i]);
}

/* ---- where the proxy is ---- */

struct ask {
	const char *tag, *no_proxy;
	const struct format *format;
};

/* What the running mitmd listens on at first: only it knows a port that it was to choose. */
static bool
running_address(const struct ctl *ctl, struct addr *out)
{
	static const char *const words[] = {"status"};
	struct control_table t;
	struct errmsg why;
	bool found = false;
	size_t row;

	if (control_try(ctl, words, 1, &t, &why) != CTL_OK)
		return false;
	for (row = 1; row < t.nrows && !found; row++)
		found = strcmp(control_cell(&t, row, "section"), "listeners") == 0 &&
		    strcmp(control_cell(&t, row, "name"), "address") == 0 &&
		    addr_parse(str_z(control_cell(&t, row, "value")), out);
	control_table_free(&t);
	return found;
}

/* All addresses are for listening; a client of this host takes loopback. */
static void
make_reachable(struct addr *a)
{
	bool v6 = a->sa.sa_family == AF_INET6;

	if (addr_is_any(a))
		CHECK(addr_parse_ip(v6 ? STR("::1") : STR("127.0.0.1"), addr_port(a), a));
}

static int
fill(const struct ctl *ctl, const struct ask *ask, struct env_vars *e)
{
	struct errmsg err;
	struct conf *conf = conf_load(ctl->conf_file, &err);
	struct addr proxy;
	char *bundle;
	int code = CTL_OK;

	if (conf == NULL) {
		ctl_error("%s", err.text);
		return CTL_CONFIG;
	}
	proxy = conf->listen[0].address;
	bundle = mem_printf("%s/mitmd-ca-bundle.pem", conf->ca.dir);
	if (addr_port(&proxy) == 0 && !running_address(ctl, &proxy)) {
		ctl_error("'listen:' leaves the port to the system, and mitmd does not run");
		code = CTL_UNREACHABLE;
	} else if (access(bundle, R_OK) == -1) {
		ctl_error("%s: %s: mitmctl ca init, or the first start of mitmd, makes it",
		    bundle, strerror(errno));
		code = CTL_FAILED;
	} else {
		make_reachable(&proxy);
		env_vars_fill(e, &proxy, ask->tag, conf->ca.dir, ask->no_proxy);
	}
	free(bundle);
	conf_free(&conf);
	return code;
}

/* ---- the command lines ---- */

static bool
read_format(const char *name, struct ask *ask)
{
	size_t i;

	for (i = 0; i < NELEM(formats); i++)
		if (strcmp(name, formats[i].name) == 0) {
			ask->format = &formats[i];
			return true;
		}
	ctl_error("env: --format is sh, fish, powershell, dotenv, json, tsv, github or gitlab, "
	    "not '%s'", name);
	return false;
}

static bool
read_options(int argc, char **argv, const char *shorts, struct ask *ask)
{
	static const struct option longs[] = {
		{"tag", required_argument, NULL, 't'},
		{"no-proxy", required_argument, NULL, 'n'},
		{"format", required_argument, NULL, 'f'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == 't' && !ring_tag_ok(str_z(optarg))) {
			ctl_error("%s: '%s' is no tag: letters, digits and . _ -, at most 64, "
			    "and neither . nor - at first", argv[0], optarg);
			return false;
		}
		if (c == 't')
			ask->tag = optarg;
		else if (c == 'n')
			ask->no_proxy = optarg;
		else if (c != 'f' || !read_format(optarg, ask))
			return false;
	}
	return true;
}

int
ctl_env(const struct ctl *ctl, int argc, char **argv)
{
	static const char *const usual[] = {
		[CTL_TABLE] = "sh", [CTL_JSON] = "json", [CTL_TSV] = "tsv"};
	struct ask ask = {.no_proxy = NO_PROXY};
	struct env_vars e = {.n = 0};
	int code;

	if (!read_format(usual[ctl->output], &ask) ||
	    !read_options(argc, argv, "", &ask))
		return CTL_USAGE;
	if (optind < argc) {
		ctl_error("env: '%s' is too much", argv[optind]);
		return CTL_USAGE;
	}
	code = fill(ctl, &ask, &e);
	if (code == CTL_OK)
		put_vars(ask.format, &e);
	env_vars_free(&e);
	return code;
}

int
ctl_exec(const struct ctl *ctl, int argc, char **argv)
{
	struct ask ask = {.no_proxy = NO_PROXY};
	struct env_vars e = {.n = 0};
	size_t i;
	int code;

	/* What stands behind the command is the command's. */
	if (!read_options(argc, argv, "+", &ask))
		return CTL_USAGE;
	if (ask.format != NULL || optind == argc) {
		ctl_error("exec: %s", ask.format != NULL ? "--format is env's" :
		    "which command?");
		return CTL_USAGE;
	}
	code = fill(ctl, &ask, &e);
	for (i = 0; code == CTL_OK && i < e.n; i++)
		if (setenv(e.v[i].name, e.v[i].value, 1) == -1)
			code = CTL_FAILED;
	env_vars_free(&e);
	if (code != CTL_OK)
		return code;
	(void)execvp(argv[optind], argv + optind);
	/* As shells have it. */
	code = errno == ENOENT ? 127 : 126;
	ctl_error("exec: %s: %s", argv[optind], strerror(errno));
	return code;
}
