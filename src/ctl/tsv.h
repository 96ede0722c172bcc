/* SPDX-License-Identifier: ISC */
/*
 * tsv.h - tables for cut(1), awk(1) and spreadsheets: a line of names, then one a row,
 * with tabs between the cells.  In a cell a tab is \t, an end of line \n or \r, a
 * backslash \\, any other control byte \xXX.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_TSV_H
#define MITMD_CTL_TSV_H

#include "base/buf.h"

void tsv_row(struct buf *out, const struct str *cells, size_t n) NONNULL(1, 2);
void tsv_names(struct buf *out, const char *const *names, size_t n) NONNULL(1, 2);
/* On standard output; out is freed. */
void tsv_print(struct buf *out) NONNULL(1);

/* A cell; negative is not known, which is an empty one. */
#define TSV_NUMBER 24
struct str tsv_number(int64_t, char room[TSV_NUMBER]) NONNULL(2);

#endif
