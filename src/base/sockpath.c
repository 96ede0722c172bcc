/* SPDX-License-Identifier: ISC */
/* sockpath.c - see sockpath.h.  Runs in: master, mitmctl. */
#include "config.h"

#include "base/sockpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"

int
sockpath_open(struct sockpath *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int n;

	*s = (struct sockpath){.sun = {.sun_family = AF_UNIX}, .len = sizeof(s->sun), .dir = -1};
	if (strlen(path) < sizeof(s->sun.sun_path)) {
		memcpy(s->sun.sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (slash == NULL || slash == path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	dir = mem_strndup(path, (size_t)(slash - path));
	s->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (s->dir == -1)
		return -1;
	n = snprintf(s->sun.sun_path, sizeof(s->sun.sun_path), "/proc/self/fd/%d%s", s->dir,
	    slash);
	if ((size_t)n < sizeof(s->sun.sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

void
sockpath_close(struct sockpath *s)
{
	fd_close(&s->dir);
}
