/* SPDX-License-Identifier: ISC */
/* procfs.c - see procfs.h.  Runs in: master. */
#include "config.h"

#include "master/procfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static bool
read_file(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd != -1 ? read(fd, out, size - 1) : -1;
	fd_close(&fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool
procfs_read(pid_t pid, struct procfs *out)
{
	unsigned long long user, sys, size, resident, shared;
	long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	char text[1024];
	const char *p;

	if (!read_file(pid, "stat", text, sizeof(text)))
		return false;
	/* The name may hold anything, also parentheses: the last one ends it. */
	p = strrchr(text, ')');
	if (p == NULL || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
	    &user, &sys) != 2)
		return false;
	if (!read_file(pid, "statm", text, sizeof(text)) ||
	    sscanf(text, "%llu %llu %llu", &size, &resident, &shared) != 3)
		return false;
	out->cpu_ms = (user + sys) * 1000 / (unsigned long long)ticks;
	out->memory = resident > shared ?
	    (resident - shared) * (unsigned long long)page : 0;
	return true;
}
