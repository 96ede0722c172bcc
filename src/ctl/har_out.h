/* SPDX-License-Identifier: ISC */
/*
 * har_out.h - a HAR that is written: an entry per line, as mitmd's own are.  A file
 * appears under its name when it is whole, or not at all.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_HAR_OUT_H
#define MITMD_CTL_HAR_OUT_H

#include "ctl/har_in.h"

struct har_out;

/* NULL is standard output. NULL, and why. */
struct har_out *har_out_new(const char *path, struct errmsg *) NONNULL(2) MUSTCHECK;
void har_out_free(struct har_out **);	/* without har_out_end(): nothing is left of it */
/* As the owner and the rights of that file. */
void har_out_like(struct har_out *, const char *path) NONNULL(1, 2);

/* A member of log, in this order; those behind the entries stand behind them. */
void har_out_member(struct har_out *, struct str name, struct str value) NONNULL(1);
/* The one that the reader is at, whatever its size. 0, or -1 and why. */
int har_out_copy_member(struct har_out *, struct har_in *, const struct har_item *,
    struct errmsg *) NONNULL(1, 2, 3, 4) MUSTCHECK;
void har_out_entries(struct har_out *) NONNULL(1);
/* An entry as the reader is at it ... */
int har_out_copy_entry(struct har_out *, struct har_in *, const struct har_item *,
    struct errmsg *) NONNULL(1, 2, 3, 4) MUSTCHECK;
/* ... or in pieces; white space between its tokens goes. */
void har_out_entry_begin(struct har_out *) NONNULL(1);
void har_out_piece(struct har_out *, const char *p, size_t n) NONNULL(1);
void har_out_entry_end(struct har_out *) NONNULL(1);
void har_out_entries_end(struct har_out *) NONNULL(1);
/* An object for the list of TLS failures at the end; there is a limit to that. */
void har_out_tls_error(struct har_out *, struct str object) NONNULL(1);

/* What could not be written is told now. 0, or -1 and why. */
int har_out_end(struct har_out *, struct errmsg *) NONNULL(1, 2) MUSTCHECK;
bool har_out_failed(const struct har_out *) NONNULL(1);	/* it is no use to go on */
uint64_t har_out_written(const struct har_out *) NONNULL(1);	/* entries */

#endif
