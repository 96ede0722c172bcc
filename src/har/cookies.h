/* SPDX-License-Identifier: ISC */
/*
 * cookies.h - Cookie and Set-Cookie fields (RFC 6265) as HAR's cookie objects.
 * Runs in: worker, tests, fuzzers.
 */
#ifndef MITMD_HAR_COOKIES_H
#define MITMD_HAR_COOKIES_H

#include "base/buf.h"
#include "http/fields.h"

/* Elements of an array, without its brackets; false when there were too many. */
bool cookies_put_sent(struct buf *out, const struct fields *) NONNULL(1, 2);
/* now_us: the wall clock, for Max-Age. */
bool cookies_put_set(struct buf *out, const struct fields *, uint64_t now_us) NONNULL(1, 2);
/*
 * Seconds since 1970 of an Expires value in any of the forms servers write
 * (RFC 6265 5.1.1); what is before 1970 is 1970.
 */
bool cookies_date(struct str, uint64_t *out_seconds) NONNULL(2);

#endif
