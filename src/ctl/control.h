/* SPDX-License-Identifier: ISC */
/*
 * control.h - asks a running mitmd (the protocol is told in master/control.h),
 * and shows the rows of its answer to people or programs.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_CONTROL_H
#define MITMD_CTL_CONTROL_H

#include <stddef.h>

#include "base/err.h"
#include "ctl/ctl.h"

#define CONTROL_COLUMNS 32	/* at most */

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
/* The same for what may take as long as it wants. */
int control_wait(const struct ctl *, const char *const *words, size_t nwords,
    struct control_table *out) NONNULL(1, 2, 4) MUSTCHECK;
/* The same for who can do without; nobody was told. */
int control_try(const struct ctl *, const char *const *words, size_t nwords,
    struct control_table *out, struct errmsg *why) NONNULL(1, 2, 4, 5) MUSTCHECK;
void control_table_free(struct control_table *) NONNULL(1);
/* Row 0 names the columns; "" for one that is not there. */
const char *control_cell(const struct control_table *, size_t row, const char *name)
    NONNULL(1, 3);

/*
 * A connection on which more and more comes, after the "ok". Not CTL_OK: *why says
 * why, and nobody was told yet.
 */
int control_stream(const struct ctl *, const char *const *words, size_t nwords, int *out_fd,
    struct errmsg *why) NONNULL(1, 2, 4, 5) MUSTCHECK;

enum control_kind { CONTROL_TEXT, CONTROL_NUMBER };

struct control_column {
	const char *name;	/* on the wire and for programs */
	const char *title;	/* for people; NULL: for programs only */
	enum control_kind kind;
	const char *empty;	/* stands for no value, for people */
};
/* A table, or as --output says; in the order of columns. */
void control_show(const struct ctl *, const struct control_table *,
    const struct control_column *, size_t ncolumns) NONNULL(1, 2, 3);
/* "..." on standard output. */
void control_json_string(const char *) NONNULL(1);

#endif
