/* SPDX-License-Identifier: ISC */
/*
 * ctl_reload.c - mitmctl reload: the configuration is read again.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <getopt.h>

#include "ctl/control.h"

int
ctl_reload(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option longs[] = {
		{"wait", no_argument, NULL, 'w'},
		{NULL, 0, NULL, 0},
	};
	static const struct control_column columns[] = {
		{"generation", "GENERATION", CONTROL_NUMBER, "?"},
	};
	const char *words[] = {"reload", "wait"};
	struct control_table t;
	bool wait = false;
	int c, code;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c != 'w')
			return CTL_USAGE;
		wait = true;
	}
	if (optind < argc) {
		ctl_error("reload: '%s' is too much", argv[optind]);
		return CTL_USAGE;
	}
	/* How long it takes is the new generation's matter. */
	code = wait ? control_wait(ctl, words, 2, &t) : control_ask(ctl, words, 1, &t);
	if (code != CTL_OK)
		return code;
	if (ctl->output != CTL_TABLE)
		control_show(ctl, &t, columns, NELEM(columns));
	control_table_free(&t);
	return CTL_OK;
}
