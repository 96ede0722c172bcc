/* SPDX-License-Identifier: ISC */
/*
 * ctl_flush.c - mitmctl flush: HAR files are finished now.
 * Runs in: mitmctl.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/control.h"

int
ctl_flush(const struct ctl *ctl, int argc, char **argv)
{
	static const struct control_column columns[] = {
		{"files", NULL, CONTROL_NUMBER, "0"},
	};
	const char *words[] = {"flush", argc > 1 ? argv[1] : NULL};
	struct control_table t;
	const char *files;
	int code;

	if (argc > 2) {
		ctl_error("flush: one tag, or none for all; '%s' is too much", argv[2]);
		return CTL_USAGE;
	}
	/* Disks are slow. */
	code = control_wait(ctl, words, (size_t)argc, &t);
	if (code != CTL_OK)
		return code;
	files = t.nrows > 1 ? control_cell(&t, 1, "files") : "0";
	if (ctl->output != CTL_TABLE)
		control_show(ctl, &t, columns, NELEM(columns));
	else
		(void)printf("%s file%s finished\n", files, strcmp(files, "1") == 0 ? "" : "s");
	control_table_free(&t);
	return CTL_OK;
}
