/* SPDX-License-Identifier: ISC */
/*
 * dirs.c - the way to the directories that nobody has named: a new user has no
 * ~/.local/state yet.  What the file names is not made up here; a typing error
 * would be hidden.
 * Runs in: master, mitmctl.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "conf/conf.h"

/* All levels above path, as the XDG Base Directory Specification has it: 0700. */
static int
make_above(const char *path, struct errmsg *err)
{
	char *dir = mem_strdup(path), *slash = dir;
	int rc = 0;

	while (rc == 0 && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(dir, 0700) == -1 && errno != EEXIST)
			rc = errmsg_sys(err, "cannot make the directory %s", dir);
		*slash = '/';
	}
	free(dir);
	return rc;
}

/* Above the directory of a socket: that one is made with the socket. */
static int
make_above_socket(const char *path, struct errmsg *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = mem_strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
	int rc = make_above(dir, err);

	free(dir);
	return rc;
}

int
conf_make_dirs(const struct conf *c, struct errmsg *err)
{
	if (conf_place(c, "ca.dir").line == 0 && make_above(c->ca.dir, err) == -1)
		return -1;
	if (conf_place(c, "spool.dir").line == 0 && make_above(c->spool.dir, err) == -1)
		return -1;
	if (c->control != NULL && conf_place(c, "control").line == 0)
		return make_above_socket(c->control, err);
	return 0;
}
