/* SPDX-License-Identifier: ISC */
/*
 * tail_line.h - one line of text for one flow.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_TAIL_LINE_H
#define MITMD_CTL_TAIL_LINE_H

#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

/* With LF. columns: of the terminal, which the line then fits; 0: it is none. */
void tail_line(const struct ctl *, const struct view *, unsigned columns, struct buf *out)
    NONNULL(1, 2, 4);
/* The same for programs: cells as in tsv.h, and what they are. */
void tail_row(const struct view *, struct buf *out) NONNULL(1, 2);
void tail_names(struct buf *out) NONNULL(1);

#endif
