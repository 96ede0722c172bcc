/* SPDX-License-Identifier: ISC */
/*
 * split.h - a whole HAR, from anybody and however it is laid out, cut into its
 * entries and the other members of "log" while its bytes stream by.  Nothing is
 * kept but names of a few letters; the JSON is checked on the way.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_HAR_SPLIT_H
#define MITMD_HAR_SPLIT_H

#include "har/json.h"

#define SPLIT_NAME_MAX 32	/* names are cut to that many bytes */

enum split_event {
	SPLIT_MORE,		/* all bytes were taken, and nothing happened */
	SPLIT_VALUE,		/* the value of a member of log begins behind the last byte */
	SPLIT_MEMBER,		/* ... and ends before it */
	SPLIT_ENTRIES,		/* the value is the array of entries: the bracket was taken */
	SPLIT_ENTRY,		/* an entry begins with the last byte */
	SPLIT_ENTRY_END,	/* ... and ended with it */
	SPLIT_ODD,		/* an element of entries that is no object begins */
	SPLIT_ENTRIES_END,	/* the bracket was taken */
	SPLIT_BAD		/* the next byte cannot be */
};

struct split {
	struct json_check check;
	char name[2][SPLIT_NAME_MAX];	/* of the members we are in, by depth */
	uint8_t name_len[2];
	uint8_t bom;			/* bytes seen of a byte order mark */
	bool in_log, in_entries, in_entry, in_odd, in_value;
	bool seen_log, seen_entries;
};

void split_init(struct split *) NONNULL(1);
/* The next event, and how many bytes led to it. */
enum split_event split_next(struct split *, const void *p, size_t n, size_t *used)
    NONNULL(1, 4);
/* The file was whole. */
bool split_done(const struct split *) NONNULL(1);
/* Of the member of log that we are in, or that just ended. */
struct str split_name(const struct split *) NONNULL(1);

#endif
