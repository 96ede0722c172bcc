/* SPDX-License-Identifier: ISC */
/*
 * har_in.h - a HAR file of any size, entry by entry.  An entry is held in memory as
 * it is up to HAR_IN_WHOLE bytes; of a longer one the strings are cut, and its bytes
 * can still be copied.
 * Runs in: mitmctl, tests.
 */
#ifndef MITMD_CTL_HAR_IN_H
#define MITMD_CTL_HAR_IN_H

#include "base/str.h"
#include "ctl/input.h"

#define HAR_IN_WHOLE (32u << 20)
#define HAR_IN_STRING (1u << 20)	/* kept of each string of a longer entry */

enum har_in_kind {
	HAR_IN_MEMBER,		/* of log, but not the entries */
	HAR_IN_ENTRIES,		/* they begin */
	HAR_IN_ENTRY,
	HAR_IN_ODD,		/* among the entries, something that is no object */
	HAR_IN_ENTRIES_END,
	HAR_IN_END,		/* the file was whole */
	HAR_IN_BROKEN		/* it is no JSON, or ends too early: the fault says where */
};

struct har_item {
	enum har_in_kind kind;
	struct str name;	/* of a member */
	struct str text;	/* of an entry or a member, until the next item */
	uint64_t number;	/* of an entry, from 1 on */
	uint64_t at, size;	/* where it stands in the file, as a plain one */
	bool cut;		/* text is not all of it */
};

struct har_in;

/* Takes the input, also where the file turns out to be broken. */
struct har_in *har_in_new(struct input **) NONNULL(1) MUSTCHECK;
void har_in_free(struct har_in **);
struct input *har_in_input(struct har_in *) NONNULL(1);
/* For its next reader. */
struct input *har_in_take_input(struct har_in *) NONNULL(1) MUSTCHECK;
/* 0, or -1: reading failed, and why. */
int har_in_next(struct har_in *, struct har_item *, struct errmsg *) NONNULL(1, 2, 3) MUSTCHECK;
/* What is wrong with a broken file. */
const char *har_in_fault(const struct har_in *) NONNULL(1);
bool har_in_torn_entry(const struct har_in *) NONNULL(1);	/* it breaks inside of one */
bool har_in_seen_log(const struct har_in *) NONNULL(1);
bool har_in_seen_entries(const struct har_in *) NONNULL(1);

/* The bytes of an entry in pieces; not 0 ends it. */
typedef int har_in_put_fn(void *arg, const char *p, size_t n);
/* All of an entry that har_in_next() has just given. 0, -1 and why, or what put said. */
int har_in_copy(struct har_in *, const struct har_item *, har_in_put_fn *, void *arg,
    struct errmsg *) NONNULL(1, 2, 3, 5) MUSTCHECK;

#endif
