/* SPDX-License-Identifier: ISC */
/* room.c - see room.h.  Runs in: worker, tests. */
#include "config.h"

#include "proc/room.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define ROOM_MIN ((size_t)64 << 20)
#define SHARE 4
#define PATH_SIZE 4096
#define TEXT_MAX 65536
#define GROUPS "/sys/fs/cgroup"

/* "max", or bytes. */
static size_t
limit_of(const char *path)
{
	size_t n, room = SIZE_MAX;
	char *text = fd_read_file(path, TEXT_MAX, &n);
	struct str rest, line;
	uint64_t v;

	rest = text != NULL ? str_of(text, n) : STR_NONE;
	if (str_split(&rest, '\n', &line) && str_u64(line, SIZE_MAX, &v))
		room = (size_t)v;
	free(text);
	return room;
}

/* The second version's line is "0::/path" (cgroups(7)); what is above holds, too. */
size_t
room_of_groups(const char *root, const char *cgroup)
{
	struct str rest = str_z(cgroup), line, path = STR_NONE;
	char file[PATH_SIZE];
	size_t room = SIZE_MAX;

	while (str_split(&rest, '\n', &line))
		if (str_starts(line, STR("0::/")))
			path = str_from(line, 3);
	while (path.p != NULL) {
		if (path.n > 0 && path.p[path.n - 1] == '/')
			path.n--;
		if (snprintf(file, sizeof(file), "%s%.*s/memory.max", root, (int)path.n,
		    path.p) < (int)sizeof(file))
			room = MIN(room, limit_of(file));
		if (path.n == 0)
			break;
		path.n = (size_t)MAX(str_rchr(path, '/'), 0);
	}
	return room;
}

static size_t
room_of_machine(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX;
}

size_t
room_for_one_of(size_t n)
{
	size_t room = room_of_machine(), len;
	char *groups = fd_read_file("/proc/self/cgroup", TEXT_MAX, &len);
	struct rlimit rl;

	if (groups != NULL)
		room = MIN(room, room_of_groups(GROUPS, groups));
	free(groups);
	room = room / SHARE / MAX(n, (size_t)1);
	if (getrlimit(RLIMIT_DATA, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
		room = MIN(room, (size_t)rl.rlim_cur / 2);
	return MAX(room, ROOM_MIN);
}
