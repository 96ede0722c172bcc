/* SPDX-License-Identifier: ISC */
/* nofile.c - see nofile.h.  Runs in: master. */
#include "config.h"

#include "master/nofile.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

#define OTHERS 512		/* beside those of connections */
#define AS_ROOT (1u << 20)	/* fs.nr_open, unless somebody has changed it */

/* Two descriptors a connection. */
static rlim_t
wanted(const struct conf *conf)
{
	return (rlim_t)conf->limits.connections * 2 + OTHERS;
}

static bool
set(rlim_t n)
{
	struct rlimit rl = {n, n};

	return setrlimit(RLIMIT_NOFILE, &rl) == 0;
}

void
nofile_raise(const struct conf *conf)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return;
	/* Later there is no capability to do so: a reload has to live with it. */
	if (geteuid() == 0 && ((rl.rlim_max < AS_ROOT && set(AS_ROOT)) ||
	    (rl.rlim_max < wanted(conf) && set(wanted(conf)))))
		return;
	(void)set(rl.rlim_max);
}

void
nofile_look(const struct conf *conf)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur >= wanted(conf))
		return;
	log_warning("the limit of open files (%llu) allows %llu connections per worker, "
	    "limits.connections says %u", (unsigned long long)rl.rlim_cur,
	    (unsigned long long)(MAX(rl.rlim_cur, OTHERS) - OTHERS) / 2,
	    conf->limits.connections);
}
