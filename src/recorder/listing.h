/* SPDX-License-Identifier: ISC */
/*
 * listing.h - the tags that have a growing file, as rows for mitmctl (the format
 * is in master/control.h).
 * Runs in: recorder.
 */
#ifndef MITMD_RECORDER_LISTING_H
#define MITMD_RECORDER_LISTING_H

#include "recorder/spool.h"

/*
 * Some rows of an answer, never cut within one; last: there are no more, and rows
 * may be empty.
 */
typedef void listing_fn(void *arg, struct str rows, bool last);

void listing(const struct spool *, listing_fn *, void *arg) NONNULL(1, 2);

#endif
