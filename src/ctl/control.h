/* SPDX-License-Identifier: ISC */
/*
 * control.h - asks a running mitmd (the protocol is told in master/control.h),
 * and shows the rows of its answer to people or programs.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_CONTROL_H
#define MITMD_CTL_CONTROL_H

#include <stddef.h>

#include "ctl/ctl.h"

/* cells[row * ncolumns + column]; row 0 names the columns. */
struct control_table {
	size_t nrows, ncolumns;	/* 0 columns: the answer had no rows */
	char **cells;
	char *text;		/* what the cells point into */
};

/*
 * CTL_OK and *out filled (control_table_free() it), or another exit code, and
 * people were told why.
 */
int control_ask(const struct ctl *, const char *const *words, size_t nwords,
    struct control_table *out) NONNULL(1, 2, 4) MUSTCHECK;
void control_table_free(struct control_table *) NONNULL(1);

enum control_kind { CONTROL_TEXT, CONTROL_NUMBER };

struct control_column {
	const char *name;	/* on the wire and in JSON */
	const char *title;	/* for people; NULL: for programs only */
	enum control_kind kind;
	const char *empty;	/* stands for no value, for people; null in JSON */
};
/* A table, or with --output json an array of objects, in the order of columns. */
void control_show(const struct ctl *, const struct control_table *,
    const struct control_column *, size_t ncolumns) NONNULL(1, 2, 3);
/* "..." on standard output. */
void control_json_string(const char *) NONNULL(1);

#endif
