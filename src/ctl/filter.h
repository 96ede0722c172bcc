/* SPDX-License-Identifier: ISC */
/*
 * filter.h - which entries: mitmproxy's filter expressions, and a few of our own.
 *
 *	~u /api/ & !(~c 200 | ~c 304)
 *
 * Regular expressions are searched for, not anchored, in whatever case; by an
 * interpreter with limits, since what it reads was sent by strangers.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_CTL_FILTER_H
#define MITMD_CTL_FILTER_H

#include <stdio.h>

#include "base/err.h"
#include "ctl/view.h"

#define FILTER_MAX 4096	/* bytes of an expression */

struct filter;

/* NULL, and a sentence that names the column. "" takes every entry. */
struct filter *filter_parse(const char *text, struct errmsg *err) NONNULL(1, 2) MUSTCHECK;
void filter_free(struct filter **);
bool filter_match(const struct filter *, const struct view *) NONNULL(1, 2);
/* Searches that were given up since they took too long: these found nothing. */
uint64_t filter_given_up(const struct filter *) NONNULL(1);
/* The operators, a line each, for people. */
void filter_help(FILE *out) NONNULL(1);

#endif
