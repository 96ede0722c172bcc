/* SPDX-License-Identifier: ISC */
/*
 * set.h - one value, as text, into its place in struct conf.
 * Runs in: master.
 */
#ifndef MITMD_CONF_SET_H
#define MITMD_CONF_SET_H

#include "conf/conf.h"
#include "conf/reader.h"
#include "conf/schema.h"

/*
 * Set the value of this row, or add to it when it is a list. base is the
 * directory that relative paths start from. -1 with what is wrong, without
 * file and key.
 */
int set_value(struct conf *, const struct opt *, struct str text, struct mark,
    const char *base, struct errmsg *) NONNULL(1, 2, 5, 6) MUSTCHECK;
/* One pair of a mapping. */
struct pair {
	struct str key, text;
	struct mark key_at, at;
};

/* Whether the key may be one; the text need not be there yet. -1 as above. */
int pair_check_key(const struct conf *, const struct opt *, const struct pair *,
    struct errmsg *) NONNULL(1, 2, 3, 4) MUSTCHECK;
/* Add a pair whose key may be one. */
int pair_set(struct conf *, const struct opt *, const struct pair *, const char *base,
    struct errmsg *) NONNULL(1, 2, 3, 4, 5) MUSTCHECK;
void pairs_free(struct conf *, const struct opt *) NONNULL(1, 2);

/* Where a row is in struct conf, and the second place it has (`count`). */
void *set_place(const struct conf *, const struct opt *) NONNULL(1, 2);
void *set_second_place(const struct conf *, const struct opt *) NONNULL(1, 2);
/* The absolute path, or NULL with what is wrong with the text. */
char *set_absolute(const struct opt *, struct str text, const char *base, struct errmsg *)
    NONNULL(1, 3, 4) MUSTCHECK;
/* "expected KIND, got 'TEXT'" and the hint; always -1. */
int set_expected_not(const struct opt *, struct str text, const char *hint, struct errmsg *)
    NONNULL(1, 3, 4);
/* "expected KIND, got WHAT"; always -1. */
int set_expected(const struct opt *, const char *got, struct errmsg *) NONNULL(1, 2, 3);
void set_free(struct conf *, const struct opt *) NONNULL(1, 2);
/* What a row holds: a number of any width. */
uint64_t set_get_number(const struct conf *, const struct opt *) NONNULL(1, 2);

#endif
