/* SPDX-License-Identifier: ISC */
/*
 * har_cmd.h - what the commands of "mitmctl har" share.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_HAR_CMD_H
#define MITMD_CTL_HAR_CMD_H

#include "ctl/ctl.h"
#include "ctl/filter.h"
#include "ctl/har_in.h"
#include "ctl/har_out.h"
#include "ctl/progress.h"

struct har_ask {
	const char *command;		/* "check", ... */
	enum ctl_output output;
	bool strict;			/* check: warnings count, too */
	const char *out;		/* -o; NULL: standard output, or in place */
	struct filter *filter;		/* NULL: every entry */
	char **files;
	int nfiles;
};

/* The exit code. */
typedef int har_cmd_fn(const struct har_ask *);
har_cmd_fn har_check, har_filter, har_merge, har_repair, har_stats;

/* Tell why a file could not be read or written: the exit code. */
int har_cmd_no_input(const struct har_ask *, const struct errmsg *) NONNULL(1, 2);
int har_cmd_failed(const struct har_ask *, const struct errmsg *) NONNULL(1, 2);
/* All bytes of the files, as far as anybody knows that before. */
uint64_t har_cmd_total(const struct har_ask *) NONNULL(1);
/* NULL: told why, and *rc is the exit code. */
struct har_in *har_cmd_open(const struct har_ask *, const char *file, int *rc)
    NONNULL(1, 2, 3) MUSTCHECK;
/* The value of log.creator is mitmd's. */
bool har_cmd_is_ours(struct str creator);
/* Warn of searches that were given up. */
void har_cmd_tell_given_up(const struct har_ask *) NONNULL(1);

#endif
