/* SPDX-License-Identifier: ISC */
/*
 * iso_date.h - the dates of a HAR: ISO 8601 as RFC 3339 and browsers write it.
 * Runs in: mitmctl, tests, fuzzers.
 */
#ifndef MITMD_HAR_ISO_DATE_H
#define MITMD_HAR_ISO_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * "2026-11-22T08:01:02.345Z", "...+01:00", "...+0100", any number of decimals:
 * microseconds since 1970. false: it is none, or has no time zone.
 */
bool iso_date_parse(struct str, int64_t *us) NONNULL(2);

#endif
