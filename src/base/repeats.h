/* SPDX-License-Identifier: ISC */
/*
 * repeats.h - lines of a log that come again and again: the first ones are said,
 * of the others only how many there were.  One table for a process, without
 * memory of its own: two kinds of lines that meet in a place share it by turns.
 */
#ifndef MITMD_BASE_REPEATS_H
#define MITMD_BASE_REPEATS_H

#include "base/rate.h"

#define REPEATS_KINDS 64
#define REPEATS_TEXT 120

struct repeats {
	struct repeated {
		const void *kind;	/* what its lines have in common, as their format */
		struct rate rate;
		uint64_t left_out;
		uint64_t since_us;	/* the first of them */
		uint64_t last_us;
		int level;
		char text[REPEATS_TEXT];	/* the beginning of the last of them */
	} v[REPEATS_KINDS];
};

/* "N more in M s" of those left out. */
typedef void repeats_fn(const struct repeated *, uint64_t seconds);

/* May this line be said? What was left out before it is told first. */
bool repeats_may_say(struct repeats *, const void *kind, struct rate fresh, int level,
    const char *text, uint64_t now_us, repeats_fn *) NONNULL(1, 2, 5, 7) MUSTCHECK;
/* Tell of all that was left out, now. */
void repeats_tell(struct repeats *, uint64_t now_us, repeats_fn *) NONNULL(1, 3);
/* Of kinds that nothing was left out of for a while: now is the time to tell. */
void repeats_settle(struct repeats *, uint64_t now_us, repeats_fn *) NONNULL(1, 3);

#endif
