/* SPDX-License-Identifier: ISC */
/*
 * ctl_drain.c - mitmctl drain: the host is to be emptied, or not after all.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/value.h"
#include "ctl/control.h"
#include "ctl/human.h"

/* *out_word: what is asked besides "drain", on the heap, or NULL. */
static int
read_options(int argc, char **argv, char **out_word)
{
	static const struct option longs[] = {
		{"cancel", no_argument, NULL, 'c'},
		{"timeout", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	bool cancel = false, timed = false;
	uint64_t ms = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'c') {
			cancel = true;
		} else if (c != 't') {
			return CTL_USAGE;
		} else if (!value_time(str_z(optarg), &ms)) {
			ctl_error("drain: --timeout is a time (30s, 10m, 1h), not '%s'",
			    optarg);
			return CTL_USAGE;
		} else {
			timed = true;
		}
	}
	if (optind < argc || (cancel && timed)) {
		ctl_error("drain: '%s' is too much",
		    optind < argc ? argv[optind] : "--timeout");
		return CTL_USAGE;
	}
	if (cancel)
		*out_word = mem_strdup("cancel");
	else if (timed)
		*out_word = mem_printf("timeout=%llu", (unsigned long long)(ms / 1000));
	return CTL_OK;
}

static void
show_begun(const struct ctl *ctl, const struct control_table *t)
{
	static const struct control_column columns[] = {
		{"timeout", NULL, CONTROL_NUMBER, "?"},
		{"idle", NULL, CONTROL_NUMBER, "?"},
	};
	char limit[HUMAN_SIZE], idle[HUMAN_SIZE];

	if (ctl->output != CTL_TABLE) {
		control_show(ctl, t, columns, NELEM(columns));
		return;
	}
	(void)human_seconds(strtoull(control_cell(t, 1, "timeout"), NULL, 10), limit);
	(void)human_seconds(strtoull(control_cell(t, 1, "idle"), NULL, 10), idle);
	(void)printf("mitmd ends when nobody has been connected for %s, in %s at the latest; "
	    "--cancel takes that back\n", idle, limit);
}

static void
show_cancelled(const struct ctl *ctl, const struct control_table *t)
{
	static const struct control_column columns[] = {
		{"cancelled", NULL, CONTROL_NUMBER, "?"},
	};

	if (ctl->output != CTL_TABLE)
		control_show(ctl, t, columns, NELEM(columns));
	else if (strcmp(control_cell(t, 1, "cancelled"), "1") == 0)
		(void)puts("mitmd stays, and is ready again");
	else
		(void)puts("mitmd was not draining, and stays");
}

int
ctl_drain(const struct ctl *ctl, int argc, char **argv)
{
	const char *words[] = {"drain", NULL};
	struct control_table t;
	char *word = NULL;
	int code = read_options(argc, argv, &word);

	words[1] = word;
	if (code == CTL_OK)
		code = control_ask(ctl, words, word != NULL ? 2 : 1, &t);
	if (code == CTL_OK) {
		if (t.nrows > 1 && word != NULL && strcmp(word, "cancel") == 0)
			show_cancelled(ctl, &t);
		else if (t.nrows > 1)
			show_begun(ctl, &t);
		control_table_free(&t);
	}
	free(word);
	return code;
}
