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
/* "expected KIND, got WHAT"; always -1. */
int set_expected(const struct opt *, const char *got, struct errmsg *) NONNULL(1, 2, 3);
void set_free(struct conf *, const struct opt *) NONNULL(1, 2);
/* What a row holds: a number of any width. */
uint64_t set_get_number(const struct conf *, const struct opt *) NONNULL(1, 2);

#endif
