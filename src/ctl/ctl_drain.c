/* SPDX-License-Identifier: ISC */
/*
 * ctl_drain.c - mitmctl drain: the host is to be emptied.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/value.h"
#include "ctl/control.h"
#include "ctl/human.h"

static int
read_options(int argc, char **argv, char **out_timeout)
{
	static const struct option longs[] = {
		{"timeout", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	uint64_t ms;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 't')
			return CTL_USAGE;
		if (!value_time(str_z(optarg), &ms)) {
			ctl_error("drain: --timeout is a time (30s, 10m, 1h), not '%s'",
			    optarg);
			return CTL_USAGE;
		}
		free(*out_timeout);
		*out_timeout = mem_printf("timeout=%llu", (unsigned long long)(ms / 1000));
	}
	if (optind == argc)
		return CTL_OK;
	ctl_error("drain: '%s' is too much", argv[optind]);
	return CTL_USAGE;
}

static void
show(const struct ctl *ctl, const struct control_table *t)
{
	static const struct control_column columns[] = {
		{"timeout", NULL, CONTROL_NUMBER, "?"},
		{"idle", NULL, CONTROL_NUMBER, "?"},
	};
	char limit[HUMAN_SIZE], idle[HUMAN_SIZE];

	if (ctl->json) {
		control_show(ctl, t, columns, NELEM(columns));
		return;
	}
	(void)human_seconds(strtoull(control_cell(t, 1, "timeout"), NULL, 10), limit);
	(void)human_seconds(strtoull(control_cell(t, 1, "idle"), NULL, 10), idle);
	(void)printf("mitmd ends when nobody has been connected for %s, in %s at the latest\n",
	    idle, limit);
}

int
ctl_drain(const struct ctl *ctl, int argc, char **argv)
{
	const char *words[] = {"drain", NULL};
	struct control_table t;
	char *timeout = NULL;
	int code = read_options(argc, argv, &timeout);

	words[1] = timeout;
	if (code == CTL_OK)
		code = control_ask(ctl, words, timeout != NULL ? 2 : 1, &t);
	if (code == CTL_OK) {
		if (t.nrows > 1)
			show(ctl, &t);
		control_table_free(&t);
	}
	free(timeout);
	return code;
}
