/* SPDX-License-Identifier: ISC */
/*
 * defaults.c - what serves where the file says nothing, and what "auto" means
 * on this host.
 * Runs in: master.
 */
#include "config.h"

#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/load.h"
#include "conf/schema.h"
#include "conf/set.h"

#define WORKERS_MAX 256
#define INSTANCE_MAX 32

static const char *
home_dir(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home != NULL && home[0] == '/')
		return home;
	pw = getpwuid(geteuid());
	return pw != NULL && pw->pw_dir != NULL && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

/* A relative $XDG_STATE_HOME does not count (XDG Base Directory Specification). */
static char *
state_path(const char *name)
{
	const char *state = getenv("XDG_STATE_HOME"), *home;

	if (state != NULL && state[0] == '/')
		return mem_printf("%s/mitmd/%s", state, name);
	home = home_dir();
	return home != NULL ? mem_printf("%s/.local/state/mitmd/%s", home, name) : NULL;
}

/*
 * A normal user cannot write to /var. Whoever `user:` names is none: that is the
 * service, and where it was started as him its places are those of the system.
 */
static bool
is_normal_user(const struct conf *c)
{
	size_t row = schema_find(STR("user"));
	const char *name = c->user != NULL ? c->user : schema_row(row)->fallback;
	const struct passwd *pw;

	if (geteuid() == 0)
		return false;
	pw = getpwnam(name);
	return pw == NULL || pw->pw_uid != geteuid();
}

static int
own_dir(char **dir, const char *key, const char *name, struct errmsg *err)
{
	char *path = state_path(name);

	if (path == NULL)
		return errmsg_set(err, "key '%s': no home directory to put it in: set it", key);
	free(*dir);
	*dir = path;
	return 0;
}

static int
own_socket(struct conf *c, const struct opt *o, struct errmsg *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	struct errmsg why;
	char *path;
	int rc;

	path = run != NULL && run[0] == '/' ? mem_printf("%s/mitmd/control.sock", run)
	    : state_path("control.sock");
	if (path == NULL)
		return errmsg_set(err, "key '%s': no home directory to put it in: set it",
		    o->path);
	rc = set_value(c, o, str_z(path), (struct mark){0, 0}, "/", &why);
	free(path);
	return rc == 0 ? 0 : errmsg_set(err, "key '%s': %s", o->path, why.text);
}

static unsigned
cpu_count(void)
{
	cpu_set_t cpus;
	long n;

	CPU_ZERO(&cpus);
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		n = CPU_COUNT(&cpus);
	else	/* more processors than a cpu_set_t can name */
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned)MIN(MAX(n, 1), WORKERS_MAX);
}

char *
defaults_instance(const char *host)
{
	char *name = mem_strndup(host, strnlen(host, INSTANCE_MAX));
	size_t i;

	for (i = 0; name[i] != '\0' && name[i] != '.'; i++) {
		char c = ascii_lower(name[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			continue;
		if (i == 0)	/* an instance does not start with '-' */
			name[i] = 'x';
		else
			name[i] = '-';
	}
	name[i] = '\0';
	if (i > 0)
		return name;
	free(name);
	return mem_strdup("localhost");
}

static int
default_row(struct conf *c, const struct opt *o, bool normal, struct errmsg *err)
{
	if (o->size == 0 || schema_in_entry(o) || str_eq(str_z(o->fallback), STR("[]")) ||
	    str_eq(str_z(o->fallback), STR("{}")))
		return 0;
	if (normal && str_eq(str_z(o->path), STR("ca.dir")))
		return own_dir(&c->ca.dir, o->path, "ca", err);
	if (normal && str_eq(str_z(o->path), STR("spool.dir")))
		return own_dir(&c->spool.dir, o->path, "spool", err);
	if (normal && str_eq(str_z(o->path), STR("control")))
		return own_socket(c, o, err);
	return set_value(c, o, str_z(o->fallback), (struct mark){0, 0}, "/", err);
}

int
defaults_apply(struct conf *c, const unsigned *set, struct errmsg *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	bool normal = is_normal_user(c);
	size_t i;

	for (i = 0; i < schema_count(); i++)
		if (set[i] == 0 && default_row(c, schema_row(i), normal, err) < 0)
			return -1;
	if (c->workers == 0)
		c->workers = cpu_count();
	if (str_eq(str_z(c->instance), STR("auto"))) {
		free(c->instance);
		(void)gethostname(host, sizeof(host) - 1);
		c->instance = defaults_instance(host);
	}
	return 0;
}
