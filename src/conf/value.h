/* SPDX-License-Identifier: ISC */
/*
 * value.h - scalars of the configuration as text and back.
 * Runs in: master.
 */
#ifndef MITMD_CONF_VALUE_H
#define MITMD_CONF_VALUE_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"

/* true, yes, on; false, no, off. */
bool value_bool(struct str, bool *out) NONNULL(2) MUSTCHECK;
/* "4096", "64K", "16M", "10G", "1T": bytes, powers of 1024. */
bool value_size(struct str, uint64_t *out) NONNULL(2) MUSTCHECK;
/* "500ms", "10s", "5m", "24h", "7d": milliseconds. */
bool value_time(struct str, uint64_t *out) NONNULL(2) MUSTCHECK;

/* With the largest unit that needs no fraction. */
void value_put_size(struct buf *, uint64_t) NONNULL(1);
void value_put_time(struct buf *, uint64_t ms) NONNULL(1);
void value_put_cidr(struct buf *, const struct cidr *) NONNULL(1, 2);
/* As a double-quoted YAML scalar; s has no control characters. */
void value_put_quoted(struct buf *, struct str s) NONNULL(1);

#endif
