/* SPDX-License-Identifier: ISC */
/*
 * tally.h - counts, bytes and durations by name, in bounded memory: so many names, and
 * what comes after them is "others"; durations to within four percent.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_TALLY_H
#define MITMD_CTL_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define TALLY_NAMES 1000u

struct spread;		/* of durations */

struct spread *spread_new(void) MUSTCHECK;
/* Negative: not known, not counted. */
void spread_add(struct spread *, int64_t us) NONNULL(1);
/* That part (0.5, 0.95) of the durations is no longer; -1: there is none. */
int64_t spread_part(const struct spread *, double part);
int64_t spread_max(const struct spread *);

/* What is known of one entry. */
struct tally_entry {
	bool failed;
	int64_t sent, received, time_us, wait_us;	/* -1: not known */
};

struct tally_row {
	struct str name;
	uint64_t entries, failed, sent, received;
	struct spread *time, *wait;
};

struct tally;

struct tally *tally_new(void) MUSTCHECK;
void tally_free(struct tally **);
void tally_add(struct tally *, struct str name, const struct tally_entry *) NONNULL(1, 3);
/*
 * At the end: the rows, the one with most entries first; "others", if there are any, is the
 * last one.
 */
const struct tally_row *tally_rows(struct tally *, size_t *n) NONNULL(1, 2);
bool tally_has_others(const struct tally *) NONNULL(1);

#endif
