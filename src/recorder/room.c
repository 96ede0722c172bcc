/* SPDX-License-Identifier: ISC */
/* room.c - see room.h.  Runs in: recorder. */
#include "config.h"

#include "recorder/room.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "recorder/spool_dir.h"

#define LOOK_US 3000000

int
room_open(struct room *r, const char *path, bool makes)
{
	struct stat st;
	int fd = spool_dir_make(path);

	*r = (struct room){.path = path, .makes = makes};
	if (fd == -1 || fstat(fd, &st) == -1) {
		(void)errmsg_sys(&r->err, "cannot open the spool directory %s", path);
		return fd;
	}
	r->found = true;
	r->dev = st.st_dev;
	r->ino = st.st_ino;
	return fd;
}

/* It is missing: can it be made? */
static bool
can_be_made(const struct room *r)
{
	char *parent = mem_strdup(r->path), *slash = strrchr(parent, '/');
	const char *where = slash == NULL ? "." : slash == parent ? "/" : parent;
	struct statvfs fs;
	bool can;

	if (slash != NULL && slash != parent)
		*slash = '\0';
	can = r->makes ? statvfs(where, &fs) == 0 && (fs.f_flag & ST_RDONLY) == 0 :
	    access(where, W_OK | X_OK) == 0;
	free(parent);
	return can;
}

bool
room_is_elsewhere(struct room *r, uint64_t now_us)
{
	struct stat st;

	if (now_us - r->look_us < LOOK_US)
		return false;
	r->look_us = now_us;
	if (stat(r->path, &st) == -1)
		return errno == ENOENT && can_be_made(r);
	return (!r->found || st.st_dev != r->dev || st.st_ino != r->ino) &&
	    S_ISDIR(st.st_mode) && access(r->path, R_OK | W_OK | X_OK) == 0;
}
