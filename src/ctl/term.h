/* SPDX-License-Identifier: ISC */
/*
 * term.h - standard output when a person reads it: colours and width, and bytes of
 * strangers that must not steer the terminal.
 * Runs in: mitmctl.
 */
#ifndef MITMD_CTL_TERM_H
#define MITMD_CTL_TERM_H

#include "base/buf.h"
#include "ctl/ctl.h"

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_RED, TERM_GREEN, TERM_YELLOW,
	TERM_MAGENTA, TERM_CYAN };

/* --color, else a terminal without NO_COLOR (no-color.org) that is not dumb. */
bool term_colours(const struct ctl *) NONNULL(1);
/* What begins a style, and with TERM_PLAIN ends it; "" without colours. */
const char *term_style(const struct ctl *, enum term_style) NONNULL(1);
/* Columns of the terminal on standard output; 0: it is none. */
unsigned term_width(void);

/*
 * Text for a line of a terminal: every byte that is not printable ASCII is \xXX. At
 * most so many columns (0: all); what is cut ends in "...". Returns how many it took.
 */
unsigned term_put(struct buf *out, struct str text, unsigned columns) NONNULL(1);

#endif
