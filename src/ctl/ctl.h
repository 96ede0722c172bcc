/* SPDX-License-Identifier: ISC */
/*
 * ctl.h - mitmctl: one function per command.  Some speak to a running mitmd over
 * its control socket, some only need its configuration and files.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_CTL_H
#define MITMD_CTL_CTL_H

#include <stdbool.h>

#include "base/attr.h"

/* Exit codes; scripts depend on them. The larger ones are those of sysexits.h. */
enum {
	CTL_OK = 0,
	CTL_FAILED = 1,		/* mitmd, or the system, said no; the reason is on stderr */
	CTL_DEGRADED = 2,	/* status: mitmd runs, and somebody should look at it */
	CTL_USAGE = 64,
	CTL_NOINPUT = 66,	/* a file cannot be read */
	CTL_UNREACHABLE = 69,	/* nobody answers on the control socket */
	CTL_BUSY = 75,		/* not now: the same may work soon */
	CTL_DENIED = 77,
	CTL_CONFIG = 78		/* the configuration is wrong: FILE:LINE:COL on stderr */
};

enum ctl_output { CTL_TABLE, CTL_JSON, CTL_TSV };
enum ctl_colour { CTL_COLOUR_AUTO, CTL_COLOUR_ALWAYS, CTL_COLOUR_NEVER };

struct ctl {
	const char *conf_file;	/* -c; NULL: as mitmd itself would choose */
	const char *socket;	/* -s; NULL: as the configuration says */
	enum ctl_output output;	/* --output: for people, or for programs */
	enum ctl_colour colour;	/* --color */
};

/* argv[0] is the command's name. The exit code. */
typedef int ctl_command_fn(const struct ctl *, int argc, char **argv);

ctl_command_fn ctl_bypass;	/* ctl_bypass.c */
ctl_command_fn ctl_ca;		/* ctl_ca.c */
ctl_command_fn ctl_conns;	/* ctl_lists.c */
ctl_command_fn ctl_drain;	/* ctl_drain.c */
ctl_command_fn ctl_env, ctl_exec;	/* ctl_env.c */
ctl_command_fn ctl_explain;	/* ctl_explain.c */
ctl_command_fn ctl_flush;	/* ctl_flush.c */
ctl_command_fn ctl_har;		/* ctl_har.c */
ctl_command_fn ctl_reload;	/* ctl_reload.c */
ctl_command_fn ctl_status;	/* ctl_status.c */
ctl_command_fn ctl_tags;	/* ctl_lists.c */
ctl_command_fn ctl_tail;	/* ctl_tail.c */

/* "mitmctl: ..." on stderr. */
void ctl_error(const char *fmt, ...) PRINTF(1, 2);

#endif
